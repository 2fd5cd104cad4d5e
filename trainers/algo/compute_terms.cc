// Terms of turns and tokens on top of the advantages: GiGPO (arXiv 2505.10978), MT-GRPO
// (arXiv 2505.11821), InfoPO (arXiv 2603.00656), ParaVT (arXiv 2605.20342).
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "trainers/algo/compute_units.h"

namespace turnhalle::algo {
namespace {

/// Turns of a batch as they are compared: one entry per turn.
struct TurnTable {
  std::vector<std::uint8_t> counts;
  std::vector<double> tokens;  ///< in the loss
  std::vector<std::int64_t> group;
  std::vector<std::int64_t> index;    ///< inside the row
  std::vector<std::uint8_t> is_last;  ///< of its row
  std::vector<std::size_t> of_token;
};

/// Keys of pairs; equal pairs get equal keys.
std::vector<std::int64_t> pair_keys(const std::vector<std::int64_t>& first,
                                    const std::vector<std::int64_t>& second) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> known;
  std::vector<std::int64_t> key;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto next = static_cast<std::int64_t>(known.size());
    key.push_back(known.try_emplace({first[i], second[i]}, next).first->second);
  }
  return key;
}

Result<TurnTable> make_turn_table(const Batch& batch, const Advantages& advantages) {
  const std::vector<std::size_t>& offset = advantages.turn_offset;
  Result<std::vector<std::size_t>> of_token = turns_of_tokens(batch, offset);
  if (!of_token.ok()) {
    return of_token.error();
  }
  TurnTable table;
  table.of_token = std::move(*of_token);
  table.tokens.assign(offset.back(), 0.0);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    for (std::size_t turn = offset[row]; turn < offset[row + 1]; ++turn) {
      const bool is_void = !batch.turn_counts.empty() && batch.turn_counts[turn] == 0;
      table.counts.push_back(advantages.row_counts[row] != 0 && !is_void ? 1 : 0);
      table.group.push_back(batch.group.empty() ? 0 : batch.group[row]);
      table.index.push_back(static_cast<std::int64_t>(turn - offset[row]));
      table.is_last.push_back(turn + 1 == offset[row + 1] ? 1 : 0);
    }
  }
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (advantages.mask[t] != 0 && table.of_token[t] != Units::none) {
      table.tokens[table.of_token[t]] += 1;
    }
  }
  return table;
}

std::vector<double> anchor_state_values(const AnchorStateTerm& term, const Batch& batch,
                                        const TurnTable& table) {
  std::vector<double> returns(table.counts.size(), 0.0);
  turn_returns({batch.turn_offset, batch.turn_reward, table.counts}, term.gamma, returns);
  const Groups groups = make_groups(pair_keys(table.group, batch.anchor), table.counts);
  std::vector<double> values(table.counts.size(), 0.0);
  group_normalised(returns, groups, term.normalisation, values);
  for (double& value : values) {
    value *= term.weight;
  }
  return values;
}

std::vector<double> turn_reward_values(const TurnRewardTerm& term, const Batch& batch,
                                       const TurnTable& table) {
  std::vector<double> returns(table.counts.size(), 0.0);
  turn_returns({batch.turn_offset, batch.turn_reward, table.counts}, term.gamma, returns);
  std::vector<std::uint8_t> compared = table.counts;
  for (std::size_t turn = 0; turn < compared.size(); ++turn) {
    compared[turn] = table.is_last[turn] != 0 ? 0 : compared[turn];
  }
  const Groups groups = make_groups(pair_keys(table.group, table.index), compared);
  std::vector<double> values(table.counts.size(), 0.0);
  group_normalised(returns, groups, term.normalisation, values);
  for (double& value : values) {
    value *= term.weight;
  }
  return values;
}

/// Unbiased standard deviation over the tokens in the loss; 0 for fewer than two.
double token_std(std::span<const double> values, std::span<const std::uint8_t> mask) {
  std::vector<std::size_t> member;
  for (std::size_t t = 0; t < mask.size(); ++t) {
    if (mask[t] != 0) {
      member.push_back(t);
    }
  }
  return member.size() < 2 ? 0.0 : statistics(values, member, StdKind::bessel).std;
}

std::vector<double> per_token(const TurnTable& table, std::span<const double> of_turn) {
  std::vector<double> values(table.of_token.size(), 0.0);
  for (std::size_t t = 0; t < values.size(); ++t) {
    values[t] = table.of_token[t] == Units::none ? 0.0 : of_turn[table.of_token[t]];
  }
  return values;
}

/// Gate of each group by the raw rewards of its rows.
std::map<std::int64_t, double> gates(const InformationTerm& term, const Batch& batch,
                                     const Advantages& advantages) {
  std::map<std::int64_t, double> gate;
  const Groups groups = make_groups(batch.group, advantages.row_counts);
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    const double std = statistics(batch.reward, member, StdKind::bessel).std;
    gate[batch.group[member[0]]] = variance_gate(term.gate, std, term.temperature);
  }
  return gate;
}

/// Gains of turns with those that have none marked off in `compared`.
std::vector<double> turn_gains(const InformationTerm& term, const Batch& batch,
                               const Advantages& advantages, const TurnTable& table,
                               std::vector<std::uint8_t>& compared) {
  std::vector<double> gain =
      batch.info_gain.empty() ? information_gain({batch.offset, advantages.turn_offset, batch.mask,
                                                  batch.turn, batch.logp_old, batch.logp_masked})
                              : batch.info_gain;
  for (std::size_t turn = 0; turn < gain.size(); ++turn) {
    gain[turn] = signed_gain(term.sign, gain[turn]);
    const bool has_gain = std::isfinite(gain[turn]) && table.tokens[turn] > 0;
    compared[turn] = has_gain ? compared[turn] : 0;
    if (compared[turn] == 0) {
      gain[turn] = 0;
    } else if (term.over_tokens) {
      gain[turn] /= table.tokens[turn];
      compared[turn] = gain[turn] != 0 ? 1 : 0;
    }
  }
  return gain;
}

std::vector<double> information_values(const InformationTerm& term, const Batch& batch,
                                       const Advantages& advantages, const TurnTable& table,
                                       std::map<std::string, double>& metrics) {
  std::vector<std::uint8_t> compared = table.counts;
  std::vector<double> of_turn = turn_gains(term, batch, advantages, table, compared);
  double n = 0;
  double sum = 0;
  for (std::size_t turn = 0; turn < of_turn.size(); ++turn) {
    n += compared[turn] != 0 ? 1 : 0;
    sum += of_turn[turn] * (term.over_tokens ? table.tokens[turn] : 1);
  }
  metrics["information_turns"] = n;
  metrics["information_gain_mean"] = n > 0 ? sum / n : 0.0;
  if (term.normalise) {
    const std::vector<double> once(of_turn.size(), 1.0);
    std::vector<double> scored(of_turn.size(), 0.0);
    weighted_z_score({of_turn, term.over_tokens ? table.tokens : once},
                     make_groups(table.group, compared), term.eps, scored);
    of_turn = std::move(scored);
  }
  double scale = term.beta;
  if (term.bounded) {
    const double spread = token_std(per_token(table, of_turn), advantages.mask);
    const double outer = std::max(token_std(advantages.per_token, advantages.mask), 1.0);
    scale *= spread > outer ? outer / spread : 1.0;
  }
  std::map<std::int64_t, double> gate = gates(term, batch, advantages);
  for (std::size_t turn = 0; turn < of_turn.size(); ++turn) {
    of_turn[turn] *= table.counts[turn] != 0 ? scale * gate[table.group[turn]] : 0.0;
  }
  return per_token(table, of_turn);
}

}  // namespace

Status add_advantage_terms(const Recipe& recipe, const Batch& batch, Advantages& advantages) {
  std::vector<double> total = advantages.per_token;
  for (const AdvantageTerm& term : recipe.advantage_terms) {
    std::vector<double> values;
    if (const auto* structure = std::get_if<StructureTerm>(&term)) {
      values = batch.structure;
      for (double& value : values) {
        value *= structure->weight;
      }
    } else {
      const Result<TurnTable> table = make_turn_table(batch, advantages);
      if (!table.ok()) {
        return table.error();
      }
      if (const auto* anchor = std::get_if<AnchorStateTerm>(&term)) {
        values = per_token(*table, anchor_state_values(*anchor, batch, *table));
      } else if (const auto* turn = std::get_if<TurnRewardTerm>(&term)) {
        values = per_token(*table, turn_reward_values(*turn, batch, *table));
      } else {
        values = information_values(std::get<InformationTerm>(term), batch, advantages, *table,
                                    advantages.metrics);
      }
    }
    for (std::size_t t = 0; t < total.size(); ++t) {
      total[t] += advantages.mask[t] != 0 ? values[t] : 0.0;
    }
  }
  advantages.per_token = std::move(total);
  return ok_status();
}

}  // namespace turnhalle::algo
