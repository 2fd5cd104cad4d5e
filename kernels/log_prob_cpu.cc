// The definition of log-probability and entropy: double accumulation, straight loops.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/check.h"
#include "kernels/kernels.h"

namespace turnhalle::kernels::definition {
namespace {

/// What one row of logits gives.
struct Row {
  double log_prob, entropy, log_normalizer;
};

Row evaluate(const std::vector<double>& z, std::int32_t chosen) {
  double max = -std::numeric_limits<double>::infinity();
  for (const double logit : z) {
    max = logit > max ? logit : max;
  }
  double sum = 0.0;
  for (const double logit : z) {
    sum += std::exp(logit - max);  // NaN where all logits are −inf, or one is +inf or NaN
  }
  const double log_normalizer = max + std::log(sum);
  double entropy = 0.0;
  for (const double logit : z) {
    const double log_p = logit - log_normalizer;
    const double p = std::exp(log_p);
    entropy -= p == 0.0 ? 0.0 : p * log_p;
  }
  return {z[static_cast<std::size_t>(chosen)] - log_normalizer, entropy, log_normalizer};
}

/// Overwrites logits by their gradient (kernels.h, dz).
void differentiate(std::vector<double>& z, std::int32_t chosen, std::int64_t row,
                   const LogProbGradient& gradient) {
  const double g = static_cast<double>(gradient.d_log_prob[row]);
  const double e = static_cast<double>(gradient.d_entropy[row]);
  if (g == 0.0 && e == 0.0) {
    z.assign(z.size(), 0.0);
    return;
  }
  const double entropy = static_cast<double>(gradient.entropy[row]);
  const double log_normalizer = static_cast<double>(gradient.log_normalizer[row]);
  for (double& logit : z) {
    const double rounded = logit - log_normalizer;
    const double log_p = rounded > 0.0 ? 0.0 : rounded;
    const double p = std::exp(log_p);
    logit = p == 0.0 ? 0.0 : -g * p - e * p * (log_p + entropy);
  }
  z[static_cast<std::size_t>(chosen)] += g;
}

void write(const Row& from, std::int64_t row, const LogProbOutput& output) {
  output.log_prob[row] = static_cast<float>(from.log_prob);
  output.entropy[row] = static_cast<float>(from.entropy);
  output.log_normalizer[row] = static_cast<float>(from.log_normalizer);
}

void check_row(std::int32_t chosen, std::int64_t vocab, float temperature) {
  check(chosen >= 0 && chosen < vocab, "the chosen token is in the vocabulary", chosen, vocab);
  check(temperature > 0.0F, "the temperature is positive", temperature);
}

/// The logits of one row.
void project(const LinearLogProb& in, std::int64_t row, std::vector<double>& z) {
  check_row(in.chosen[row], in.vocab, in.temperature);
  z.resize(static_cast<std::size_t>(in.vocab));
  for (std::int64_t j = 0; j < in.vocab; ++j) {
    double sum = in.bias == nullptr ? 0.0 : static_cast<double>(in.bias[j]);
    for (std::int64_t c = 0; c < in.width; ++c) {
      sum += static_cast<double>(in.hidden[row * in.width + c]) *
             static_cast<double>(in.weight[j * in.width + c]);
    }
    z[static_cast<std::size_t>(j)] = sum / static_cast<double>(in.temperature);
  }
}

void scale_row(const LogitRows& shape, const float* logits, std::int64_t row,
               std::vector<double>& z) {
  check_row(shape.chosen[row], shape.vocab, shape.temperature);
  z.resize(static_cast<std::size_t>(shape.vocab));
  for (std::int64_t j = 0; j < shape.vocab; ++j) {
    z[static_cast<std::size_t>(j)] = static_cast<double>(logits[row * shape.vocab + j]) /
                                     static_cast<double>(shape.temperature);
  }
}

}  // namespace

void linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output) {
  std::vector<double> z;
  for (std::int64_t row = 0; row < input.rows; ++row) {
    project(input, row, z);
    write(evaluate(z, input.chosen[row]), row, output);
  }
}

void linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                              const LinearLogProbInputGradient& result) {
  const auto width = static_cast<std::size_t>(input.width);
  const auto vocab = static_cast<std::size_t>(input.vocab);
  std::vector<double> d_weight(vocab * width, 0.0);
  std::vector<double> d_bias(vocab, 0.0);
  std::vector<double> d_hidden(width);
  std::vector<double> z;
  for (std::int64_t row = 0; row < input.rows; ++row) {
    project(input, row, z);
    differentiate(z, input.chosen[row], row, gradient);
    d_hidden.assign(width, 0.0);
    const float* hidden = input.hidden + row * input.width;
    for (std::size_t j = 0; j < vocab; ++j) {
      const double d = z[j] / static_cast<double>(input.temperature);
      d_bias[j] += d;
      for (std::size_t c = 0; c < width; ++c) {
        d_hidden[c] += d * static_cast<double>(input.weight[j * width + c]);
        d_weight[j * width + c] += d * static_cast<double>(hidden[c]);
      }
    }
    for (std::size_t c = 0; c < width && result.d_hidden != nullptr; ++c) {
      result.d_hidden[row * input.width + static_cast<std::int64_t>(c)] =
          static_cast<float>(d_hidden[c]);
    }
  }
  for (std::size_t i = 0; i < d_weight.size() && result.d_weight != nullptr; ++i) {
    result.d_weight[i] += static_cast<float>(d_weight[i]);
  }
  for (std::size_t j = 0; j < vocab && result.d_bias != nullptr; ++j) {
    result.d_bias[j] += static_cast<float>(d_bias[j]);
  }
}

void log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                  const LogProbOutput& output) {
  std::vector<double> z;
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    scale_row(shape, logits, row, z);
    write(evaluate(z, shape.chosen[row]), row, output);
  }
}

void log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                   float* logits_to_gradient) {
  std::vector<double> z;
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    scale_row(shape, logits_to_gradient, row, z);
    differentiate(z, shape.chosen[row], row, gradient);
    for (std::int64_t j = 0; j < shape.vocab; ++j) {
      logits_to_gradient[row * shape.vocab + j] = static_cast<float>(
          z[static_cast<std::size_t>(j)] / static_cast<double>(shape.temperature));
    }
  }
}

}  // namespace turnhalle::kernels::definition
