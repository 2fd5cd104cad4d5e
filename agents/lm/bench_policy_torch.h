// How fast a model generates and trains on this machine (`turnhalle bench policy`).
// Torch-free header. bench/peers/transformers_rates.py measures the same loads with transformers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agents/lm/precision_torch.h"

namespace turnhalle::lm {

class Transformer;

/// Conversations that all start at once with different prompts and end together, and a batch of
/// sequences of different lengths to train on.
struct PolicyLoad {
  std::int64_t conversations = 32;
  std::int64_t prompt_tokens = 64;
  std::int64_t new_tokens = 64;
  std::int64_t sequences = 64;
  /// Length of training sequence i: sequence_min + i · 37 mod (sequence_max − sequence_min + 1).
  std::int64_t sequence_min = 40;
  std::int64_t sequence_max = 100;
  /// Tokens that the sequences of a group begin with, the prompt of their task; the loss is on the
  /// tokens after them. 0: every sequence is another task.
  std::int64_t shared_prompt = 0;
  std::int64_t group_size = 8;
  /// Rollouts whose feedback is overwritten turn by turn (trainers/token_arrays.h): a prompt of
  /// `prompt_tokens`, then turns of 16 tokens of feedback and 16 of reply; 0: none.
  std::int64_t rollouts = 4;
  std::int64_t turns = 8;
  int runs = 5;
  Precision generation_precision = Precision::float32;
  Precision training_precision = Precision::float32;
};

/// Tokens per second, one number for each run.
struct PolicyRates {
  std::vector<double> generated;  ///< sampled tokens, the prefill's time included
  std::vector<double> decoded;    ///< sampled tokens, from the second one of each conversation on
  /// Tokens through forward, policy-gradient loss on every token with all logits, backward and
  /// AdamW.
  std::vector<double> trained;
  /// Counterfactual replies scored per second: what a rollout's variants have in common computed
  /// once, and each variant by itself.
  std::vector<double> scored_sharing;
  std::vector<double> scored_apart;
};

/// One warm-up run, then `runs` that count. Training changes a copy of the weights.
PolicyRates measure_policy(std::shared_ptr<const Transformer> model, const PolicyLoad& load);

}  // namespace turnhalle::lm
