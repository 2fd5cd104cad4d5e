#include "trainers/algo/batch_json.h"

#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/json_reader.h"

namespace turnhalle::algo {
namespace {

constexpr std::array<const char*, 4> row_keys{"group", "reward", "lifecycle", "position"};
constexpr std::array<const char*, 2> other_row_keys{"kind", "truncated"};
constexpr std::array<const char*, 10> token_keys{"mask",         "turn",     "logp",    "logp_old",
                                                 "logp_rollout", "logp_ref", "entropy", "value",
                                                 "logp_masked",  "structure"};
constexpr std::array<const char*, 4> turn_keys{"turn_reward", "turn_mask", "info_gain", "anchor"};

std::string at(const std::string& key, std::size_t row) {
  return "/" + key + "/" + std::to_string(row);
}
std::string at(const std::string& key, std::size_t row, std::size_t token) {
  return at(key, row) + "/" + std::to_string(token);
}

/// Fills a batch from one object; the first error stays in the reader.
class BatchReader {
 public:
  explicit BatchReader(JsonReader& reader, const Json& root) : reader_(reader), root_(root) {}

  BatchFile read();

 private:
  const Json* find(const std::string& key) const {
    const auto value = root_.find(key);
    return value == root_.end() ? nullptr : &*value;
  }
  void fail(const std::string& pointer, const std::string& expected, const Json& found) {
    reader_.fail(pointer, "expected " + expected + "; found " + shown(found));
  }
  void check_rows();
  bool fits_rows(const std::string& key, const Json& value);
  bool set_offset(const std::string& key, const std::string& unit, std::vector<std::size_t>& offset,
                  bool& is_set);
  void read_bounds();
  double number(const std::string& pointer, const Json& value);
  std::int64_t integer(const std::string& pointer, const Json& value, std::int64_t low);
  std::uint8_t mark(const std::string& pointer, const Json& value);
  std::int64_t label(const std::string& pointer, const Json& value,
                     std::map<std::string, std::int64_t>& known);
  void read_rows();
  void read_lifecycles();
  void check_lifecycles();
  void read_turns();
  void read_tokens();
  std::vector<double> token_numbers(const std::string& key);
  void read_advantage();

  JsonReader& reader_;
  const Json& root_;
  std::size_t rows_ = 0;
  std::string rows_from_;
  bool has_tokens_ = false;
  bool has_turns_ = false;
  BatchFile file_;
};

bool BatchReader::fits_rows(const std::string& key, const Json& value) {
  if (!value.is_array()) {
    fail("/" + key, "an array with one entry per row", value);
    return false;
  }
  if (rows_from_.empty()) {
    rows_from_ = key;
    rows_ = value.size();
  }
  if (value.size() != rows_) {
    reader_.fail("/" + key, "expected " + std::to_string(rows_) + " rows, as in \"" + rows_from_ +
                                "\"; found " + std::to_string(value.size()));
    return false;
  }
  return true;
}

void BatchReader::check_rows() {
  const auto look = [&](const auto& keys) {
    for (const char* key : keys) {
      if (const Json* value = find(key)) {
        fits_rows(key, *value);
      }
    }
  };
  look(row_keys);
  look(other_row_keys);
  look(token_keys);
  look(turn_keys);
  if (const Json* value = find("advantage")) {
    fits_rows("advantage", *value);
  }
}

bool BatchReader::set_offset(const std::string& key, const std::string& unit,
                             std::vector<std::size_t>& offset, bool& is_set) {
  const Json* value = find(key);
  if (value == nullptr) {
    return true;
  }
  std::vector<std::size_t> bounds{0};
  for (std::size_t row = 0; row < rows_; ++row) {
    const Json& entry = (*value)[row];
    if (!entry.is_array()) {
      fail(at(key, row), "an array with one entry per " + unit, entry);
      return false;
    }
    bounds.push_back(bounds.back() + entry.size());
    if (is_set && bounds[row + 1] != offset[row + 1]) {
      reader_.fail(at(key, row), "expected " + std::to_string(offset[row + 1] - offset[row]) + " " +
                                     unit + "s, as in the arrays before; found " +
                                     std::to_string(entry.size()));
      return false;
    }
  }
  offset = bounds;
  is_set = true;
  return true;
}

void BatchReader::read_bounds() {
  Batch& batch = file_.batch;
  batch.offset.assign(rows_ + 1, 0);
  for (const char* key : token_keys) {
    if (!set_offset(key, "token", batch.offset, has_tokens_)) {
      return;
    }
  }
  for (const char* key : turn_keys) {
    if (!set_offset(key, "turn", batch.turn_offset, has_turns_)) {
      return;
    }
  }
  const Json* advantage = find("advantage");
  if (advantage != nullptr && !advantage->empty() && advantage->front().is_array()) {
    set_offset("advantage", "token", batch.offset, has_tokens_);
  }
}

double BatchReader::number(const std::string& pointer, const Json& value) {
  if (!value.is_number()) {
    fail(pointer, "a number", value);
    return 0;
  }
  return value.get<double>();
}

std::int64_t BatchReader::integer(const std::string& pointer, const Json& value, std::int64_t low) {
  constexpr std::int64_t high = 1'000'000'000;
  if (!value.is_number_integer() || value.get<std::int64_t>() < low ||
      value.get<std::int64_t>() > high) {
    fail(pointer, "an integer from " + std::to_string(low) + " to " + std::to_string(high), value);
    return 0;
  }
  return value.get<std::int64_t>();
}

std::uint8_t BatchReader::mark(const std::string& pointer, const Json& value) {
  if (value.is_boolean()) {
    return value.get<bool>() ? 1 : 0;
  }
  const bool is_mark = value.is_number_integer() && (value == 0 || value == 1);
  if (!is_mark) {
    fail(pointer, "0 or 1", value);
  }
  return is_mark && value == 1 ? 1 : 0;
}

std::int64_t BatchReader::label(const std::string& pointer, const Json& value,
                                std::map<std::string, std::int64_t>& known) {
  if (!value.is_string() && !value.is_number_integer()) {
    fail(pointer, "a string or an integer", value);
    return 0;
  }
  const auto next = static_cast<std::int64_t>(known.size());
  return known.try_emplace(canonical(value), next).first->second;
}

void BatchReader::read_rows() {
  Batch& batch = file_.batch;
  std::map<std::string, std::int64_t> groups;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (const Json* value = find("group")) {
      const Json& name = (*value)[row];
      batch.group.push_back(label(at("group", row), name, groups));
      if (groups.size() > batch.group_name.size()) {
        batch.group_name.push_back(name.is_string() ? name.get<std::string>() : name.dump());
      }
    }
    if (const Json* value = find("reward")) {
      const Json& reward = (*value)[row];
      batch.has_reward.push_back(reward.is_null() ? 0 : 1);
      batch.reward.push_back(reward.is_null() ? 0.0 : number(at("reward", row), reward));
    }
    if (const Json* value = find("truncated")) {
      batch.truncated.push_back(mark(at("truncated", row), (*value)[row]));
    }
  }
}

void BatchReader::read_lifecycles() {
  Batch& batch = file_.batch;
  std::map<std::string, std::int64_t> lifecycles;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (const Json* value = find("lifecycle")) {
      batch.lifecycle.push_back(label(at("lifecycle", row), (*value)[row], lifecycles));
    }
    if (const Json* value = find("position")) {
      batch.position.push_back(integer(at("position", row), (*value)[row], 0));
    }
    if (const Json* value = find("kind")) {
      const Json& kind = (*value)[row];
      if (kind != "solve" && kind != "update_context") {
        fail(at("kind", row), "\"solve\" or \"update_context\"", kind);
      }
      batch.is_update.push_back(kind == "update_context" ? 1 : 0);
    }
  }
  check_lifecycles();
}

/// A lifecycle solves a position once and writes its context once.
void BatchReader::check_lifecycles() {
  const Batch& batch = file_.batch;
  if (batch.lifecycle.empty() || batch.position.empty() || batch.is_update.empty()) {
    return;
  }
  std::set<std::array<std::int64_t, 4>> seen;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::int64_t group = batch.group.empty() ? 0 : batch.group[row];
    const bool is_new =
        seen.insert({group, batch.lifecycle[row], batch.position[row], batch.is_update[row]})
            .second;
    if (!is_new) {
      reader_.fail(at("position", row),
                   "expected one episode of a kind at a position of a lifecycle; found a second");
    }
  }
}

void BatchReader::read_turns() {
  Batch& batch = file_.batch;
  std::map<std::string, std::int64_t> anchors;
  for (std::size_t row = 0; has_turns_ && row < rows_; ++row) {
    const std::size_t turns = batch.turn_offset[row + 1] - batch.turn_offset[row];
    for (std::size_t turn = 0; turn < turns; ++turn) {
      if (const Json* value = find("turn_reward")) {
        batch.turn_reward.push_back(number(at("turn_reward", row, turn), (*value)[row][turn]));
      }
      if (const Json* value = find("turn_mask")) {
        batch.turn_counts.push_back(mark(at("turn_mask", row, turn), (*value)[row][turn]));
      }
      if (const Json* value = find("anchor")) {
        batch.anchor.push_back(label(at("anchor", row, turn), (*value)[row][turn], anchors));
      }
      if (const Json* value = find("info_gain")) {
        const Json& gain = (*value)[row][turn];
        batch.info_gain.push_back(gain.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                 : number(at("info_gain", row, turn), gain));
      }
    }
  }
  if (find("turn_mask") != nullptr && find("turn_reward") == nullptr) {
    reader_.fail("/turn_mask", "expected \"turn_reward\" beside \"turn_mask\"; found none");
  }
}

std::vector<double> BatchReader::token_numbers(const std::string& key) {
  std::vector<double> values;
  const Json* value = find(key);
  const Batch& batch = file_.batch;
  for (std::size_t row = 0; value != nullptr && row < rows_; ++row) {
    for (std::size_t t = 0; t < batch.offset[row + 1] - batch.offset[row]; ++t) {
      const Json& entry = (*value)[row][t];
      const bool masked = !batch.mask.empty() && batch.mask[batch.offset[row] + t] == 0;
      values.push_back(entry.is_null() && (masked || key == "logp_masked")
                           ? std::numeric_limits<double>::quiet_NaN()
                           : number(at(key, row, t), entry));
    }
  }
  return values;
}

void BatchReader::read_tokens() {
  Batch& batch = file_.batch;
  const Json* mask = find("mask");
  const Json* turn = find("turn");
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t t = 0; t < batch.offset[row + 1] - batch.offset[row]; ++t) {
      if (turn != nullptr) {
        batch.turn.push_back(
            static_cast<std::int32_t>(integer(at("turn", row, t), (*turn)[row][t], -1)));
      }
      if (mask != nullptr) {
        batch.mask.push_back(mark(at("mask", row, t), (*mask)[row][t]));
      } else if (turn != nullptr) {
        batch.mask.push_back(batch.turn.back() >= 0 ? 1 : 0);
      }
    }
  }
  batch.logp = token_numbers("logp");
  batch.logp_old = token_numbers("logp_old");
  batch.logp_rollout = token_numbers("logp_rollout");
  batch.logp_ref = token_numbers("logp_ref");
  batch.logp_masked = token_numbers("logp_masked");
  batch.structure = token_numbers("structure");
  batch.entropy = token_numbers("entropy");
  batch.value = token_numbers("value");
}

void BatchReader::read_advantage() {
  const Json* value = find("advantage");
  if (value == nullptr) {
    return;
  }
  file_.has_advantage = true;
  if (!value->empty() && value->front().is_array()) {
    file_.advantage = token_numbers("advantage");
    return;
  }
  for (std::size_t row = 0; row < rows_; ++row) {
    const Json& entry = (*value)[row];
    file_.advantage.push_back(entry.is_null() ? 0.0 : number(at("advantage", row), entry));
  }
}

BatchFile BatchReader::read() {
  check_rows();
  if (reader_.ok()) {
    read_bounds();
  }
  if (reader_.ok()) {
    read_rows();
    read_lifecycles();
    read_turns();
    read_tokens();
    read_advantage();
  }
  return std::move(file_);
}

}  // namespace

Result<BatchFile> read_batch(const JsonDocument& document) {
  JsonReader reader(document);
  JsonObject object = reader.object();
  const auto allow = [&](const auto& keys) {
    for (const char* key : keys) {
      object.ignore(key);
    }
  };
  allow(row_keys);
  allow(other_row_keys);
  allow(token_keys);
  allow(turn_keys);
  object.ignore("advantage");
  object.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  BatchFile file = BatchReader(reader, document.root).read();
  if (!reader.ok()) {
    return reader.error();
  }
  return file;
}

}  // namespace turnhalle::algo
