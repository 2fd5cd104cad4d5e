#include <algorithm>

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
    return sequences[a].tokens.size() < sequences[b].tokens.size();
  });
  std::vector<std::vector<std::size_t>> batches;
  std::int64_t tokens = 0;
  for (const std::size_t index : order) {
    const auto size = static_cast<std::int64_t>(sequences[index].tokens.size());
    if (batches.empty() || tokens + size > tokens_max) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(index);
    tokens += size;
  }
  return batches;
}

}  // namespace turnhalle
