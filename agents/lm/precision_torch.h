// Which number type the matrix products use, decided by a short measurement.
//
// Some processors multiply bfloat16 matrices five times as fast as float32, others several times
// slower; nothing but a measurement tells. Torch-free header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agents/lm/device.h"

namespace turnhalle::lm {

enum class Precision : std::uint8_t { float32, bfloat16 };
std::string name_of(Precision precision);

/// Rates of a 512×512×512 product with the calling thread's number of threads.
struct PrecisionRates {
  double float32_gflops = 0;
  double bfloat16_gflops = 0;
};
/// Takes some ten milliseconds.
PrecisionRates measure_precision(Device device);

/// The precision that a name stands for; "auto" is bfloat16 if that is measured at least 1.5 times
/// as fast on the device. With `explain` the choice and the rates are printed to standard error.
/// Nothing for another name.
std::optional<Precision> choose_precision(std::string_view name, Device device, bool explain);

}  // namespace turnhalle::lm
