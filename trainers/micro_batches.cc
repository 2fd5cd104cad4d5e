#include <algorithm>

#include "agents/lm/packed_batch.h"
#include "trainers/learner.h"

namespace turnhalle {

std::vector<std::size_t> target_positions(const Sequence& sequence, TargetTokens targets) {
  std::vector<std::size_t> positions;
  bool replied = false;
  for (std::size_t position = 1; position < sequence.tokens.size(); ++position) {
    replied = replied || sequence.sampled[position] != 0;
    const bool wanted =
        targets == TargetTokens::sampled ? sequence.sampled[position] != 0 : replied;
    if (wanted) positions.push_back(position);
  }
  return positions;
}

std::vector<std::vector<std::size_t>> make_micro_batches(std::span<const Sequence> sequences,
                                                         std::span<const std::size_t> which,
                                                         std::int64_t tokens_max) {
  std::vector<std::size_t> order(which.begin(), which.end());
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return sequences[a].tokens < sequences[b].tokens;
  });
  std::vector<std::vector<std::size_t>> batches;
  std::int64_t rows = 0;
  for (const std::size_t index : order) {
    const std::vector<std::int32_t>& tokens = sequences[index].tokens;
    const auto whole = static_cast<std::int64_t>(tokens.size());
    std::int64_t added = whole;
    if (!batches.empty()) {
      const std::vector<std::int32_t>& last = sequences[batches.back().back()].tokens;
      added -= static_cast<std::int64_t>(lm::shared_beginning(last, tokens));
    }
    if (batches.empty() || rows + added > tokens_max) {
      batches.emplace_back();
      rows = 0;
      added = whole;
    }
    batches.back().push_back(index);
    rows += added;
  }
  return batches;
}

}  // namespace turnhalle
