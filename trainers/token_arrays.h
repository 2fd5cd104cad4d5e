// Arrays of a batch that are read off the tokens of its rollouts, for the recipes that need them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/lm/chat_template.h"
#include "agents/lm/tokenizer.h"
#include "trainers/rollout.h"

namespace turnhalle {

/// Batch::anchor: turns have the same number exactly when they are of the same kind of episode at
/// the same position and the policy was told the same tokens since its last reply. GiGPO,
/// arXiv 2505.10978, section 4.2, compares such turns inside a group.
std::vector<std::int64_t> anchor_states(const RolloutBatch& batch);

/// Batch::structure: marks of the tags in each reply (algo/structure.h).
std::vector<double> structure_marks(const RolloutBatch& batch, const lm::Tokenizer& tokenizer,
                                    const lm::ChatTemplate& chat);

/// For each turn but an episode's first, the conversation up to the end of its reply with the
/// feedback before that reply overwritten by the placeholder (at least one token): contents only,
/// roles and marks stay, and so does every position. The reply is the only sampled part and span.
/// Scored by the policy, they are Batch::logp_masked. InfoPO, arXiv 2603.00656.
std::vector<Sequence> make_counterfactuals(const RolloutBatch& batch,
                                           const lm::Tokenizer& tokenizer,
                                           const lm::ChatTemplate& chat,
                                           std::span<const lm::TokenId> placeholder);

/// An array with an entry per token of the batch from one score per sampled token of each
/// sequence; `absent` where no sequence has a span.
std::vector<double> scatter(std::span<const Sequence> sequences,
                            const std::vector<std::vector<float>>& scores,
                            const algo::Batch& rows, double absent);

}  // namespace turnhalle
