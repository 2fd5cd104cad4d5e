// Recorded lifecycles of a run's evaluations and training rollouts, as the page steps through
// them.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/report_inputs.h"
#include "core/file.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

Json message_json(const Message& message) {
  Json calls = Json::array();
  for (const ToolCall& call : message.tool_calls) {
    calls.push_back(call.name + " " + canonical(call.arguments));
  }
  return {{"role", name_of(message.role)}, {"text", message.content}, {"calls", calls}};
}

Json turn_json(const StoredTurn& turn) {
  Json calls = Json::array();
  for (const ToolCall& call : turn.reply.tool_calls) {
    calls.push_back(call.name + " " + canonical(call.arguments));
  }
  Json answers = Json::array();
  for (const Message& message : turn.result.tool_results) answers.push_back(message_json(message));
  if (!turn.result.observation.empty()) {
    answers.push_back({{"role", "user"}, {"text", turn.result.observation}, {"calls", {}}});
  }
  return {{"reply", turn.reply.text},
          {"calls", std::move(calls)},
          {"failure", turn.reply.failure_text},
          {"answers", std::move(answers)},
          {"reward", turn.result.reward}};
}

Json episode_json(const StoredEpisode& episode) {
  Json messages = Json::array();
  for (const Message& message : episode.start.messages) messages.push_back(message_json(message));
  Json turns = Json::array();
  for (const StoredTurn& turn : episode.turns) turns.push_back(turn_json(turn));
  Json json = {{"kind", name_of(episode.start.kind)},
               {"position", episode.start.position},
               {"context", episode.start.context},
               {"messages", std::move(messages)},
               {"turns", std::move(turns)}};
  if (episode.end) {
    const EpisodeEnd& end = *episode.end;
    json["outcome"] = name_of(end.outcome);
    json["success"] = end.success;
    json["reward"] = end.reward ? Json(*end.reward) : Json();
    json["feedback"] = end.feedback;
  }
  return json;
}

// The run of each evaluated step: the last one, where a resumed run repeated an evaluation.
std::map<std::int64_t, RunNumber> evaluated_steps(const StoreReader& store) {
  std::map<std::int64_t, RunNumber> steps;
  for (const StoredRun& run : store.runs()) {
    const std::string& id = run.info.id;
    std::int64_t step = 0;
    if (run.info.command == "eval" && id.starts_with("eval-") &&
        parse_integer(std::string_view(id).substr(5), step)) {
      steps[step] = run.number;
    }
  }
  return steps;
}

}  // namespace

Json lifecycle_json(LifecycleIndex index, const std::vector<StoredEpisode>& episodes) {
  Json list = Json::array();
  for (const StoredEpisode& episode : episodes) list.push_back(episode_json(episode));
  return {{"index", index.value}, {"episodes", std::move(list)}};
}

namespace {

Result<Json> lifecycles_json(const StoreReader& store, const std::vector<std::int64_t>& numbers) {
  Json lifecycles = Json::array();
  for (const std::int64_t number : numbers) {
    Result<StoredLifecycle> lifecycle = store.lifecycle(number);
    if (!lifecycle) {
      return lifecycle.error();
    }
    if (!lifecycle->damage.empty()) {
      return Error{store.path(), "expected an intact store; found lifecycle " +
                                     std::to_string(number) + ": " +
                                     lifecycle->damage.front().what};
    }
    lifecycles.push_back(lifecycle_json(lifecycle->index, lifecycle->episodes));
  }
  return lifecycles;
}

}  // namespace

namespace {

// A rollout that was recorded while training: "rollout-STEP-TRIAL".
struct RolloutRun {
  std::int64_t step = 0;
  std::int64_t trial = 0;
  RunNumber number;
};

std::vector<RolloutRun> rollout_runs(const StoreReader& store) {
  std::vector<RolloutRun> rollouts;
  for (const StoredRun& run : store.runs()) {
    constexpr std::string_view kBegin = "rollout-";
    std::string_view id = run.info.id;
    if (!id.starts_with(kBegin)) continue;
    id.remove_prefix(kBegin.size());
    RolloutRun rollout{0, 0, run.number};
    const std::size_t dash = std::min(id.find('-'), id.size());
    if (parse_integer(id.substr(0, dash), rollout.step) && dash < id.size() &&
        parse_integer(id.substr(dash + 1), rollout.trial)) {
      rollouts.push_back(rollout);
    }
  }
  return rollouts;
}

using CreditKey = std::array<std::int64_t, 4>;  // step, rollout, episode, turn

// credit.jsonl beside the store; lines that cannot be read are those that are just being written.
std::map<CreditKey, Json> read_credit(const std::string& path) {
  std::map<CreditKey, Json> credit;
  const Result<std::string> text = read_file(path);
  std::istringstream lines(text ? *text : std::string());
  for (std::string line; std::getline(lines, line);) {
    const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!value.is_object()) continue;
    CreditKey key{};
    const std::array<const char*, 4> names = {"step", "rollout", "episode", "turn"};
    for (std::size_t i = 0; i < names.size(); ++i) key[i] = value.value(names[i], std::int64_t{-1});
    credit[key] = value;
  }
  return credit;
}

void add_credit(const std::map<CreditKey, Json>& credit, const RolloutRun& rollout,
                Json& lifecycle) {
  lifecycle["index"] = rollout.trial;
  std::int64_t episode = 0;
  for (Json& one : lifecycle["episodes"]) {
    std::int64_t turn = 0;
    for (Json& played : one["turns"]) {
      const auto found = credit.find({rollout.step, rollout.trial, episode, turn++});
      if (found != credit.end()) played["credit"] = found->second;
    }
    ++episode;
  }
}

// The recorded rollouts of the first and the last recorded step.
Status add_rollouts(const StoreReader& store, const RunFacts& facts,
                    const std::map<RunNumber, std::vector<std::int64_t>>& complete,
                    const std::string& credit_file, Json& recordings) {
  std::vector<RolloutRun> rollouts = rollout_runs(store);
  std::erase_if(rollouts, [&](const RolloutRun& run) { return !complete.contains(run.number); });
  const std::map<CreditKey, Json> credit = read_credit(credit_file);
  std::map<std::int64_t, Json> by_step;
  for (const RolloutRun& rollout : rollouts) {
    if (rollout.step != rollouts.front().step && rollout.step != rollouts.back().step) continue;
    Result<Json> lifecycles = lifecycles_json(store, complete.at(rollout.number));
    if (!lifecycles) {
      return lifecycles.error();
    }
    for (Json& lifecycle : *lifecycles) {
      add_credit(credit, rollout, lifecycle);
      by_step[rollout.step].push_back(std::move(lifecycle));
    }
  }
  for (auto& [step, lifecycles] : by_step) {
    recordings.push_back({{"step", step},
                          {"label", "training, " + facts.label(step)},
                          {"lifecycles", std::move(lifecycles)}});
  }
  return ok_status();
}

}  // namespace

Result<Json> read_recordings(const std::string& path, const RunFacts& facts) {
  Result<StoreReader> store = StoreReader::open(path);
  if (!store) {
    return store.error();
  }
  Result<std::vector<LifecycleSummary>> list = store->lifecycles();
  if (!list) {
    return list.error();
  }
  std::map<RunNumber, std::vector<std::int64_t>> complete;
  for (const LifecycleSummary& summary : *list) {
    std::vector<std::int64_t>& numbers = complete[summary.run];
    if (summary.complete && numbers.size() < kShownLifecycles) numbers.push_back(summary.number);
  }
  std::map<std::int64_t, RunNumber> steps = evaluated_steps(*store);
  std::erase_if(steps, [&](const auto& step) { return complete[step.second].empty(); });
  Json recordings = Json::array();
  for (const auto& [step, run] : steps) {
    const bool wanted = step == steps.begin()->first || step == facts.warm_steps ||
                        step == steps.rbegin()->first;
    if (!wanted) continue;
    Result<Json> lifecycles = lifecycles_json(*store, complete[run]);
    if (!lifecycles) {
      return lifecycles.error();
    }
    recordings.push_back({{"step", step},
                          {"label", facts.label(step)},
                          {"lifecycles", *std::move(lifecycles)}});
  }
  const std::string credit = std::filesystem::path(path).replace_filename("credit.jsonl").string();
  if (Status added = add_rollouts(*store, facts, complete, credit, recordings); !added) {
    return added.error();
  }
  return recordings;
}

}  // namespace turnhalle::app
