// kernel_bench [THREADS]: `turnhalle bench kernels` as a program that needs nothing else, for the
// bundle of scripts/gpu_bundle. Prints CSV, a row for each operator and shape.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "apps/kernel_rates.h"

namespace {

constexpr int kRuns = 7;

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

void print_rates(int threads) {
  const std::string processor = machine();
  std::puts("machine,instruction_set,threads,operator,shape,median_ms,low_ms,high_ms,runs,"
            "rate,unit");
  for (turnhalle::app::KernelRate& rate : turnhalle::app::measure_kernels(threads, kRuns)) {
    std::sort(rate.seconds.begin(), rate.seconds.end());
    const double median = rate.seconds[kRuns / 2];
    std::printf("%s,%s,%d,%s,%s,%.3f,%.3f,%.3f,%d,%.1f,%s\n", processor.c_str(),
                turnhalle::app::kernel_instruction_set().c_str(), threads, rate.name.c_str(),
                rate.shape.c_str(), median * 1e3, rate.seconds.front() * 1e3,
                rate.seconds.back() * 1e3, kRuns, rate.amount / median, rate.unit.c_str());
  }
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
  print_rates(threads);
  return 0;
}
