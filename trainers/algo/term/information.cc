// InfoPO, arXiv 2603.00656: gain, gate and overwriting of feedback.
#include "trainers/algo/information.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.h"

namespace turnhalle::algo {

std::vector<std::int32_t> overwrite_span(std::span<const std::int32_t> tokens, Span observation,
                                         std::span<const std::int32_t> placeholder) {
  check(observation.begin <= observation.end && observation.end <= tokens.size(),
        "an observation lies inside its sequence", observation.end, tokens.size());
  check(!placeholder.empty(), "a placeholder has a token");
  std::vector<std::int32_t> result(tokens.begin(), tokens.end());
  for (std::size_t i = observation.begin; i < observation.end; ++i) {
    result[i] = placeholder[std::min(i - observation.begin, placeholder.size() - 1)];
  }
  return result;
}

std::vector<double> information_gain(const FeedbackLogProbs& log_probs) {
  const std::size_t turns = log_probs.turn_offset.back();
  std::vector<double> sum(turns, 0.0);
  std::vector<double> n(turns, 0.0);
  for (std::size_t row = 0; row + 1 < log_probs.offset.size(); ++row) {
    for (std::size_t t = log_probs.offset[row]; t < log_probs.offset[row + 1]; ++t) {
      if (log_probs.mask[t] == 0 || log_probs.turn[t] < 1) {
        continue;
      }
      const std::size_t turn =
          log_probs.turn_offset[row] + static_cast<std::size_t>(log_probs.turn[t]);
      check(turn < log_probs.turn_offset[row + 1], "a token's turn is one of its row");
      sum[turn - 1] += log_probs.real[t] - log_probs.masked[t];
      n[turn - 1] += 1;
    }
  }
  std::vector<double> gain(turns, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t turn = 0; turn < turns; ++turn) {
    if (n[turn] > 0 && std::isfinite(sum[turn])) {
      gain[turn] = sum[turn] / n[turn];
    }
  }
  return gain;
}

double signed_gain(GainSign sign, double gain) {
  switch (sign) {
    case GainSign::positive:
      return std::max(gain, 0.0);
    case GainSign::absolute:
      return std::abs(gain);
    case GainSign::as_is:
      break;
  }
  return gain;
}

double variance_gate(VarianceGate gate, double std, double temperature) {
  switch (gate) {
    case VarianceGate::sigmoid:
      return 1 / (1 + std::exp(std / temperature));
    case VarianceGate::exponential:
      return std::exp(-std / temperature);
    case VarianceGate::none:
      break;
  }
  return 1;
}

}  // namespace turnhalle::algo
