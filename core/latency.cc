#include "core/latency.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace turnhalle {
namespace {

constexpr double kMsMax = 1e12;
constexpr double kNsMax = 9007199254740992.0;  // 2^53
const std::array<std::string, 4> kKinds = {"constant", "uniform", "log_normal", "recorded"};

void read_recorded(JsonObject& object, LatencyModel& model) {
  model.recorded_ms = object.numbers("ms");
  const bool good = !model.recorded_ms.empty() &&
                    std::all_of(model.recorded_ms.begin(), model.recorded_ms.end(),
                                [](double ms) { return ms >= 0.0 && ms <= kMsMax; });
  if (!good) object.fail("ms", "one or more numbers from 0 on");
}

}  // namespace

bool LatencyModel::is_zero() const {
  const bool recorded_zero =
      std::all_of(recorded_ms.begin(), recorded_ms.end(), [](double ms) { return ms == 0.0; });
  return low_ms == 0.0 && high_ms == 0.0 && per_byte_us == 0.0 && recorded_zero;
}

SimDuration LatencyModel::draw(RandomKey key, std::uint64_t number, std::size_t bytes) const {
  Random random(key.split(number));
  double ms = low_ms;
  switch (kind) {
    case LatencyKind::constant:
      break;
    case LatencyKind::uniform:
      ms = random.uniform(low_ms, high_ms);
      break;
    case LatencyKind::log_normal:
      ms = low_ms * std::exp(sigma * random.normal());
      break;
    case LatencyKind::recorded:
      ms = recorded_ms[random.below(recorded_ms.size())];
      break;
  }
  const double ns = ms * 1e6 + per_byte_us * 1e3 * static_cast<double>(bytes);
  return {static_cast<std::int64_t>(std::clamp(ns, 0.0, kNsMax))};
}

LatencyModel read_latency(JsonObject& parent, std::string_view key) {
  LatencyModel model;
  const auto found = parent.value().find(std::string(key));
  if (found == parent.value().end() || !found->is_object()) {
    model.low_ms = parent.number(key, {0.0, kMsMax}, 0.0);
    return model;
  }
  JsonObject object = parent.object(key);
  const std::string kind = object.one_of("kind", kKinds);
  model.kind =
      static_cast<LatencyKind>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
  switch (model.kind) {
    case LatencyKind::uniform:
      model.low_ms = object.number("low_ms", {0.0, kMsMax});
      model.high_ms = object.number("high_ms", {model.low_ms, kMsMax});
      break;
    case LatencyKind::log_normal:
      model.low_ms = object.number("median_ms", {0.0, kMsMax});
      model.sigma = object.number("sigma", {0.0, 10.0});
      break;
    case LatencyKind::recorded:
      read_recorded(object, model);
      break;
    default:
      model.low_ms = object.number("ms", {0.0, kMsMax});
      model.kind = LatencyKind::constant;
  }
  model.per_byte_us = object.number("per_byte_us", {0.0, 1e9}, 0.0);
  object.finish();
  return model;
}

Json latency_schema() {
  const Json ms = {{"type", "number"}, {"minimum", 0}};
  const Json object = {
      {"type", "object"},
      {"required", {"kind"}},
      {"additionalProperties", false},
      {"properties",
       {{"kind", {{"enum", kKinds}}},
        {"ms", {{"anyOf", {ms, {{"type", "array"}, {"items", ms}, {"minItems", 1}}}}}},
        {"low_ms", ms},
        {"high_ms", ms},
        {"median_ms", ms},
        {"sigma", {{"type", "number"}, {"minimum", 0}, {"maximum", 10}}},
        {"per_byte_us", ms}}}};
  return {{"description", "virtual time that it takes: milliseconds, or a model"},
          {"anyOf", {ms, object}}};
}

}  // namespace turnhalle
