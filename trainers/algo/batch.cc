#include "trainers/algo/batch.h"

#include "core/check.h"

namespace turnhalle::algo {
namespace {

/// Entries of `values` for the rows named, with `offset` as the rows' bounds.
template <class T>
std::vector<T> select_ragged(std::span<const std::size_t> offset, std::span<const std::size_t> rows,
                             std::span<const T> values) {
  std::vector<T> chosen;
  if (values.empty()) {
    return chosen;
  }
  for (const std::size_t row : rows) {
    for (std::size_t t = offset[row]; t < offset[row + 1]; ++t) {
      chosen.push_back(values[t]);
    }
  }
  return chosen;
}

template <class T>
std::vector<T> select_plain(std::span<const std::size_t> rows, const std::vector<T>& values) {
  std::vector<T> chosen;
  if (values.empty()) {
    return chosen;
  }
  for (const std::size_t row : rows) {
    chosen.push_back(values[row]);
  }
  return chosen;
}

std::vector<std::size_t> select_offset(std::span<const std::size_t> offset,
                                       std::span<const std::size_t> rows) {
  std::vector<std::size_t> chosen;
  if (offset.empty()) {
    return chosen;
  }
  chosen.push_back(0);
  for (const std::size_t row : rows) {
    chosen.push_back(chosen.back() + offset[row + 1] - offset[row]);
  }
  return chosen;
}

}  // namespace

void check_shapes(const Batch& batch) {
  const std::size_t rows = batch.rows();
  for (const std::size_t n :
       {batch.group.size(), batch.reward.size(), batch.has_reward.size(), batch.truncated.size(),
        batch.lifecycle.size(), batch.position.size(), batch.is_update.size()}) {
    check(n == 0 || n == rows, "an array of rows has one entry per row", n, rows);
  }
  check(batch.reward.size() == batch.has_reward.size(), "each reward is known or not");
  for (std::size_t row = 0; row < rows; ++row) {
    check(batch.offset[row] <= batch.offset[row + 1], "offsets do not fall", row);
  }
  for (const std::size_t n :
       {batch.mask.size(), batch.turn.size(), batch.logp.size(), batch.logp_old.size(),
        batch.logp_rollout.size(), batch.logp_ref.size(), batch.entropy.size(), batch.value.size(),
        batch.logp_masked.size(), batch.structure.size()}) {
    check(n == 0 || n == batch.tokens(), "an array of tokens has one entry per token", n,
          batch.tokens());
  }
  if (!batch.turn_offset.empty()) {
    check(batch.turn_offset.size() == rows + 1, "turn offsets have rows + 1 entries");
  }
  const std::size_t turns = batch.turn_offset.empty() ? 0 : batch.turn_offset.back();
  for (const std::size_t n : {batch.turn_reward.size(), batch.turn_counts.size(),
                              batch.anchor.size(), batch.info_gain.size()}) {
    check(n == 0 || n == turns, "an array of turns has one entry per turn", n, turns);
  }
}

Batch select_rows(const Batch& batch, std::span<const std::size_t> rows) {
  Batch part;
  part.group = select_plain(rows, batch.group);
  part.group_name = batch.group_name;
  part.reward = select_plain(rows, batch.reward);
  part.has_reward = select_plain(rows, batch.has_reward);
  part.truncated = select_plain(rows, batch.truncated);
  part.lifecycle = select_plain(rows, batch.lifecycle);
  part.position = select_plain(rows, batch.position);
  part.is_update = select_plain(rows, batch.is_update);
  const auto ragged = [&]<class T>(std::span<const std::size_t> offset,
                                   const std::vector<T>& values) {
    return select_ragged<T>(offset, rows, values);
  };
  part.turn_offset = select_offset(batch.turn_offset, rows);
  part.turn_reward = ragged(batch.turn_offset, batch.turn_reward);
  part.turn_counts = ragged(batch.turn_offset, batch.turn_counts);
  part.anchor = ragged(batch.turn_offset, batch.anchor);
  part.info_gain = ragged(batch.turn_offset, batch.info_gain);
  part.offset = select_offset(batch.offset, rows);
  part.mask = ragged(batch.offset, batch.mask);
  part.turn = ragged(batch.offset, batch.turn);
  part.logp = ragged(batch.offset, batch.logp);
  part.logp_old = ragged(batch.offset, batch.logp_old);
  part.logp_rollout = ragged(batch.offset, batch.logp_rollout);
  part.logp_ref = ragged(batch.offset, batch.logp_ref);
  part.logp_masked = ragged(batch.offset, batch.logp_masked);
  part.structure = ragged(batch.offset, batch.structure);
  part.entropy = ragged(batch.offset, batch.entropy);
  part.value = ragged(batch.offset, batch.value);
  return part;
}

std::vector<double> select_tokens(const Batch& batch, std::span<const std::size_t> rows,
                                  std::span<const double> values) {
  return select_ragged<double>(batch.offset, rows, values);
}

std::vector<std::uint8_t> select_tokens(const Batch& batch, std::span<const std::size_t> rows,
                                        std::span<const std::uint8_t> values) {
  return select_ragged<std::uint8_t>(batch.offset, rows, values);
}

bool has_array(const Batch& batch, std::string_view name) {
  const bool has_turns = !batch.turn_offset.empty();
  const std::size_t turns = has_turns ? batch.turn_offset.back() : 0;
  if (name == "turn_reward") {
    return has_turns && batch.turn_reward.size() == turns;
  }
  if (name == "info_gain") {
    const bool has_gains = has_turns && batch.info_gain.size() == turns;
    const bool has_log_probs =
        batch.logp_masked.size() == batch.tokens() && batch.logp_old.size() == batch.tokens();
    return (has_gains && !batch.info_gain.empty()) || has_log_probs;
  }
  if (name == "anchor") {
    return has_turns && batch.anchor.size() == turns;
  }
  struct Entry {
    std::string_view name;
    std::size_t size;
    std::size_t needed;
  };
  const std::size_t rows = batch.rows();
  const std::size_t tokens = batch.tokens();
  const Entry entries[] = {{"group", batch.group.size(), rows},
                           {"reward", batch.reward.size(), rows},
                           {"truncated", batch.truncated.size(), rows},
                           {"lifecycle", batch.lifecycle.size(), rows},
                           {"position", batch.position.size(), rows},
                           {"kind", batch.is_update.size(), rows},
                           {"mask", batch.mask.size(), tokens},
                           {"turn", batch.turn.size(), tokens},
                           {"logp", batch.logp.size(), tokens},
                           {"logp_old", batch.logp_old.size(), tokens},
                           {"logp_ref", batch.logp_ref.size(), tokens},
                           {"logp_masked", batch.logp_masked.size(), tokens},
                           {"structure", batch.structure.size(), tokens},
                           {"entropy", batch.entropy.size(), tokens},
                           {"value", batch.value.size(), tokens},
                           {"logp_rollout", batch.logp_rollout.size(), tokens}};
  for (const Entry& entry : entries) {
    if (entry.name == name) {
      return entry.size == entry.needed;
    }
  }
  check(false, "an array of a batch is asked for by its name", name);
  return false;
}

Status require_arrays(const Batch& batch, std::span<const std::string> names,
                      std::string_view user) {
  for (const std::string& name : names) {
    if (!has_array(batch, name)) {
      return Error{"", "expected the array \"" + name + "\", which " + std::string(user) +
                           " needs; found none"};
    }
  }
  return ok_status();
}

}  // namespace turnhalle::algo
