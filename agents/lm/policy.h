// A policy: a language model in the agent's seat. Torch-free header.
//
// Owns tokenizer, chat template and engine of one checkpoint folder, and makes one agent for each
// lifecycle. An agent keeps its conversation in the engine between turns and renders only what is
// new, so the ids of a conversation are at each turn a prefix extension (the token ledger).
//
// Everything runs on one thread: give pump() to the pool (PoolOptions::pump), which alternates
// between worlds that can go on and one batched step of the engine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agents/lm/chat_template.h"
#include "agents/lm/language_model.h"
#include "agents/lm/precision_torch.h"
#include "agents/lm/tokenizer.h"
#include "core/agent.h"
#include "core/result.h"

namespace turnhalle::lm {

class Transformer;

struct PolicyOptions {
  double temperature = 1.0;   ///< 0 is greedy
  int new_tokens_max = 256;   ///< per reply
  bool deterministic = false; ///< batch-invariant arithmetic; needs float32 on the processor
  Precision precision = Precision::float32;  ///< of matrix products
  Device device = Device::cpu;               ///< of a checkpoint that is loaded
};

class Policy {
 public:
  /// A checkpoint folder: config.json, model.safetensors, tokenizer.json, chat template.
  static Result<std::shared_ptr<Policy>> load(const std::string& folder, PolicyOptions options);
  /// The same around a model that is being trained; `engine` generates with its weights.
  static Result<std::shared_ptr<Policy>> around(std::shared_ptr<const Transformer> model,
                                                const std::string& tokenizer_folder,
                                                PolicyOptions options);
  virtual ~Policy() = default;

  /// The agent of one lifecycle. The policy must outlive it.
  virtual std::unique_ptr<Agent> make_agent() = 0;
  /// One step of the engine if any conversation has work; returns whether it had.
  virtual bool pump() = 0;
  virtual Engine& engine() = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  virtual const ChatTemplate& chat_template() const = 0;
  virtual void set_temperature(double temperature) = 0;
};

/// Wraps an agent that speaks text, so that its replies carry the ids a policy would have produced
/// and seen: what imitation learns from. `tokenizer` and `chat` must outlive it.
std::unique_ptr<Agent> make_tokenised_agent(std::unique_ptr<Agent> agent,
                                            const Tokenizer& tokenizer, const ChatTemplate& chat);

}  // namespace turnhalle::lm
