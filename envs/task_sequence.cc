#include "envs/task_sequence.h"

#include <algorithm>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::string_view kHintBegin = "--- Start of updated hints ---";
constexpr std::string_view kHintEnd = "--- End of updated hints ---";

// The section of a solve episode's system prompt that carries the context (paper style).
std::string context_section(const std::string& context) {
  return "\n\n# Hints\nThe following notes come from earlier tasks. They may be wrong or may not "
         "apply here: weigh them as prior knowledge against what you observe.\n" +
         context;
}

constexpr std::string_view kUpdateSystem =
    "You learn across tasks. Tasks that differ but are related come one after another; what you "
    "learned from one helps with the next. In this session your only job is to rewrite the hints "
    "that will be shown with the next task.\n\n"
    "You are given the previous hints and the record of one new task. Keep what is useful, drop "
    "what is wrong, add what is new. The world may or may not stay the same, and how the tasks "
    "relate is not known. A hint you are not sure of may stay if you say so.\n\n"
    "Two kinds of hints help most: facts about the environment that were revealed, and ways of "
    "acting that were seen to work.\n\n"
    "# Format\nReason first. Then write the hints between these two lines, each exactly once:\n"
    "--- Start of updated hints ---\n--- End of updated hints ---\n\n"
    "Be brief and concrete. Do not repeat the rules that every task states. Write what helps "
    "with other tasks too. Use Markdown; headings start at level three.";

// An environment that is copied with its owner.
class OwnedEnvironment {
 public:
  explicit OwnedEnvironment(const EnvironmentFamily& family)
      : family_(family), environment_(family.make()) {}
  OwnedEnvironment(const OwnedEnvironment& other)
      : family_(other.family_), environment_(other->fork()) {
    if (environment_ == nullptr) {
      std::string bytes;
      ByteWriter out(bytes);
      other->snapshot(out);
      environment_ = family_.make();
      ByteReader in(bytes);
      check(environment_->restore(in), "an environment reads its own snapshot");
    }
  }
  OwnedEnvironment& operator=(const OwnedEnvironment&) = delete;
  Environment& operator*() const { return *environment_; }
  Environment* operator->() const { return environment_.get(); }

 private:
  const EnvironmentFamily& family_;
  std::unique_ptr<Environment> environment_;
};

class TaskSequence final : public Lifecycle {
 public:
  TaskSequence(const Scenario& scenario, const RunSeed& seed, LifecycleIndex index)
      : scenario_(scenario), environment_(*scenario.family) {
    words_ = std::make_shared<const ContextWords>(scenario.family->context_words());
    context_ = words_->placeholder;
    const LifecycleOptions& options = scenario.lifecycle;
    LifecycleIndex run = index;
    if (options.packing == Packing::ralph_full) {
      run.value = index.value / options.tasks;
      repeated_task_ = index.value % options.tasks;
    }
    const RandomKey tasks = seed.tasks(run);
    hidden_ = tasks.split("hidden");
    task_ = tasks.split("task");
  }

  const EnvironmentSpec& spec() const override { return environment_->spec(); }
  const Environment& environment() const override { return environment_->unwrapped(); }

  std::optional<EpisodeStart> next_episode(std::span<const Message> conversation) override {
    if (broken_ ||
        (started_ && kind_ == EpisodeKind::solve && position_ + 1 >= scenario_.lifecycle.tasks)) {
      return std::nullopt;
    }
    if (!started_) {
      started_ = true;
      return start_solve(0);
    }
    if (kind_ == EpisodeKind::solve && scenario_.lifecycle.update_context) {
      return start_update(conversation);
    }
    return start_solve(kind_ == EpisodeKind::solve ? position_ + 1 : position_);
  }

  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    if (kind_ == EpisodeKind::update_context) {
      return read_update(reply.text);
    }
    return take(environment_->step(seat, reply, scheduler));
  }

  StepResult advance(const Event& event, Scheduler& scheduler) override {
    if (kind_ == EpisodeKind::update_context) {
      return {};
    }
    return take(environment_->advance(event, scheduler));
  }

  EpisodeEnd end_episode(Outcome outcome, std::int64_t turns) override {
    EpisodeEnd end;
    end.outcome = outcome;
    broken_ = is_infrastructure(outcome);
    if (kind_ == EpisodeKind::update_context) {
      end.success = outcome == Outcome::done;
      if (!end.success && !broken_) {
        context_ = words_->failed;
      }
      if (scenario_.lifecycle.fixed_context) {
        context_ = words_->placeholder;
      }
      if (!broken_) end.reward = end.success ? 0.0 : -scenario_.reward.context_format_penalty;
      return end;
    }
    end.feedback = feedback_;
    end.success = return_ >= environment_->spec().success_from;
    if (broken_) {
      return end;
    }
    const double penalty = scenario_.reward.turn_penalty * static_cast<double>(turns) /
                           static_cast<double>(environment_->spec().turns_max);
    const double shaped = return_ > 0.0 ? std::max(0.0, return_ - penalty) : return_;
    end.parts.push_back({"task", return_});
    if (shaped != return_) end.parts.push_back({"turn_penalty", shaped - return_});
    end.reward = shaped;
    reward_ = shaped;
    return end;
  }

  void snapshot(ByteWriter& out) const override {
    environment_->snapshot(out);
    out.u8(static_cast<std::uint8_t>(kind_));
    out.u8(static_cast<std::uint8_t>((started_ ? 1 : 0) | (broken_ ? 2 : 0)));
    out.i64(position_);
    out.f64(return_);
    out.f64(reward_);
    out.string(context_);
    out.string(feedback_);
    out.string(system_);
  }

  bool restore(ByteReader& in) override {
    if (!environment_->restore(in)) {
      return false;
    }
    kind_ = static_cast<EpisodeKind>(in.u8());
    const std::uint8_t flags = in.u8();
    started_ = (flags & 1) != 0;
    broken_ = (flags & 2) != 0;
    position_ = in.i64();
    return_ = in.f64();
    reward_ = in.f64();
    context_ = in.string();
    feedback_ = in.string();
    system_ = in.string();
    const std::int64_t tasks = scenario_.lifecycle.tasks;
    return in.ok() && position_ >= 0 && position_ < std::max<std::int64_t>(tasks, 1);
  }

  std::unique_ptr<Lifecycle> fork() const override {
    return std::unique_ptr<TaskSequence>(new TaskSequence(*this));
  }

  Json hidden_state() const override {
    return {{"environment", environment_->hidden_state()},
            {"context", context_},
            {"position", position_},
            {"kind", std::string(name_of(kind_))}};
  }

 private:
  TaskSequence(const TaskSequence&) = default;

  bool compact() const { return scenario_.style == PromptStyle::compact; }

  EpisodeStart start_solve(std::int64_t position) {
    kind_ = EpisodeKind::solve;
    position_ = position;
    return_ = 0.0;
    reward_ = 0.0;
    feedback_.clear();
    const bool repeats = scenario_.lifecycle.packing != Packing::sequence;
    const std::int64_t which = repeats ? repeated_task_ : position;
    Opening opening = environment_->reset(
        {hidden_, task_.split(static_cast<std::uint64_t>(which)), position, which});
    system_ = opening.system;
    EpisodeStart start;
    start.kind = kind_;
    start.position = position;
    start.turns_max = environment_->spec().turns_max;
    start.context = context_;
    const std::string system = system_message();
    if (!system.empty()) start.messages.push_back({Role::system, system, {}, {}});
    start.messages.push_back({Role::user, std::move(opening.user), {}, {}});
    start.timers = std::move(opening.timers);
    return start;
  }

  // The rules, and the context where there is one.
  std::string system_message() const {
    if (compact()) return "Hint:" + context_ + "</hint>\n";
    const bool alone = !scenario_.lifecycle.update_context;
    return alone ? system_ : system_ + context_section(context_);
  }

  EpisodeStart start_update(std::span<const Message> conversation) {
    kind_ = EpisodeKind::update_context;
    ++position_;
    EpisodeStart start;
    start.kind = kind_;
    start.position = position_;
    start.turns_max = 1;
    start.context = context_;
    if (compact()) {
      start.continues = true;
      const std::string reward = return_ > 0.0 ? "Reward 1" : "Reward 0";
      start.messages.push_back(
          {Role::user,
           feedback_ + (environment_->spec().tells_reward ? reward : "") + "\nNew hint:",
           {},
           {}});
      return start;
    }
    start.messages.push_back({Role::system, std::string(kUpdateSystem), {}, {}});
    start.messages.push_back({Role::user, update_request(conversation), {}, {}});
    return start;
  }

  // What an update episode is shown in the paper's style.
  std::string update_request(std::span<const Message> conversation) const {
    std::string text = "# Previous hints\n" + context_ + "\n\n# Record of the new task\n" + system_;
    std::int64_t step = 0;
    for (const Message& message : conversation) {
      if (message.role == Role::user) {
        text += "\n\n## Step " + std::to_string(++step) + "\nObservation: " + message.content;
      } else if (message.role == Role::assistant) {
        text += "\nAction: " + message.content;
      }
    }
    if (environment_->spec().tells_reward) text += "\n\nReward: " + shortest(reward_);
    text += "\nEnvironment feedback: " + feedback_;
    text += "\n\nNow reason about what was learned and write the updated hints.";
    return text;
  }

  StepResult read_update(std::string_view reply) {
    StepResult result;
    std::string_view inside;
    const bool readable = compact() ? between_tags(reply, "<hint>", "</hint>", inside)
                                    : between_tags(reply, kHintBegin, kHintEnd, inside);
    result.outcome = readable ? Outcome::done : Outcome::agent_error;
    if (!readable) {
      result.observation = "The hints could not be read.";
      return result;
    }
    std::string context = compact() ? std::string(inside) : "Hints: " + std::string(trim(inside));
    const auto bytes_max = static_cast<std::size_t>(scenario_.lifecycle.context_bytes_max);
    if (context.size() > bytes_max) {
      context.resize(bytes_max);
      context = to_utf8(context);
    }
    context_ = std::move(context);
    return result;
  }

  StepResult take(StepResult result) {
    return_ += result.reward;
    if (result.outcome != Outcome::running) {
      feedback_ = result.observation;
    }
    return result;
  }

  const Scenario& scenario_;
  OwnedEnvironment environment_;
  std::shared_ptr<const ContextWords> words_;
  RandomKey hidden_;
  RandomKey task_;
  std::int64_t repeated_task_ = 0;
  EpisodeKind kind_ = EpisodeKind::solve;
  bool started_ = false;
  bool broken_ = false;
  std::int64_t position_ = 0;
  double return_ = 0.0;  // of the current solve episode, before shaping
  double reward_ = 0.0;  // after shaping, once it has ended
  std::string context_;
  std::string feedback_;
  std::string system_;  // without the section of hints
};

}  // namespace

std::unique_ptr<Lifecycle> make_lifecycle(const Scenario& scenario, const RunSeed& seed,
                                          LifecycleIndex index) {
  return std::make_unique<TaskSequence>(scenario, seed, index);
}

}  // namespace turnhalle
