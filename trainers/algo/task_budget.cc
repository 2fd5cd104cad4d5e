#include "trainers/algo/task_budget.h"

#include "core/check.h"
#include "core/rng.h"

namespace turnhalle::algo {

std::int64_t task_budget(std::uint64_t seed, std::uint64_t epoch, std::string_view task,
                         std::span<const std::int64_t> choices) {
  check(!choices.empty(), "a budget is one of some choices");
  Random random(RandomKey::from_seed(seed).split("task_budget").split(epoch).split(task));
  return choices[random.below(choices.size())];
}

}  // namespace turnhalle::algo
