#include "agents/lm/sampler.h"

#include <algorithm>
#include <cmath>

#include "agents/lm/decoder_cpu.h"
#include "core/check.h"

namespace turnhalle::lm {
namespace {

constexpr std::size_t kBlock = 64;

// Four running sums, added at the end: a fixed order that does not wait for every addition.
double block_sum(std::span<const float> values) {
  double sums[4] = {};
  for (std::size_t i = 0; i < values.size(); ++i) {
    sums[i % 4] += static_cast<double>(values[i]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::span<const float> block_of(std::span<const float> values, std::size_t begin) {
  return values.subspan(begin, std::min(kBlock, values.size() - begin));
}

std::size_t position_of(std::span<const float> weights, double target) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += kBlock) {
    const std::span<const float> block = block_of(weights, begin);
    const double next = sum + block_sum(block);
    if (next <= target) {
      sum = next;
      continue;
    }
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block[i] > 0) {
        last = begin + i;
        sum += static_cast<double>(block[i]);
        if (sum > target) {
          return last;
        }
      }
    }
    return last;  // Rounding: the elements in order sum to a little less than the block.
  }
  // Rounding at the very end of the distribution: the last token that can be drawn.
  for (std::size_t i = weights.size(); i > 0; --i) {
    if (weights[i - 1] > 0) {
      return i - 1;
    }
  }
  return 0;
}

}  // namespace

Draw draw_token(std::span<const float> logits, double temperature, double uniform,
                std::vector<float>& scratch) {
  check(!logits.empty() && temperature >= 0, "a draw has logits and a temperature", temperature);
  scratch.resize(logits.size());
  const bool greedy = temperature == 0;
  const float scale = greedy ? 1.0F : static_cast<float>(1 / temperature);
  const float maximum = generation_kernels().exponentials(
      logits.data(), static_cast<std::int64_t>(logits.size()), scale, scratch.data());
  double total = 0;
  for (std::size_t begin = 0; begin < scratch.size(); begin += kBlock) {
    total += block_sum(block_of(scratch, begin));
  }
  const std::size_t chosen =
      greedy ? static_cast<std::size_t>(std::ranges::max_element(logits) - logits.begin())
             : position_of(scratch, uniform * total);
  const double above = static_cast<double>(logits[chosen] - maximum) * static_cast<double>(scale);
  return {static_cast<TokenId>(chosen), static_cast<float>(above - std::log(total))};
}

}  // namespace turnhalle::lm
