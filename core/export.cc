#include "core/export.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "core/text.h"

namespace turnhalle {
namespace {

// One episode and where it stands.
struct Line {
  const StoredRun& run;
  const StoredLifecycle& lifecycle;
  std::int64_t number = 0;
  const StoredEpisode& episode;
};

Json to_json(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    list.push_back(turnhalle::to_json(message));
  }
  return list;
}

// What follows the opening of an episode, the way the agent saw it. The observation of the last
// turn was shown to nobody.
std::vector<Message> played(const StoredEpisode& episode) {
  std::vector<Message> messages;
  for (std::size_t i = 0; i < episode.turns.size(); ++i) {
    const StoredTurn& turn = episode.turns[i];
    messages.push_back({Role::assistant, turn.reply.text, turn.reply.tool_calls, {}});
    if (i + 1 == episode.turns.size()) {
      break;
    }
    for (const Message& message : turn.result.tool_results) {
      messages.push_back(message);
    }
    if (!turn.result.observation.empty()) {
      messages.push_back({Role::user, turn.result.observation, {}, {}});
    }
  }
  return messages;
}

void append(std::vector<Message>& messages, const std::vector<Message>& more) {
  messages.insert(messages.end(), more.begin(), more.end());
}

Json reward_of(const StoredEpisode& episode) {
  return episode.end && episode.end->reward ? Json(*episode.end->reward) : Json();
}

Json jsonl_row(const Line& line) {
  std::vector<Message> messages = line.episode.start.messages;
  append(messages, played(line.episode));
  const std::optional<EpisodeEnd>& end = line.episode.end;
  return {{"run", line.run.number.value},
          {"lifecycle", line.lifecycle.number},
          {"episode", line.number},
          {"kind", name_of(line.episode.start.kind)},
          {"position", line.episode.start.position},
          {"continues", line.episode.start.continues},
          {"context", line.episode.start.context},
          {"outcome", end ? Json(name_of(end->outcome)) : Json()},
          {"reward", reward_of(line.episode)},
          {"success", end ? Json(end->success) : Json()},
          {"turns", line.episode.turns.size()},
          {"messages", to_json(messages)}};
}

Json trl_row(const Line& line, const std::vector<Message>& prompt) {
  return {{"prompt", to_json(prompt)},
          {"completion", to_json(played(line.episode))},
          {"reward", reward_of(line.episode)}};
}

Json verl_row(const Line& line, const std::vector<Message>& prompt) {
  return {{"data_source", line.run.info.environment},
          {"prompt", to_json(prompt)},
          {"ability", name_of(line.episode.start.kind)},
          {"reward_model", {{"style", "rule"}, {"ground_truth", ""}}},
          {"extra_info",
           {{"split", line.run.info.split},
            {"index", line.lifecycle.index.value},
            {"episode", line.number},
            {"position", line.episode.start.position},
            {"reward", reward_of(line.episode)},
            {"response", to_json(played(line.episode))}}}};
}

/// Collects the rows of one lifecycle in a format.
class RowMaker {
 public:
  RowMaker(ExportFormat format, std::vector<Json>& rows) : format_(format), rows_(rows) {}
  void add(const Line& line);
  void finish();

 private:
  ExportFormat format_;
  std::vector<Json>& rows_;
  std::vector<Message> conversation_;
  std::vector<Message> good_;  ///< the part of the conversation in which all succeeded
  bool all_good_ = true;
};

void RowMaker::add(const Line& line) {
  if (!line.episode.start.continues) {
    finish();
  }
  append(conversation_, line.episode.start.messages);
  const bool scored = line.episode.end && line.episode.end->reward;
  switch (format_) {
    case ExportFormat::jsonl: rows_.push_back(jsonl_row(line)); break;
    case ExportFormat::trl:
      if (scored) rows_.push_back(trl_row(line, conversation_));
      break;
    case ExportFormat::verl:
      if (scored) rows_.push_back(verl_row(line, conversation_));
      break;
    case ExportFormat::sft: break;
  }
  append(conversation_, played(line.episode));
  all_good_ = all_good_ && scored && line.episode.end->success;
  if (all_good_) {
    good_ = conversation_;
  }
}

void RowMaker::finish() {
  if (format_ == ExportFormat::sft && !good_.empty()) {
    rows_.push_back({{"messages", to_json(good_)}});
  }
  conversation_.clear();
  good_.clear();
  all_good_ = true;
}

Status write_rows(const StoreReader& store, ExportFormat format, std::FILE* file,
                  ExportReport& report) {
  const auto lifecycles = store.lifecycles();
  if (!lifecycles) {
    return lifecycles.error();
  }
  for (const LifecycleSummary& summary : *lifecycles) {
    if (!summary.complete) {
      continue;
    }
    const auto lifecycle = store.lifecycle(summary.number);
    if (!lifecycle) {
      return lifecycle.error();
    }
    const bool known = summary.run.value < static_cast<std::int64_t>(store.runs().size());
    if (!lifecycle->damage.empty() || !known) {
      return Error{store.path(), "lifecycle " + std::to_string(summary.number) + " is damaged"};
    }
    std::vector<Json> rows;
    RowMaker maker(format, rows);
    const StoredRun& run = store.runs()[static_cast<std::size_t>(summary.run.value)];
    for (std::size_t i = 0; i < lifecycle->episodes.size(); ++i) {
      maker.add({run, *lifecycle, static_cast<std::int64_t>(i), lifecycle->episodes[i]});
    }
    maker.finish();
    for (const Json& row : rows) {
      const std::string text = canonical(row) + "\n";
      std::fwrite(text.data(), 1, text.size(), file);
      ++report.rows;
    }
  }
  return ok_status();
}

}  // namespace

const std::vector<std::string>& export_format_names() {
  static const std::vector<std::string> names{"jsonl", "sft", "trl", "verl"};
  return names;
}

Json to_json(const Message& message) {
  Json json = {{"role", name_of(message.role)}, {"content", message.content}};
  if (!message.tool_calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) {
      calls.push_back({{"id", call.id},
                       {"type", "function"},
                       {"function",
                        {{"name", call.name}, {"arguments", canonical(call.arguments)}}}});
    }
    json["tool_calls"] = std::move(calls);
  }
  if (!message.tool_call_id.empty()) {
    json["tool_call_id"] = message.tool_call_id;
  }
  return json;
}

Result<ExportReport> export_store(const StoreReader& store, std::string_view format,
                                  const std::string& path) {
  const auto& names = export_format_names();
  const auto found = std::find(names.begin(), names.end(), format);
  if (found == names.end()) {
    return Error{"", "expected a format, one of " + join(names, ", ") + "; found \"" +
                         one_line(format) + "\"." + did_you_mean(format, names)};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             std::fclose);
  if (!file) {
    return Error{path, std::strerror(errno)};
  }
  ExportReport report;
  report.files.push_back(path);
  const Status status =
      write_rows(store, static_cast<ExportFormat>(found - names.begin()), file.get(), report);
  if (!status) {
    std::remove(path.c_str());
    return status.error();
  }
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0) {
    return Error{path, std::strerror(errno)};
  }
  return report;
}

}  // namespace turnhalle
