// Recorded lifecycles of a run's evaluations and training rollouts, as the page steps through
// them.
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/report_inputs.h"
#include "apps/rollout_credit.h"
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

struct RolloutRun {
  RolloutName name;
  RunNumber number;
};

std::vector<RolloutRun> rollout_runs(const StoreReader& store) {
  std::vector<RolloutRun> rollouts;
  for (const StoredRun& run : store.runs()) {
    if (const auto name = rollout_of(run.info.id)) rollouts.push_back({*name, run.number});
  }
  return rollouts;
}

void join_credit(const RolloutCredit& credit, const RolloutName& rollout, Json& lifecycle) {
  lifecycle["index"] = rollout.trial;
  std::int64_t episode = 0;
  for (Json& one : lifecycle["episodes"]) {
    std::int64_t turn = 0;
    for (Json& played : one["turns"]) {
      if (const Json* line = credit.find(rollout, episode, turn++)) played["credit"] = *line;
    }
    ++episode;
  }
}

// The recorded rollouts of the first and the last recorded step.
Status add_rollouts(const StoreReader& store, const RunFacts& facts,
                    const std::map<RunNumber, std::vector<std::int64_t>>& complete,
                    const RolloutCredit& credit, Json& recordings) {
  std::vector<RolloutRun> rollouts = rollout_runs(store);
  std::erase_if(rollouts, [&](const RolloutRun& run) { return !complete.contains(run.number); });
  std::map<std::int64_t, Json> by_step;
  for (const RolloutRun& rollout : rollouts) {
    if (rollout.name.step != rollouts.front().name.step &&
        rollout.name.step != rollouts.back().name.step) continue;
    Result<Json> lifecycles = lifecycles_json(store, complete.at(rollout.number));
    if (!lifecycles) {
      return lifecycles.error();
    }
    for (Json& lifecycle : *lifecycles) {
      join_credit(credit, rollout.name, lifecycle);
      by_step[rollout.name.step].push_back(std::move(lifecycle));
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
  const RolloutCredit credit = RolloutCredit::beside(path);
  if (Status added = add_rollouts(*store, facts, complete, credit, recordings); !added) {
    return added.error();
  }
  return recordings;
}

}  // namespace turnhalle::app
