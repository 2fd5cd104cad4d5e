// kernel_bench [THREADS]: speed of the CPU kernels as CSV, a row for each operator and shape.
//
// Rates count the arithmetic or the bytes that the operator needs, not those that it does: a
// matrix product that is computed a second time to save memory is not counted twice.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "kernels/kernels.h"

namespace {

namespace kernels = turnhalle::kernels;

constexpr int kRuns = 7;

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

std::string machine() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      std::string name = line.substr(line.find(':') + 2);
      std::replace(name.begin(), name.end(), ',', ' ');
      return name;
    }
  }
  return "unknown";
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
  explicit Bench(int threads) : threads_(threads), machine_(machine()) {
    run_.parallel_for = threads > 1 ? parallel(threads) : nullptr;
    std::puts("machine,instruction_set,threads,operator,shape,median_ms,low_ms,high_ms,runs,"
              "rate,unit");
  }

  const kernels::CpuRun& run() const { return run_; }

  void measure(const std::string& name, const std::string& shape, Work work,
               const std::function<void()>& call) const {
    call();
    std::vector<double> milliseconds;
    for (int i = 0; i < kRuns; ++i) {
      const auto start = std::chrono::steady_clock::now();
      call();
      const std::chrono::duration<double, std::milli> passed =
          std::chrono::steady_clock::now() - start;
      milliseconds.push_back(passed.count());
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    const double median = milliseconds[kRuns / 2];
    const char* const sets[] = {"baseline", "avx2", "avx512"};
    std::printf("%s,%s,%d,%s,%s,%.3f,%.3f,%.3f,%d,%.1f,%s\n", machine_.c_str(),
                sets[static_cast<std::size_t>(run_.isa)], threads_, name.c_str(), shape.c_str(),
                median, milliseconds.front(), milliseconds.back(), kRuns,
                work.amount / (median * 1e-3), work.unit);
    std::fflush(stdout);
  }

 private:
  int threads_;
  std::string machine_;
  kernels::CpuRun run_;
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

void bench_linear_log_prob(const Bench& bench, const Shape& shape) {
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

void bench_log_prob_from_logits(const Bench& bench, std::int64_t count, std::int64_t vocab) {
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

void bench_segment_scan(const Bench& bench, std::int64_t segments, std::int64_t length) {
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

void bench_decode_attention(const Bench& bench, std::int64_t rows, std::int64_t length) {
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

int main(int argc, char** argv) {
  int threads = 1;
  if (argc > 1) {
    const char* end = argv[1] + std::strlen(argv[1]);
    const auto [stop, error] = std::from_chars(argv[1], end, threads);
    if (argc > 2 || error != std::errc() || stop != end || threads < 1 || threads > 256) {
      std::fputs("usage: kernel_bench [THREADS]   with THREADS in 1 … 256\n", stderr);
      return 2;
    }
  }
  const Bench bench(threads);
  bench_linear_log_prob(bench, {.rows = 4096, .width = 96, .vocab = 300});
  bench_linear_log_prob(bench, {.rows = 512, .width = 576, .vocab = 49152});
  bench_log_prob_from_logits(bench, 256, 49152);
  bench_segment_scan(bench, 1000, 1000);
  bench_decode_attention(bench, 32, 1024);
  return 0;
}
