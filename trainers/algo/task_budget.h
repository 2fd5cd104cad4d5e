// A budget drawn for each task, the same for all rollouts of its group.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace turnhalle::algo {

/// One of `choices` (at least one), each equally likely, as a pure function of seed, epoch and
/// task: rollouts of a group share it, it changes from epoch to epoch, and it is the same in every
/// process. A small budget makes an optional tool worth its price (ParaVT, arXiv 2605.20342, frames
/// of a video drawn from {4, 8, 16, 32, 64}; its code derives them from a salted hash).
std::int64_t task_budget(std::uint64_t seed, std::uint64_t epoch, std::string_view task,
                         std::span<const std::int64_t> choices);

}  // namespace turnhalle::algo
