// From rows of a batch to units: what gets a return and an advantage of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trainers/algo/compute.h"

namespace turnhalle::algo {

enum class UnitLevel { row, turn, token };

/// Units of a batch. A unit of level row may stand for several rows (a lifecycle).
struct Units {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  UnitLevel level = UnitLevel::row;
  std::vector<double> value;          ///< return
  std::vector<std::uint8_t> counts;   ///< is in statistics and gets an advantage
  std::vector<double> tokens;         ///< in the loss
  std::vector<std::int64_t> key;      ///< equal keys are compared
  std::vector<GroupReport> label;     ///< by key
  std::vector<std::int64_t> group;    ///< the batch's group
  std::vector<std::size_t> of_row;    ///< level row only
  std::vector<std::size_t> of_token;  ///< none for tokens outside any unit

  std::size_t count() const { return value.size(); }
};

/// Rows and tokens that are in the loss; filled before units are made.
struct LossMask {
  std::vector<std::uint8_t> row_counts;
  std::vector<std::uint8_t> token;
};

/// Null rewards, filters and truncation. A lifecycle with one null reward is out as a whole: the
/// returns of its other episodes are not known.
LossMask make_loss_mask(const Recipe& recipe, const Batch& batch);

/// Applies reward transforms, marks void turns in `mask`, and computes every unit's return.
Result<Units> make_units(const Recipe& recipe, const Batch& batch, LossMask& mask);

/// Bounds of each row's turns: those of the batch, or as many as the tokens speak of, at least 1.
std::vector<std::size_t> turn_bounds(const Batch& batch);

/// Turn of each token as an index over the batch, none for the environment's; an error when a row
/// has no such turn in `turn_offset`.
Result<std::vector<std::size_t>> turns_of_tokens(const Batch& batch,
                                                 std::span<const std::size_t> turn_offset);

/// Adds the recipe's terms to advantages.per_token. mask, row_counts and turn_offset are filled.
Status add_advantage_terms(const Recipe& recipe, const Batch& batch, Advantages& advantages);

}  // namespace turnhalle::algo
