// A lifecycle that does what the agent's replies tell it to: for the tests of worlds and pools.
//
//   wait MS    nobody acts for MS milliseconds of virtual time
//   later MS   something happens in MS milliseconds; the agent goes on meanwhile
//   hang       nobody acts, and nothing is due
//   flood      nobody acts, and each event schedules the next at once
//   trickle    the same, but the agent goes on
//   throw      a bug
//   end        the episode is done
//   anything else is heard and counted
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "core/lifecycle.h"
#include "core/text.h"

namespace turnhalle {

/// Exists because a lifecycle has an environment; never played.
class UnusedEnvironment final : public Environment {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  Opening reset(const Task&) override { return {}; }
  StepResult step(Seat, const AgentReply&, Scheduler&) override { return {}; }
  StepResult advance(const Event&, Scheduler&) override { return {}; }
  void snapshot(ByteWriter&) const override {}
  bool restore(ByteReader&) override { return true; }
  Json hidden_state() const override { return nullptr; }

 private:
  EnvironmentSpec spec_;
};

class CommandedLifecycle final : public Lifecycle {
 public:
  explicit CommandedLifecycle(std::int64_t episodes = 1, std::int64_t turns_max = 100)
      : episodes_(episodes), turns_max_(turns_max) {}

  const EnvironmentSpec& spec() const override { return environment_.spec(); }
  const Environment& environment() const override { return environment_; }

  std::optional<EpisodeStart> next_episode(std::span<const Message> conversation) override {
    if (broken_ || next_ == episodes_) return std::nullopt;
    EpisodeStart start;
    start.position = next_++;
    start.continues = start.position % 2 == 1;
    start.turns_max = turns_max_;
    start.messages.push_back({Role::user, "Begin after " + std::to_string(conversation.size()),
                              {}, {}});
    return start;
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler& scheduler) override {
    const std::string_view text = reply.text;
    std::int64_t ms = 0;
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos) (void)parse_integer(text.substr(space + 1), ms);
    StepResult result;
    if (text == "throw") throw std::runtime_error("broken on purpose");
    if (text == "end") result.outcome = Outcome::done;
    if (text.starts_with("wait ") || text.starts_with("later ")) {
      scheduler.after(milliseconds(ms), 1, std::string(text));
    }
    if (text == "flood" || text == "trickle") scheduler.after({}, 2, "again");
    result.waiting = text.starts_with("wait ") || text == "hang" || text == "flood";
    flooding_ = text == "flood";
    heard_ += static_cast<std::int64_t>(text.size());
    if (!result.waiting) result.observation = "heard " + std::to_string(heard_);
    result.reward = 1.0;
    return result;
  }

  StepResult advance(const Event& event, Scheduler& scheduler) override {
    StepResult result;
    if (event.kind == 2) {
      scheduler.after({}, 2, "again");
      result.waiting = flooding_;
      return result;
    }
    result.observation = event.payload + " is over at " + std::to_string(event.time.ns);
    return result;
  }

  EpisodeEnd end_episode(Outcome outcome, std::int64_t turns) override {
    EpisodeEnd end;
    end.outcome = outcome;
    broken_ = is_infrastructure(outcome);
    if (!broken_) end.reward = static_cast<double>(turns);
    return end;
  }

  void snapshot(ByteWriter& out) const override {
    out.i64(next_);
    out.i64(heard_);
    out.boolean(broken_);
    out.boolean(flooding_);
  }
  bool restore(ByteReader& in) override {
    next_ = in.i64();
    heard_ = in.i64();
    broken_ = in.boolean();
    flooding_ = in.boolean();
    return in.ok() && next_ <= episodes_;
  }
  std::unique_ptr<Lifecycle> fork() const override {
    auto copy = std::make_unique<CommandedLifecycle>(episodes_, turns_max_);
    copy->next_ = next_;
    copy->heard_ = heard_;
    copy->broken_ = broken_;
    copy->flooding_ = flooding_;
    return copy;
  }
  Json hidden_state() const override { return heard_; }

 private:
  UnusedEnvironment environment_;
  std::int64_t episodes_;
  std::int64_t turns_max_;
  std::int64_t next_ = 0;
  std::int64_t heard_ = 0;
  bool broken_ = false;
  bool flooding_ = false;
};

}  // namespace turnhalle
