// Plays tasks of packs with scripts, for the tests of tool_api.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/event_queue.h"
#include "core/tool_call_text.h"
#include "envs/tool_api/session.h"
#include "tests/envs/read_options.h"

namespace turnhalle::tool_api {

inline std::shared_ptr<const EnvironmentFamily> family_of(const std::string& options) {
  const auto family = read_options(entry(), options, PromptStyle::paper);
  EXPECT_TRUE(family) << (family ? "" : family.error().text());
  return family ? *family : nullptr;
}

inline std::shared_ptr<const EnvironmentFamily> family_of_pack(const std::string& pack,
                                                               const std::string& more = "") {
  return family_of("{\"pack\": \"" + pack + "\"" + more + "}");
}

inline Task task_number(std::uint64_t number) {
  const RandomKey key = RandomKey::from_seed(3).split("tasks").split(number);
  return {key.split("hidden"), key, 0, 0};
}

/// An episode that is played by calls and words.
class Episode {
 public:
  Episode(const EnvironmentFamily& family, const Task& task) : environment_(family.make()) {
    opening = environment_->reset(task);
  }

  const Session& session() const { return dynamic_cast<const Session&>(*environment_); }
  const TaskInstance& task() const { return *session().task(); }
  const UserTurn& turn() const {
    return task().turns[static_cast<std::size_t>(session().turn())];
  }
  bool running() const { return result.outcome == Outcome::running; }

  /// Calls a tool; the answer as JSON.
  Json call(const std::string& tool, const Json& arguments) {
    AgentReply reply;
    reply.tool_calls.push_back({"id", tool, arguments});
    step(reply);
    return result.tool_results.empty() ? Json() : Json::parse(result.tool_results[0].content);
  }
  /// Ends the turn.
  void say(const std::string& text) {
    AgentReply reply;
    reply.text = text;
    step(reply);
  }
  void call_gold(const std::vector<GoldCall>& calls) {
    for (const GoldCall& gold : calls) call(gold.tool, gold.arguments);
  }
  void say_gold() {
    std::string text = turn().refuse.empty() ? "Done." : turn().refuse.front() + ".";
    for (const std::string& part : turn().communicate) text += " " + part + ".";
    say(text);
  }
  void step(const AgentReply& reply) {
    result = environment_->step(kAgentSeat, reply, queue_);
    reward += result.reward;
  }
  /// The rest of the episode as the expert plays it.
  double finish() {
    while (running()) {
      if (turn().checked) call_gold(turn().gold);
      say_gold();
    }
    return reward;
  }

  Opening opening;
  StepResult result;
  double reward = 0.0;

 private:
  std::unique_ptr<Environment> environment_;
  EventQueue queue_;
};

/// The episode's reward when a player of the family plays it.
inline double played_by(const EnvironmentFamily& family, const std::string& role,
                        const Task& task) {
  const auto environment = family.make();
  const auto player = family.make_player(role);
  Opening opening = environment->reset(task);
  std::vector<Message> messages = {{Role::user, opening.user, {}, {}}};
  EventQueue queue;
  double reward = 0.0;
  for (std::int64_t turn = 0; turn < family.spec().turns_max; ++turn) {
    AgentReply reply;
    reply.text = player->play({*environment, messages, EpisodeKind::solve, 0, turn},
                              task.task.split("player").split(static_cast<std::uint64_t>(turn)));
    const StepResult result = environment->step(kAgentSeat, reply, queue);
    reward += result.reward;
    if (result.outcome != Outcome::running) break;
  }
  return reward;
}

}  // namespace turnhalle::tool_api
