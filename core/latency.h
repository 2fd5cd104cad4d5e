// How long something takes in virtual time: models that a scenario names.
//
//   250                                                        always 250 ms
//   {"kind": "uniform", "low_ms": 100, "high_ms": 300}
//   {"kind": "log_normal", "median_ms": 800, "sigma": 0.5}     exp(N(ln median, sigma²))
//   {"kind": "recorded", "ms": [120, 95, 410]}                 one of the list, each as likely
//
// Each takes "per_byte_us" too: what every byte of what is written adds, as typing does.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/json_reader.h"
#include "core/rng.h"

namespace turnhalle {

enum class LatencyKind : std::uint8_t { constant, uniform, log_normal, recorded };

struct LatencyModel {
  LatencyKind kind = LatencyKind::constant;
  double low_ms = 0.0;   ///< constant: the value; log_normal: the median
  double high_ms = 0.0;  ///< uniform: the upper bound
  double sigma = 0.0;    ///< log_normal, in the logarithm
  std::vector<double> recorded_ms = {};
  double per_byte_us = 0.0;

  bool is_zero() const;
  /// Draw `number` of the stream `key`, for something of `bytes` bytes. Never negative, at most
  /// 2^53 ns (about 104 days).
  SimDuration draw(RandomKey key, std::uint64_t number, std::size_t bytes) const;
};

/// Reads a number or an object at `key`; absent: no time.
LatencyModel read_latency(JsonObject& parent, std::string_view key);
Json latency_schema();

}  // namespace turnhalle
