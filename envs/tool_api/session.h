// One episode of a tool API: the environment itself, and what privileged players see of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "envs/tool_api/checker.h"
#include "envs/tool_api/task_cache.h"
#include "envs/tool_api/tasks.h"
#include "envs/tool_api/tool_api.h"
#include "envs/untimed_environment.h"

namespace turnhalle::tool_api {

/// What all instances of one family share.
struct Fixed {
  Pack pack;
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
  std::map<std::string, const Tool*, std::less<>> tools;
  std::vector<std::string> tool_lines;  ///< of the prompt, in the order of the API's tools
  std::string prompt;                   ///< with all tools that an agent is offered
  mutable TaskCache tasks;
};

class Session final : public UntimedEnvironment {
 public:
  explicit Session(std::shared_ptr<const Fixed> fixed) : fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  Opening reset(const Task& task) override;
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override;
  StepResult step_in_part(Seat seat, const AgentReply& reply, Scheduler& scheduler) override;
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  std::unique_ptr<Environment> fork() const override { return std::make_unique<Session>(*this); }
  Json hidden_state() const override;

  // For players and tests.
  const Fixed& fixed() const { return *fixed_; }
  /// Null before the first reset, and when the templates gave no task.
  const TaskInstance* task() const { return task_.get(); }
  std::int64_t turn() const { return turn_; }  ///< of the user, from 0
  const Value& state() const { return state_; }
  const std::vector<CallRecord>& calls() const { return calls_; }
  /// Of the turns that have ended.
  const std::vector<TurnScore>& scores() const { return scores_; }
  std::vector<const Tool*> offered() const;

 private:
  StepResult act(Seat seat, const AgentReply& reply, bool whole);
  std::string answer(Seat seat, const ToolCall& call, bool whole);
  CallAnswer carry_out(const Tool& tool, const ToolCall& call, bool whole);
  void end_turn(std::string_view said, StepResult& result);
  void finish(StepResult& result);
  void give(const char* name, double value, StepResult& result) const;
  std::string prompt() const;
  std::string lines_of(const std::vector<const Tool*>& tools) const;
  std::string words_of_turn() const;
  std::string report() const;
  const Tool* find(Seat seat, std::string_view name) const;
  bool is_offered(const Tool& tool) const;
  void begin(const Task& task);

  std::shared_ptr<const Fixed> fixed_;
  std::shared_ptr<const TaskInstance> task_;
  Task key_;
  bool begun_ = false;
  Value state_;
  std::int64_t turn_ = 0;
  std::int64_t calls_in_turn_ = 0;
  std::int64_t calls_made_ = 0;  // of the episode, refused ones too
  std::vector<CallRecord> calls_;
  std::vector<TurnScore> scores_;
};

}  // namespace turnhalle::tool_api
