#include "apps/kernel_rates.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>
#include <utility>

#include "kernels/kernels.h"

namespace turnhalle::app {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

/// Numbers in ± range; a Weyl sequence, because nothing here depends on their quality.
std::vector<float> numbers(std::int64_t count, double range) {
  std::vector<float> values(size(count));
  double fraction = 0.5;
  for (float& value : values) {
    fraction = std::fmod(fraction + 0.6180339887498949, 1.0);
    value = static_cast<float>((2.0 * fraction - 1.0) * range);
  }
  return values;
}

kernels::ParallelFor parallel(int threads) {
  return [threads](std::int64_t count, const std::function<void(std::int64_t)>& task) {
    std::atomic<std::int64_t> next{0};
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::int64_t index = next++; index < count; index = next++) {
          task(index);
        }
      });
    }
  };
}

/// What one call of an operator needs, in GFLOP or GB.
struct Work {
  double amount;
  const char* unit;
};

class Bench {
 public:
  Bench(int threads, int runs) : runs_(runs) {
    run_.parallel_for = threads > 1 ? parallel(threads) : nullptr;
  }

  const kernels::CpuRun& run() const { return run_; }
  std::vector<KernelRate> take() { return std::move(rates_); }

  void measure(const std::string& name, const std::string& shape, Work work,
               const std::function<void()>& call) {
    call();
    KernelRate rate{name, shape, work.unit, work.amount, {}};
    for (int i = 0; i < runs_; ++i) {
      const auto start = std::chrono::steady_clock::now();
      call();
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
      rate.seconds.push_back(passed.count());
    }
    rates_.push_back(std::move(rate));
  }

 private:
  int runs_;
  kernels::CpuRun run_;
  std::vector<KernelRate> rates_;
};

struct Shape {
  std::int64_t rows, width, vocab;
  std::string text() const {
    return std::to_string(rows) + "x" + std::to_string(width) + "x" + std::to_string(vocab);
  }
  double gflop() const { return 2e-9 * static_cast<double>(rows * width * vocab); }
};

/// Outputs, incoming gradients and chosen tokens of `rows` rows.
struct Rows {
  explicit Rows(std::int64_t rows, std::int64_t vocab)
      : log_prob(size(rows)), entropy(size(rows)), log_normalizer(size(rows)),
        d_log_prob(numbers(rows, 1.0)), d_entropy(numbers(rows, 0.1)), chosen(size(rows)) {
    for (std::size_t row = 0; row < chosen.size(); ++row) {
      chosen[row] = static_cast<std::int32_t>(row * 37 % size(vocab));
    }
  }
  kernels::LogProbOutput output() {
    return {log_prob.data(), entropy.data(), log_normalizer.data()};
  }
  kernels::LogProbGradient gradient() const {
    return {d_log_prob.data(), d_entropy.data(), entropy.data(), log_normalizer.data()};
  }
  std::vector<float> log_prob, entropy, log_normalizer, d_log_prob, d_entropy;
  std::vector<std::int32_t> chosen;
};

void bench_linear_log_prob(Bench& bench, const Shape& shape) {
  const std::vector<float> hidden = numbers(shape.rows * shape.width, 1.0);
  const std::vector<float> weight = numbers(shape.vocab * shape.width, 0.1);
  std::vector<float> d_hidden(hidden.size());
  std::vector<float> d_weight(weight.size());
  Rows rows(shape.rows, shape.vocab);
  const kernels::LinearLogProb input{.rows = shape.rows, .width = shape.width,
                                     .vocab = shape.vocab, .hidden = hidden.data(),
                                     .weight = weight.data(), .bias = nullptr,
                                     .chosen = rows.chosen.data(), .temperature = 1.0F};
  bench.measure("linear_log_prob_forward", shape.text(), {shape.gflop(), "GFLOP/s"}, [&] {
    kernels::linear_log_prob_forward(input, rows.output(), bench.run());
  });
  bench.measure("linear_log_prob_backward", shape.text(), {2.0 * shape.gflop(), "GFLOP/s"}, [&] {
    kernels::linear_log_prob_backward(
        input, rows.gradient(),
        {.d_hidden = d_hidden.data(), .d_weight = d_weight.data(), .d_bias = nullptr},
        bench.run());
  });
}

void bench_log_prob_from_logits(Bench& bench, std::int64_t count, std::int64_t vocab) {
  std::vector<float> logits = numbers(count * vocab, 5.0);
  Rows rows(count, vocab);
  const kernels::LogitRows shape{.rows = count, .vocab = vocab, .chosen = rows.chosen.data()};
  const std::string text = std::to_string(count) + "x" + std::to_string(vocab);
  const double gigabytes = 4e-9 * static_cast<double>(count * vocab);
  bench.measure("log_prob_from_logits_forward", text, {gigabytes, "GB/s"}, [&] {
    kernels::log_prob_from_logits_forward(shape, logits.data(), rows.output(), bench.run());
  });
  bench.measure("log_prob_from_logits_backward", text, {2.0 * gigabytes, "GB/s"}, [&] {
    kernels::log_prob_from_logits_backward(shape, rows.gradient(), logits.data(), bench.run());
  });
}

void bench_segment_scan(Bench& bench, std::int64_t segments, std::int64_t length) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t s = 0; s <= segments; ++s) {
    offsets.push_back(s * length);
  }
  const std::vector<float> x = numbers(segments * length, 1.0);
  std::vector<float> y(x.size());
  const kernels::SegmentScan scan{.segments = segments, .offsets = offsets.data(),
                                  .mask = nullptr, .gamma = 0.99F};
  const std::string text = std::to_string(segments) + "x" + std::to_string(length);
  const Work work{8e-9 * static_cast<double>(x.size()), "GB/s"};
  bench.measure("segment_scan_forward", text, work, [&] {
    kernels::segment_scan_forward(scan, x.data(), y.data(), bench.run());
  });
  bench.measure("segment_scan_backward", text, work, [&] {
    kernels::segment_scan_backward(scan, x.data(), y.data(), bench.run());
  });
}

void bench_decode_attention(Bench& bench, std::int64_t rows, std::int64_t length) {
  constexpr std::int64_t kHeads = 9;
  constexpr std::int64_t kKvHeads = 3;
  constexpr std::int64_t kDim = 64;
  const std::int64_t row_numbers = length * kKvHeads * kDim;
  const std::vector<float> cache = numbers(2 * rows * row_numbers, 1.0);
  const std::vector<float> query = numbers(rows * kHeads * kDim, 1.0);
  std::vector<float> out(query.size());
  std::vector<const float*> keys;
  std::vector<const float*> values;
  for (std::int64_t row = 0; row < rows; ++row) {
    keys.push_back(cache.data() + 2 * row * row_numbers);
    values.push_back(cache.data() + (2 * row + 1) * row_numbers);
  }
  const std::vector<std::int64_t> lengths(size(rows), length);
  const kernels::DecodeAttention input{
      .rows = rows, .heads = kHeads, .kv_heads = kKvHeads, .dim = kDim, .query = query.data(),
      .keys = keys.data(), .values = values.data(), .lengths = lengths.data(), .scale = 0.125F};
  bench.measure("decode_attention", std::to_string(rows) + " rows of " + std::to_string(length),
                {4e-9 * static_cast<double>(cache.size()), "GB/s"},
                [&] { kernels::decode_attention(input, out.data(), bench.run()); });
}

}  // namespace

std::vector<KernelRate> measure_kernels(int threads, int runs) {
  Bench bench(threads, runs);
  bench_linear_log_prob(bench, {.rows = 4096, .width = 96, .vocab = 300});
  bench_linear_log_prob(bench, {.rows = 512, .width = 576, .vocab = 49152});
  bench_log_prob_from_logits(bench, 256, 49152);
  bench_segment_scan(bench, 1000, 1000);
  bench_decode_attention(bench, 32, 1024);
  return bench.take();
}

std::string kernel_instruction_set() {
  const char* const sets[] = {"baseline", "avx2", "avx512"};
  return sets[static_cast<std::size_t>(kernels::CpuRun{}.isa)];
}

}  // namespace turnhalle::app
