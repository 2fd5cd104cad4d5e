// Speed of the CPU kernels, one row for each operator and shape.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace turnhalle::app {

/// Times of one operator on one shape. Rates count the arithmetic or the bytes that the operator
/// needs, not those that it does: a matrix product that is computed a second time to save memory
/// is not counted twice.
struct KernelRate {
  std::string name;   ///< "linear_log_prob_forward"
  std::string shape;  ///< "4096x96x300"
  std::string unit;   ///< "GFLOP/s" or "GB/s"
  double amount = 0.0;          ///< of one call, in GFLOP or GB
  std::vector<double> seconds;  ///< of each run, after one for warming up
};

/// Measures all operators with so many threads.
std::vector<KernelRate> measure_kernels(int threads, int runs);
/// "baseline", "avx2" or "avx512": what the kernels use on this processor.
std::string kernel_instruction_set();

}  // namespace turnhalle::app
