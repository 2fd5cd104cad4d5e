// The first half of a recipe: from units to advantages.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "trainers/algo/compute_units.h"

namespace turnhalle::algo {
namespace {

std::vector<double> estimate(const AdvantageEstimator& estimator, const Units& units,
                             const Groups& groups) {
  std::vector<double> advantage(units.count(), 0.0);
  if (const auto* mean = std::get_if<GroupMean>(&estimator)) {
    group_mean(units.value, groups, mean->singleton, advantage);
  } else if (const auto* loo = std::get_if<LeaveOneOut>(&estimator)) {
    leave_one_out(units.value, groups, loo->singleton, advantage);
  } else if (const auto* normalised = std::get_if<GroupNormalised>(&estimator)) {
    const auto& of = normalised->normalisation;
    normalised->over_batch ? batch_normalised(units.value, groups, of, advantage)
                           : group_normalised(units.value, groups, of, advantage);
  } else {
    for (std::size_t u = 0; u < units.count(); ++u) {
      advantage[u] = units.counts[u] != 0 ? units.value[u] : 0.0;
    }
  }
  return advantage;
}

/// Applies the re-weighting to the whole batch or to each of its groups alone.
void reweight(const ReweightTransform& transform, const Units& units,
              std::vector<double>& advantage, std::map<std::string, double>& metrics) {
  if (transform.scope == ReweightScope::batch) {
    metrics["reweight_temperature"] =
        adaptive_reweight(units.tokens, transform.reweighting, advantage);
    return;
  }
  const Groups scopes = make_groups(units.group, units.counts);
  for (std::size_t g = 0; g < scopes.count(); ++g) {
    const auto member = scopes.members(g);
    std::vector<double> tokens;
    std::vector<double> part;
    for (const std::size_t u : member) {
      tokens.push_back(units.tokens[u]);
      part.push_back(advantage[u]);
    }
    const double temperature = adaptive_reweight(tokens, transform.reweighting, part);
    metrics["reweighted_groups"] += temperature > 0 ? 1 : 0;
    for (std::size_t k = 0; k < member.size(); ++k) {
      advantage[member[k]] = part[k];
    }
  }
}

/// Makes every token a unit of its own that has the advantage of the unit it was in.
void split_into_tokens(const Batch& batch, const LossMask& mask, Units& units,
                       std::vector<double>& advantage) {
  if (units.level == UnitLevel::token) {
    return;
  }
  std::vector<double> of_token(batch.tokens(), 0.0);
  std::vector<std::int64_t> group(batch.tokens(), 0);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (units.of_token[t] != Units::none) {
      of_token[t] = mask.token[t] != 0 ? advantage[units.of_token[t]] : 0.0;
      group[t] = units.group[units.of_token[t]];
    }
    units.of_token[t] = t;
  }
  units.level = UnitLevel::token;
  units.counts = mask.token;
  units.tokens.assign(mask.token.begin(), mask.token.end());
  units.value = of_token;
  units.group = std::move(group);
  advantage = std::move(of_token);
}

void add_kl_to_go(const KlToGo& of, const Batch& batch, const LossMask& mask,
                  std::vector<double>& advantage) {
  const bool is_rollout = of.policy == Anchor::rollout;
  std::vector<double> penalty(batch.tokens(), 0.0);
  std::vector<double> to_go(batch.tokens(), 0.0);
  add_kl_penalty({mask.token, is_rollout ? batch.logp_rollout : batch.logp_old, batch.logp_ref},
                 of.penalty, penalty);
  token_returns({batch.offset, mask.token, penalty}, 1, to_go);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    advantage[t] += mask.token[t] != 0 ? to_go[t] : 0.0;
  }
}

void transform(const Recipe& recipe, const Batch& batch, const LossMask& mask, Units& units,
               std::vector<double>& advantage, std::map<std::string, double>& metrics) {
  for (const AdvantageTransform& step : recipe.advantage_transform) {
    if (const auto* whitening = std::get_if<WhitenTransform>(&step)) {
      const std::vector<double> once(units.counts.begin(), units.counts.end());
      whiten(whitening->per_token ? units.tokens : once, whitening->whitening, advantage);
    } else if (const auto* divergence = std::get_if<KlToGo>(&step)) {
      split_into_tokens(batch, mask, units, advantage);
      add_kl_to_go(*divergence, batch, mask, advantage);
    } else {
      reweight(std::get<ReweightTransform>(step), units, advantage, metrics);
    }
  }
}

std::vector<GroupReport> report_groups(const Recipe& recipe, const Units& units,
                                       const Groups& groups) {
  StdKind kind = StdKind::population;
  double tolerance = recipe.filter.tolerance;
  if (const auto* normalised = std::get_if<GroupNormalised>(&recipe.advantage)) {
    const auto& of = normalised->normalisation;
    kind = of.std == StdKind::none ? kind : of.std;
    tolerance = of.tolerance;
  }
  std::vector<GroupReport> reports;
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    GroupReport report = units.label[static_cast<std::size_t>(units.key[member[0]])];
    report.returns = statistics(units.value, member, kind);
    report.degenerate = report.returns.degenerate(tolerance);
    reports.push_back(report);
  }
  return reports;
}

/// Mean of the advantages of tokens in the loss; 0 without any.
struct TokenMean {
  double sum = 0;
  double n = 0;
  double mean() const { return n > 0 ? sum / n : 0.0; }
};

/// Fills per_row and per_turn from what units have, or from tokens where these differ.
void summarise(const Batch& batch, const Units& units, std::span<const double> of_unit,
               bool has_terms, Advantages& result) {
  result.per_row.assign(batch.rows(), 0.0);
  std::vector<TokenMean> turns(result.turn_offset.back());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::size_t begin = result.turn_offset[row];
    const std::size_t n = result.turn_offset[row + 1] - begin;
    TokenMean whole;
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      if (result.mask[t] == 0) {
        continue;
      }
      const std::size_t turn =
          batch.turn.empty() || batch.turn[t] < 0 ? 0 : static_cast<std::size_t>(batch.turn[t]);
      whole.sum += result.per_token[t];
      whole.n += 1;
      if (turn < n) {
        turns[begin + turn].sum += result.per_token[t];
        turns[begin + turn].n += 1;
      }
    }
    const bool of_row = units.level == UnitLevel::row && !has_terms;
    const bool of_turn = units.level == UnitLevel::turn && !has_terms;
    result.per_row[row] = of_row ? of_unit[units.of_row[row]] : whole.mean();
    for (std::size_t turn = begin; turn < begin + n; ++turn) {
      result.per_turn.push_back(of_row    ? result.per_row[row]
                                : of_turn ? of_unit[turn]
                                          : turns[turn].mean());
    }
  }
}

void add_metrics(Advantages& result) {
  TokenMean tokens;
  for (std::size_t t = 0; t < result.mask.size(); ++t) {
    tokens.sum += result.per_token[t];
    tokens.n += result.mask[t] != 0 ? 1 : 0;
  }
  result.metrics["advantage_token_mean"] = tokens.mean();
  double degenerate = 0;
  for (const GroupReport& report : result.groups) {
    degenerate += report.degenerate ? 1 : 0;
  }
  const auto groups = static_cast<double>(result.groups.size());
  result.metrics["groups"] = groups;
  result.metrics["groups_zero_variance"] = degenerate;
  double out = 0;
  for (const std::uint8_t counts : result.row_counts) {
    out += counts == 0 ? 1 : 0;
  }
  result.metrics["rows_left_out"] = out;
}

}  // namespace

Result<Advantages> compute_advantages(const Recipe& recipe, const Batch& batch) {
  check_shapes(batch);
  const Status status =
      require_arrays(batch, arrays_for_advantages(recipe), "the recipe " + recipe.name);
  if (!status.ok()) {
    return status.error();
  }
  LossMask mask = make_loss_mask(recipe, batch);
  Result<Units> units = make_units(recipe, batch, mask);
  if (!units.ok()) {
    return units.error();
  }
  const bool compares = units->level != UnitLevel::token;
  const Groups groups = compares ? make_groups(units->key, units->counts) : Groups{};
  Advantages result;
  std::vector<double> advantage = estimate(recipe.advantage, *units, groups);
  result.groups = report_groups(recipe, *units, groups);
  transform(recipe, batch, mask, *units, advantage, result.metrics);
  result.mask = std::move(mask.token);
  result.row_counts = std::move(mask.row_counts);
  result.turn_offset = turn_bounds(batch);
  result.per_token.assign(batch.tokens(), 0.0);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (result.mask[t] != 0) {
      result.per_token[t] = advantage[units->of_token[t]];
    }
  }
  const bool has_terms = !recipe.advantage_terms.empty();
  const Status added = add_advantage_terms(recipe, batch, result);
  if (!added.ok()) {
    return added.error();
  }
  summarise(batch, *units, advantage, has_terms, result);
  add_metrics(result);
  return result;
}

Advantages given_advantages(const Batch& batch, std::span<const double> values) {
  check_shapes(batch);
  const bool of_rows = values.size() == batch.rows();
  check(of_rows || values.size() == batch.tokens(), "an advantage per row or per token",
        values.size());
  Advantages result;
  const LossMask mask = make_loss_mask(Recipe{}, batch);
  result.mask = mask.token;
  result.row_counts = mask.row_counts;
  result.per_token.assign(batch.tokens(), 0.0);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    TokenMean mean;
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      if (result.mask[t] != 0) {
        result.per_token[t] = values[of_rows ? row : t];
        mean.sum += result.per_token[t];
        mean.n += 1;
      }
    }
    result.per_row.push_back(of_rows ? values[row] : mean.mean());
  }
  return result;
}

Advantages select_rows(const Advantages& advantages, const Batch& batch,
                       std::span<const std::size_t> rows) {
  Advantages part;
  part.per_token = select_tokens(batch, rows, advantages.per_token);
  part.mask = select_tokens(batch, rows, std::span<const std::uint8_t>(advantages.mask));
  for (const std::size_t row : rows) {
    part.row_counts.push_back(advantages.row_counts[row]);
    part.per_row.push_back(advantages.per_row[row]);
  }
  return part;
}

Denominators global_denominators(const Batch& batch, const Advantages& advantages) {
  Denominators denominators;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    double tokens = 0;
    std::vector<std::int32_t> turns;
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      if (advantages.mask[t] == 0) {
        continue;
      }
      tokens += 1;
      if (!batch.turn.empty() && (turns.empty() || turns.back() != batch.turn[t])) {
        turns.push_back(batch.turn[t]);
      }
    }
    std::sort(turns.begin(), turns.end());
    const auto distinct = std::unique(turns.begin(), turns.end()) - turns.begin();
    denominators.tokens += tokens;
    denominators.turns += static_cast<double>(distinct);
    denominators.rows += advantages.row_counts[row] != 0 ? 1 : 0;
    denominators.rows_filled += tokens > 0 ? 1 : 0;
  }
  return denominators;
}

}  // namespace turnhalle::algo
