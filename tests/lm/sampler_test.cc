#include "agents/lm/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "agents/lm/decoder_cpu.h"
#include "agents/lm/page_pool.h"
#include "tests/lm/tiny_models.h"

namespace turnhalle::lm {
namespace {

std::vector<float> random_logits(std::size_t count, std::uint64_t seed) {
  Random random(RandomKey::from_seed(seed));
  std::vector<float> logits(count);
  for (float& logit : logits) {
    logit = static_cast<float>(3 * random.normal());
  }
  return logits;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (const float logit : logits) {
    p.push_back(std::exp(static_cast<double>(logit) / temperature));
    sum += p.back();
  }
  for (double& value : p) {
    value /= sum;
  }
  return p;
}

TEST(Sampler, InvertsTheDistributionFunction) {
  std::vector<float> scratch;
  for (const std::size_t count : {1U, 5U, 64U, 65U, 1000U}) {
    for (const double temperature : {0.5, 1.0, 2.0}) {
      const std::vector<float> logits = random_logits(count, count);
      const std::vector<double> p = softmax(logits, temperature);
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const Draw draw = draw_token(logits, temperature, sum + p[i] / 2, scratch);
        if (p[i] > 1e-5) {
          EXPECT_EQ(draw.token, static_cast<TokenId>(i));
          EXPECT_NEAR(draw.logprob, std::log(p[i]), 1e-4);
        }
        sum += p[i];
      }
    }
  }
}

TEST(Sampler, FrequenciesFollowTheProbabilities) {
  const std::vector<float> logits = random_logits(8, 4);
  const std::vector<double> p = softmax(logits, 1);
  std::vector<double> counts(8);
  std::vector<float> scratch;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const double uniform = uniform_at(RandomKey::from_seed(1), static_cast<std::uint64_t>(i));
    counts[static_cast<std::size_t>(draw_token(logits, 1, uniform, scratch).token)] += 1;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(counts[i] / kDraws, p[i], 5 * std::sqrt(p[i] * (1 - p[i]) / kDraws) + 1e-9);
  }
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  std::vector<float> scratch;
  const std::vector<float> logits{0, 2, 1, 2};
  const Draw draw = draw_token(logits, 0, 0.99, scratch);
  EXPECT_EQ(draw.token, 1);
  EXPECT_NEAR(draw.logprob, std::log(softmax(logits, 1)[1]), 1e-6);
}

TEST(Sampler, TheEndsOfTheUnitIntervalAreDrawable) {
  std::vector<float> scratch;
  const float minus_infinity = -std::numeric_limits<float>::infinity();
  const std::vector<float> logits{minus_infinity, 0, minus_infinity, 0, minus_infinity};
  EXPECT_EQ(draw_token(logits, 1, 0.0, scratch).token, 1);
  EXPECT_EQ(draw_token(logits, 1, 0x1.fffffffffffffp-1, scratch).token, 3);
}

TEST(Products, EqualDoubleSumsAndDoNotDependOnTheRows) {
  Random random(RandomKey::from_seed(2));
  constexpr std::int64_t kRows = 29;
  for (const auto& [outputs, columns] : {std::pair{1, 1}, {16, 8}, {37, 65}, {100, 40}}) {
    std::vector<float> a(static_cast<std::size_t>(kRows * columns));
    std::vector<float> w(static_cast<std::size_t>(outputs * columns));
    std::vector<float> bias(static_cast<std::size_t>(outputs));
    for (auto* values : {&a, &w, &bias}) {
      for (float& value : *values) {
        value = static_cast<float>(random.normal());
      }
    }
    const PackedMatrix packed = pack_matrix(w.data(), outputs, columns);
    std::vector<float> together(static_cast<std::size_t>(kRows * outputs), 1.0F);
    std::vector<float> apart(together);
    Multiply m{a.data(), &packed, bias.data(), together.data(), true};
    generation_kernels().multiply(m, {0, kRows}, {0, packed.panels()});
    m.out = apart.data();
    for (std::int64_t row = 0; row < kRows; ++row) {
      generation_kernels().multiply(m, {row, row + 1}, {0, packed.panels()});
    }
    EXPECT_EQ(together, apart);
    for (std::int64_t i = 0; i < kRows * outputs; ++i) {
      double sum = 1 + static_cast<double>(bias[static_cast<std::size_t>(i % outputs)]);
      for (std::int64_t c = 0; c < columns; ++c) {
        sum += static_cast<double>(a[static_cast<std::size_t>(i / outputs * columns + c)]) *
               static_cast<double>(w[static_cast<std::size_t>(i % outputs * columns + c)]);
      }
      EXPECT_NEAR(together[static_cast<std::size_t>(i)], sum, 1e-4);
    }
  }
}

TEST(PagePool, ASharedPageIsCopiedBeforeItIsWritten) {
  HostPages memory(10);
  PagePool pool(memory);
  const PageIndex first = pool.take();
  memory.address(first)[0] = 1;
  memory.address(first)[9] = 2;
  EXPECT_EQ(pool.writable(first), first);
  pool.share(first);
  const PageIndex copy = pool.writable(first);
  EXPECT_NE(copy, first);
  EXPECT_EQ(memory.address(copy)[0], 1);
  EXPECT_EQ(memory.address(copy)[9], 2);
  EXPECT_EQ(pool.pages_in_use(), 2);
  EXPECT_EQ(pool.writable(first), first);
  pool.release(first);
  pool.release(copy);
  EXPECT_EQ(pool.pages_in_use(), 0);
  const PageIndex again = pool.take();
  EXPECT_EQ(memory.address(again)[0], 0);
  EXPECT_EQ(memory.address(again)[9], 0);
}

}  // namespace
}  // namespace turnhalle::lm
