#include "trainers/credit_log.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "trainers/algo/information.h"

namespace turnhalle {
namespace {

// The tokens of a turn, as indices into a token array of the batch.
std::vector<std::size_t> tokens_of(const algo::Batch& rows, std::size_t row, std::int64_t turn) {
  std::vector<std::size_t> tokens;
  for (std::size_t t = rows.offset[row]; t < rows.offset[row + 1]; ++t) {
    if (rows.turn[t] == turn) tokens.push_back(t);
  }
  return tokens;
}

// Null where there is no token or a value is not known.
Json mean(std::span<const double> values, const std::vector<std::size_t>& tokens) {
  double sum = 0.0;
  for (const std::size_t t : tokens) sum += values[t];
  const double result = sum / static_cast<double>(tokens.size());
  return std::isfinite(result) ? Json(result) : Json();
}

void add_structure(const algo::Batch& rows, const std::vector<std::size_t>& tokens, Json& line) {
  const bool broken = std::any_of(tokens.begin(), tokens.end(),
                                  [&](std::size_t t) { return rows.structure[t] < 0.0; });
  line["format"] = broken ? "broken" : "good";
}

}  // namespace

std::vector<Json> credit_lines(const RolloutBatch& batch, const algo::Advantages& advantages,
                               std::int64_t step, std::int64_t count) {
  const algo::Batch& rows = batch.rows;
  std::vector<double> gain;
  if (!rows.logp_masked.empty()) {
    gain = algo::information_gain({rows.offset, rows.turn_offset, rows.mask, rows.turn,
                                   rows.logp_old, rows.logp_masked});
  }
  std::vector<Json> lines;
  std::int64_t episode = 0;
  for (std::size_t row = 0; row < rows.rows() && rows.group[row] == 0; ++row) {
    if (rows.lifecycle[row] >= count) break;
    episode = row > 0 && rows.lifecycle[row] == rows.lifecycle[row - 1] ? episode + 1 : 0;
    for (std::size_t i = rows.turn_offset[row]; i < rows.turn_offset[row + 1]; ++i) {
      const auto turn = static_cast<std::int64_t>(i - rows.turn_offset[row]);
      Json line = {{"step", step},       {"rollout", rows.lifecycle[row]},
                   {"episode", episode}, {"turn", turn},
                   {"reward", rows.turn_reward[i]}, {"advantage", advantages.per_turn[i]}};
      const std::vector<std::size_t> tokens = tokens_of(rows, row, turn);
      if (!gain.empty()) {
        line["information_gain"] = std::isfinite(gain[i]) ? Json(gain[i]) : Json();
        line["logp"] = mean(rows.logp_old, tokens);
        line["logp_masked"] = mean(rows.logp_masked, tokens);
      }
      if (!rows.structure.empty()) add_structure(rows, tokens, line);
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace turnhalle
