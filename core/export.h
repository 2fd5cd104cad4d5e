// Stored lifecycles as lines of JSON for other tools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/store_reader.h"

namespace turnhalle {

enum class ExportFormat : std::uint8_t {
  /// An episode a line: {lifecycle, episode, kind, position, context, outcome, reward, success,
  /// messages}. `messages` are those of the episode alone.
  jsonl,
  /// A conversation a line: {messages}, up to its last episode such that all so far succeeded.
  /// For supervised training on what went well.
  sft,
  /// An episode with a reward a line: {prompt, completion, reward}; TRL's conversational form.
  /// `prompt` ends before the first reply of the episode, `completion` is the rest.
  trl,
  /// An episode with a reward a line: {data_source, prompt, ability, reward_model, extra_info},
  /// verl's rows.
  verl,
};

/// Their names, as on the command line.
const std::vector<std::string>& export_format_names();

struct ExportReport {
  std::int64_t rows = 0;
  std::vector<std::string> files;
};

/// Writes complete lifecycles of every run, in order, to one file. A damaged lifecycle is an
/// error. `format` is one of the names.
Result<ExportReport> export_store(const StoreReader& store, std::string_view format,
                                  const std::string& path);

/// A message as OpenAI's interface has it.
Json to_json(const Message& message);

}  // namespace turnhalle
