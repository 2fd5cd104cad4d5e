// Which number type the matrix products use, decided by a short measurement.
//
// Some processors multiply bfloat16 matrices five times as fast as float32, others several times
// slower; nothing but a measurement tells. Torch-free header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace turnhalle::lm {

enum class Precision : std::uint8_t { float32, bfloat16 };
std::string name_of(Precision precision);

/// Rates of a 512×512×512 product with the calling thread's number of threads.
struct PrecisionRates {
  double float32_gflops = 0;
  double bfloat16_gflops = 0;
};
/// Takes some ten milliseconds.
PrecisionRates measure_precision();

/// `wanted` when given; else bfloat16 if it is measured at least 1.5 times as fast. The choice
/// and the rates are printed to standard error.
Precision choose_precision(std::optional<Precision> wanted = std::nullopt);

}  // namespace turnhalle::lm
