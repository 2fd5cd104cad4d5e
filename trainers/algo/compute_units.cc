// Units of each credit: rollouts (GRPO, arXiv 2402.03300), episodes and lifecycles (Connect the
// Dots, arXiv 2606.20002), turns (TRLOO, arXiv 2602.05885), tokens (REINFORCE++,
// arXiv 2501.03262).
#include "trainers/algo/compute_units.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/check.h"

namespace turnhalle::algo {
namespace {

/// Numbers for tuples, in order of first appearance.
class Keys {
 public:
  std::int64_t of(const std::array<std::int64_t, 4>& tuple) {
    return index_.try_emplace(tuple, static_cast<std::int64_t>(index_.size())).first->second;
  }

 private:
  std::map<std::array<std::int64_t, 4>, std::int64_t> index_;
};

bool is_lifecycle_credit(const Recipe& recipe) {
  return std::holds_alternative<LifecycleReturn>(recipe.credit) ||
         std::holds_alternative<TrajectorySum>(recipe.credit);
}

std::int64_t group_of(const Batch& batch, std::size_t row) {
  return batch.group.empty() ? 0 : batch.group[row];
}

/// One number per lifecycle of the batch.
std::vector<std::int64_t> lifecycle_keys(const Batch& batch) {
  Keys keys;
  std::vector<std::int64_t> key(batch.rows());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    key[row] = keys.of({group_of(batch, row), batch.lifecycle[row], 0, 0});
  }
  return key;
}

void drop_broken_lifecycles(const Batch& batch, std::vector<std::uint8_t>& row_counts) {
  const std::vector<std::int64_t> key = lifecycle_keys(batch);
  const std::vector<std::uint8_t> all(batch.rows(), 1);
  const Groups lifecycles = make_groups(key, all);
  for (std::size_t g = 0; g < lifecycles.count(); ++g) {
    const auto member = lifecycles.members(g);
    const bool broken = std::any_of(member.begin(), member.end(),
                                    [&](std::size_t row) { return row_counts[row] == 0; });
    for (const std::size_t row : member) {
      row_counts[row] = broken ? 0 : 1;
    }
  }
}

void drop_equal_groups(const Filter& filter, const Batch& batch,
                       std::vector<std::uint8_t>& row_counts) {
  const Groups groups = make_groups(batch.group, row_counts);
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    if (statistics(batch.reward, member, StdKind::none).degenerate(filter.tolerance)) {
      for (const std::size_t row : member) {
        row_counts[row] = 0;
      }
    }
  }
}

/// A row's score for the spread of its group; rows without turns have no last one.
std::vector<double> group_scores(const Filter& filter, const Batch& batch,
                                 std::vector<std::uint8_t>& has_score) {
  if (!filter.of_last_turn) {
    return batch.reward;
  }
  std::vector<double> score(batch.rows(), 0.0);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::size_t end = batch.turn_offset[row + 1];
    if (end == batch.turn_offset[row]) {
      has_score[row] = 0;
    } else {
      score[row] = batch.turn_reward[end - 1];
    }
  }
  return score;
}

/// Groups with a small spread, and groups that were cut off as a whole.
void drop_useless_groups(const Filter& filter, const Batch& batch,
                         std::vector<std::uint8_t>& row_counts) {
  std::vector<std::uint8_t> has_score = row_counts;
  const std::vector<double> score =
      filter.std_min > 0 ? group_scores(filter, batch, has_score) : std::vector<double>{};
  const Groups groups = make_groups(batch.group, has_score);
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    const bool is_flat =
        filter.std_min > 0 && statistics(score, member, StdKind::population).std < filter.std_min;
    const bool is_cut = filter.all_truncated &&
                        std::all_of(member.begin(), member.end(),
                                    [&](std::size_t row) { return batch.truncated[row] != 0; });
    for (const std::size_t row : member) {
      row_counts[row] = is_flat || is_cut ? 0 : row_counts[row];
    }
  }
}

/// Rewards after the transforms: of rows or of turns, and extra ones of tokens.
struct Rewards {
  std::vector<double> of_unit;
  std::vector<double> of_token;  ///< empty where no transform gives any
};

std::vector<double> tokens_per_row(const Batch& batch) {
  std::vector<double> length(batch.rows(), 0.0);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      length[row] += batch.mask[t] != 0 ? 1 : 0;
    }
  }
  return length;
}

Rewards transformed(const Recipe& recipe, const Batch& batch, std::vector<double> rewards) {
  Rewards result{std::move(rewards), {}};
  for (const RewardTransform& transform : recipe.reward) {
    if (const auto* scale = std::get_if<RewardScale>(&transform)) {
      scale_reward(*scale, result.of_unit);
    } else if (const auto* overlong = std::get_if<Overlong>(&transform)) {
      add_overlong_penalty(tokens_per_row(batch), *overlong, result.of_unit);
    } else {
      result.of_token.resize(batch.tokens());
      add_kl_penalty({batch.mask, batch.logp_old, batch.logp_ref}, std::get<KlPenalty>(transform),
                     result.of_token);
    }
  }
  return result;
}

/// Adds what tokens earned to the reward of the unit that holds them.
void add_token_rewards(const Rewards& rewards, std::span<const std::size_t> of_token,
                       std::span<double> target) {
  for (std::size_t t = 0; t < rewards.of_token.size(); ++t) {
    if (of_token[t] != Units::none) {
      target[of_token[t]] += rewards.of_token[t];
    }
  }
}

std::vector<std::size_t> rows_of_tokens(const Batch& batch) {
  std::vector<std::size_t> of_token(batch.tokens());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    std::fill(of_token.begin() + static_cast<std::ptrdiff_t>(batch.offset[row]),
              of_token.begin() + static_cast<std::ptrdiff_t>(batch.offset[row + 1]), row);
  }
  return of_token;
}

/// Label and key of one unit.
void set_key(Units& units, std::size_t unit, Keys& keys, const GroupReport& label) {
  units.key[unit] = keys.of({label.group, label.position, label.is_update ? 1 : 0, label.turn});
  if (static_cast<std::size_t>(units.key[unit]) == units.label.size()) {
    units.label.push_back(label);
  }
  units.group[unit] = label.group;
}

void resize(Units& units, std::size_t n) {
  units.value.assign(n, 0.0);
  units.counts.assign(n, 0);
  units.tokens.assign(n, 0.0);
  units.key.assign(n, 0);
  units.group.assign(n, 0);
}

/// Rollouts or episodes: a unit per row.
void make_row_units(const Recipe& recipe, const Batch& batch, const LossMask& mask, Units& units) {
  resize(units, batch.rows());
  units.of_token = rows_of_tokens(batch);
  units.counts = mask.row_counts;
  Rewards rewards = transformed(recipe, batch, batch.reward);
  add_token_rewards(rewards, units.of_token, rewards.of_unit);
  units.value = rewards.of_unit;
  const bool by_position = std::holds_alternative<LifecycleReturn>(recipe.credit);
  Keys keys;
  units.of_row.resize(batch.rows());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    units.of_row[row] = row;
    GroupReport label;
    label.group = group_of(batch, row);
    if (by_position) {
      label.position = batch.position[row];
      label.is_update = batch.is_update[row] != 0;
    }
    set_key(units, row, keys, label);
  }
  if (by_position) {
    const std::vector<std::int64_t> lifecycle = lifecycle_keys(batch);
    connect_the_dots_returns(
        {lifecycle, batch.position, batch.is_update, rewards.of_unit, mask.row_counts},
        std::get<LifecycleReturn>(recipe.credit), units.value);
  }
}

/// Lifecycles: a unit for all rows of one.
void make_lifecycle_units(const Recipe& recipe, const Batch& batch, const LossMask& mask,
                          Units& units) {
  Rewards rewards = transformed(recipe, batch, batch.reward);
  const std::vector<std::size_t> row_of_token = rows_of_tokens(batch);
  add_token_rewards(rewards, row_of_token, rewards.of_unit);
  const std::vector<std::int64_t> lifecycle = lifecycle_keys(batch);
  std::vector<double> returns(batch.rows(), 0.0);
  trajectory_sum_returns(
      {lifecycle, batch.position, batch.is_update, rewards.of_unit, mask.row_counts},
      std::get<TrajectorySum>(recipe.credit).decay, returns);
  const std::int64_t last =
      lifecycle.empty() ? -1 : *std::max_element(lifecycle.begin(), lifecycle.end());
  resize(units, static_cast<std::size_t>(last + 1));
  units.of_row.resize(batch.rows());
  Keys keys;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const auto unit = static_cast<std::size_t>(lifecycle[row]);
    units.of_row[row] = unit;
    units.value[unit] = returns[row];
    units.counts[unit] = mask.row_counts[row];
    GroupReport label;
    label.group = group_of(batch, row);
    set_key(units, unit, keys, label);
  }
  units.of_token.resize(batch.tokens());
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    units.of_token[t] = units.of_row[row_of_token[t]];
  }
}

Status make_turn_units(const Recipe& recipe, const Batch& batch, LossMask& mask, Units& units) {
  const auto& credit = std::get<TurnReturn>(recipe.credit);
  Result<std::vector<std::size_t>> of_token = turns_of_tokens(batch, batch.turn_offset);
  if (!of_token.ok()) {
    return of_token.error();
  }
  resize(units, batch.turn_reward.size());
  units.level = UnitLevel::turn;
  units.of_token = std::move(*of_token);
  units.counts =
      batch.turn_counts.empty() ? std::vector<std::uint8_t>(units.count(), 1) : batch.turn_counts;
  if (credit.void_turns) {
    mark_void_turns(batch.turn_offset, batch.turn_reward, units.counts);
  }
  Keys keys;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::size_t begin = batch.turn_offset[row];
    for (std::size_t turn = begin; turn < batch.turn_offset[row + 1]; ++turn) {
      units.counts[turn] = mask.row_counts[row] != 0 ? units.counts[turn] : 0;
      GroupReport label;
      label.group = group_of(batch, row);
      label.turn = credit.all_turns ? -1 : static_cast<std::int64_t>(turn - begin);
      set_key(units, turn, keys, label);
    }
  }
  Rewards rewards = transformed(recipe, batch, batch.turn_reward);
  add_token_rewards(rewards, units.of_token, rewards.of_unit);
  turn_returns({batch.turn_offset, rewards.of_unit, units.counts}, credit.gamma, units.value);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    const std::size_t unit = units.of_token[t];
    if (unit == Units::none || units.counts[unit] == 0) {
      mask.token[t] = 0;
    }
  }
  return ok_status();
}

/// Puts rewards on the last counted token of each row or of each turn. Turn ends are found by
/// the turn's index, not by a reward other than 0, so that a turn with reward 0 is still one.
void place_rewards(const Batch& batch, std::span<const std::size_t> of_token,
                   std::span<const double> rewards, std::span<double> token_reward) {
  std::vector<std::uint8_t> placed(rewards.size(), 0);
  for (std::size_t t = batch.tokens(); t > 0; --t) {
    const std::size_t unit = of_token[t - 1];
    if (unit != Units::none && batch.mask[t - 1] != 0 && placed[unit] == 0) {
      placed[unit] = 1;
      token_reward[t - 1] += rewards[unit];
    }
  }
}

Status make_token_units(const Recipe& recipe, const Batch& batch, const LossMask& mask,
                        Units& units) {
  const auto& credit = std::get<TokenReturn>(recipe.credit);
  const bool by_turn = credit.source == RewardSource::turn;
  std::vector<std::size_t> holder = rows_of_tokens(batch);
  if (by_turn) {
    Result<std::vector<std::size_t>> turns = turns_of_tokens(batch, batch.turn_offset);
    if (!turns.ok()) {
      return turns.error();
    }
    holder = std::move(*turns);
  }
  Rewards rewards = transformed(recipe, batch, by_turn ? batch.turn_reward : batch.reward);
  rewards.of_token.resize(batch.tokens());
  place_rewards(batch, holder, rewards.of_unit, rewards.of_token);
  resize(units, batch.tokens());
  units.level = UnitLevel::token;
  units.label.emplace_back();
  token_returns({batch.offset, batch.mask, rewards.of_token}, credit.gamma, units.value);
  units.of_token.resize(batch.tokens());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      units.of_token[t] = t;
      units.counts[t] = mask.token[t];
      units.group[t] = group_of(batch, row);
    }
  }
  return ok_status();
}

}  // namespace

std::vector<std::size_t> turn_bounds(const Batch& batch) {
  if (!batch.turn_offset.empty()) {
    return batch.turn_offset;
  }
  std::vector<std::size_t> bounds{0};
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    std::int32_t turns = 1;
    for (std::size_t t = batch.offset[row]; !batch.turn.empty() && t < batch.offset[row + 1]; ++t) {
      turns = std::max(turns, batch.turn[t] + 1);
    }
    bounds.push_back(bounds.back() + static_cast<std::size_t>(turns));
  }
  return bounds;
}

Result<std::vector<std::size_t>> turns_of_tokens(const Batch& batch,
                                                 std::span<const std::size_t> turn_offset) {
  std::vector<std::size_t> of_token(batch.tokens(), Units::none);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::size_t turns = turn_offset[row + 1] - turn_offset[row];
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      if (batch.turn[t] < 0) {
        continue;
      }
      const auto turn = static_cast<std::size_t>(batch.turn[t]);
      if (turn >= turns) {
        const bool rewards = !batch.turn_reward.empty();
        return Error{"", std::string("expected ") +
                             (rewards ? "a reward in \"turn_reward\"" : "a gain in \"info_gain\"") +
                             " for each turn of \"turn\"; row " + std::to_string(row) +
                             " has turn " + std::to_string(turn) + " and " + std::to_string(turns) +
                             (rewards ? " rewards" : " gains")};
      }
      of_token[t] = turn_offset[row] + turn;
    }
  }
  return of_token;
}

LossMask make_loss_mask(const Recipe& recipe, const Batch& batch) {
  LossMask mask;
  mask.row_counts =
      batch.has_reward.empty() ? std::vector<std::uint8_t>(batch.rows(), 1) : batch.has_reward;
  if (is_lifecycle_credit(recipe)) {
    drop_broken_lifecycles(batch, mask.row_counts);
  }
  if (recipe.filter.zero_variance) {
    drop_equal_groups(recipe.filter, batch, mask.row_counts);
  }
  if (recipe.filter.std_min > 0 || recipe.filter.all_truncated) {
    drop_useless_groups(recipe.filter, batch, mask.row_counts);
  }
  mask.token = batch.mask.empty() ? std::vector<std::uint8_t>(batch.tokens(), 1) : batch.mask;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const bool cut_off = recipe.filter.truncated && batch.truncated[row] != 0;
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      mask.token[t] = mask.token[t] != 0 && mask.row_counts[row] != 0 && !cut_off ? 1 : 0;
    }
  }
  return mask;
}

Result<Units> make_units(const Recipe& recipe, const Batch& batch, LossMask& mask) {
  Units units;
  Status status = ok_status();
  if (std::holds_alternative<TurnReturn>(recipe.credit)) {
    status = make_turn_units(recipe, batch, mask, units);
  } else if (std::holds_alternative<TokenReturn>(recipe.credit)) {
    status = make_token_units(recipe, batch, mask, units);
  } else if (std::holds_alternative<TrajectorySum>(recipe.credit)) {
    make_lifecycle_units(recipe, batch, mask, units);
  } else {
    make_row_units(recipe, batch, mask, units);
  }
  if (!status.ok()) {
    return status.error();
  }
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (mask.token[t] != 0 && units.of_token[t] != Units::none) {
      units.tokens[units.of_token[t]] += 1;
    }
  }
  return units;
}

}  // namespace turnhalle::algo
