#include "agents/wire/wire_options.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/text.h"

namespace turnhalle {

const std::string* WireOptions::find(const std::string& key) {
  known_.push_back(key);
  const auto found = spec_.options.find(key);
  return found == spec_.options.end() || error_ ? nullptr : &found->second;
}

void WireOptions::fail(const std::string& expected, std::string_view found) {
  if (error_) {
    return;
  }
  error_ = Error{"--agent " + spec_.text, "expected " + expected + "; found " + in_quotes(found)};
}

std::optional<double> WireOptions::number(const std::string& key, NumberRange range) {
  const std::string* text = find(key);
  double value = 0.0;
  if (text == nullptr) {
    return std::nullopt;
  }
  if (!parse_double(*text, value) || !(value >= range.low && value <= range.high)) {
    const bool open = range.high == std::numeric_limits<double>::infinity();
    fail(open ? key + ", a number of at least " + shortest(range.low)
              : key + ", a number from " + shortest(range.low) + " to " + shortest(range.high),
         *text);
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> WireOptions::integer(const std::string& key, IntegerRange range) {
  const std::string* text = find(key);
  std::int64_t value = 0;
  if (text == nullptr) {
    return std::nullopt;
  }
  if (!parse_integer(*text, value) || value < range.low || value > range.high) {
    fail(key + ", an integer from " + std::to_string(range.low) + " to " +
             std::to_string(range.high),
         *text);
    return std::nullopt;
  }
  return value;
}

std::optional<bool> WireOptions::boolean(const std::string& key) {
  const std::optional<std::string> word = one_of(key, {"true", "false"});
  return word ? std::optional<bool>(*word == "true") : std::nullopt;
}

std::optional<std::string> WireOptions::one_of(const std::string& key,
                                               std::vector<std::string> names) {
  const std::string* text = find(key);
  if (text == nullptr) {
    return std::nullopt;
  }
  if (std::find(names.begin(), names.end(), *text) == names.end()) {
    fail(key + ", one of " + join(names, ", "), *text);
    if (const std::string near = did_you_mean(*text, names); !near.empty()) {
      error_->message += "." + near;
    }
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> WireOptions::secret(const std::string& key) {
  const std::string* variable = find(key);
  if (variable == nullptr) {
    return std::nullopt;
  }
  const char* value = std::getenv(variable->c_str());
  if (value == nullptr || *value == '\0') {
    fail(key + ", the name of an environment variable that holds a key", *variable);
    return std::nullopt;
  }
  std::string secret = value;
  const bool readable = std::all_of(secret.begin(), secret.end(),
                                    [](char c) { return c > ' ' && c < '\x7f'; });
  if (!readable) {
    fail(key + ", a variable that holds a key of visible ASCII characters", *variable);
    return std::nullopt;
  }
  return secret;
}

Status WireOptions::finish() {
  for (const auto& [key, value] : spec_.options) {
    if (error_ || std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    fail("an option " + join(known_, ", "), key);
    if (const std::string near = did_you_mean(key, known_); !near.empty()) {
      error_->message += "." + near;
    }
  }
  return error_ ? Status(*error_) : ok_status();
}

}  // namespace turnhalle
