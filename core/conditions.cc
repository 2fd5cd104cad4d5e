#include "core/conditions.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "core/key_bytes.h"

namespace turnhalle {
namespace {

constexpr std::uint32_t kDelivery = kReservedEvents + 3;  // an action arrives
constexpr std::uint32_t kAnswer = kReservedEvents + 4;    // an answer arrives
constexpr std::uint32_t kNotice = kReservedEvents + 5;    // a ScenarioEvent is due

// An action on its way: the whole reply, or one of its calls.
struct Parcel {
  Seat seat;
  std::uint64_t fault = 0;  // 0: none; else the rule's number + 1
  std::string target;
  AgentReply reply;
};

std::string to_bytes(const Parcel& parcel) {
  std::string bytes;
  ByteWriter out(bytes);
  out.i64(parcel.seat.value);
  out.u64(parcel.fault);
  out.string(parcel.target);
  out.string(parcel.reply.text);
  out.u64(parcel.reply.tool_calls.size());
  for (const ToolCall& call : parcel.reply.tool_calls) {
    out.string(call.id);
    out.string(call.name);
    out.string(canonical(call.arguments));
  }
  return bytes;
}

Parcel parcel_from(std::string_view bytes) {
  ByteReader in(bytes);
  Parcel parcel;
  parcel.seat.value = static_cast<std::int32_t>(in.i64());
  parcel.fault = in.u64();
  parcel.target = in.string();
  parcel.reply.text = in.string();
  const std::size_t calls = in.count();
  for (std::size_t i = 0; i < calls && in.ok(); ++i) {
    ToolCall call;
    call.id = in.string();
    call.name = in.string();
    call.arguments = Json::parse(in.string(), nullptr, /*allow_exceptions=*/false);
    parcel.reply.tool_calls.push_back(std::move(call));
  }
  return parcel;
}

// What an agent is told instead of an answer, in the shape of its action: the calls that are
// answered, or none when it acted in text.
struct Notice {
  std::string text;
  std::vector<std::string> calls;
};

StepResult result_of(const Notice& notice) {
  StepResult result;
  for (const std::string& call : notice.calls) {
    result.tool_results.push_back(
        {Role::tool, canonical(Json::object({{"error", notice.text}})), {}, call});
  }
  if (notice.calls.empty()) result.observation = notice.text;
  return result;
}

Notice notice_for(const AgentReply& reply, std::string text) {
  Notice notice{std::move(text), {}};
  for (const ToolCall& call : reply.tool_calls) notice.calls.push_back(call.id);
  return notice;
}

std::string to_bytes(const Notice& notice) {
  std::string bytes;
  ByteWriter out(bytes);
  out.string(notice.text);
  out.u64(notice.calls.size());
  for (const std::string& call : notice.calls) out.string(call);
  return bytes;
}

Notice notice_from(std::string_view bytes) {
  ByteReader in(bytes);
  Notice notice;
  notice.text = in.string();
  const std::size_t calls = in.count();
  for (std::size_t i = 0; i < calls && in.ok(); ++i) notice.calls.push_back(in.string());
  return notice;
}

// A timeout and a lost answer look the same from where the agent sits.
std::string no_answer(SimDuration after) {
  return "No answer came within " + std::to_string(after.ns / 1'000'000) + " ms.";
}

void append_result(StepResult& into, StepResult later) {
  if (!into.observation.empty() && !later.observation.empty()) into.observation += '\n';
  into.observation += later.observation;
  std::move(later.tool_results.begin(), later.tool_results.end(),
            std::back_inserter(into.tool_results));
  std::move(later.parts.begin(), later.parts.end(), std::back_inserter(into.parts));
  std::move(later.faults.begin(), later.faults.end(), std::back_inserter(into.faults));
  into.outcome = later.outcome;
  into.reward += later.reward;
}

class ConditionedEnvironment final : public Environment {
 public:
  ConditionedEnvironment(std::unique_ptr<Environment> inner,
                         std::shared_ptr<const Conditions> conditions)
      : inner_(std::move(inner)), conditions_(std::move(conditions)) {}

  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  const Environment& unwrapped() const override { return inner_->unwrapped(); }
  Json hidden_state() const override { return inner_->hidden_state(); }

  Opening reset(const Task& task) override;
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override;
  StepResult advance(const Event& event, Scheduler& scheduler) override;
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  std::unique_ptr<Environment> fork() const override;

 private:
  // What of an episode is the conditions' own.
  struct State {
    RandomKey key;
    std::int64_t position = 0;
    std::int64_t turn = 0;
    std::uint64_t crossings = 0;  // actions that were sent
    std::int64_t in_flight = 0;   // actions and answers that are under way
    bool inner_waits = false;
    bool over = false;
  };

  StepResult send(Parcel parcel, Scheduler& scheduler);
  StepResult send_later(const Parcel& parcel, SimDuration latency, Scheduler& scheduler);
  StepResult answer_later(const Notice& notice, SimDuration after, Scheduler& scheduler);
  StepResult arrive(const Parcel& parcel, Scheduler& scheduler);
  StepResult arrive_with_fault(const Parcel& parcel, Scheduler& scheduler);
  StepResult notice(const Event& event, Scheduler& scheduler);
  StepResult inner_result(StepResult result);
  StepResult close(StepResult result);
  SimDuration latency_of(const Parcel& parcel, std::uint64_t number) const;
  const FaultRule& rule_of(const Parcel& parcel) const;
  std::string entry_of(const Parcel& parcel) const;

  std::unique_ptr<Environment> inner_;
  std::shared_ptr<const Conditions> conditions_;
  State state_;
};

Opening ConditionedEnvironment::reset(const Task& task) {
  state_ = {};
  state_.key = task.hidden.split("conditions").split(static_cast<std::uint64_t>(task.position));
  state_.position = task.position;
  Opening opening = inner_->reset(task);
  for (std::size_t i = 0; i < conditions_->events.size(); ++i) {
    const ScenarioEvent& event = conditions_->events[i];
    if (event.positions.low <= task.position && task.position <= event.positions.high) {
      std::string payload;
      ByteWriter out(payload);
      out.u64(i);
      out.i64(event.times);
      opening.timers.push_back({event.at, kNotice, std::move(payload)});
    }
  }
  return opening;
}

StepResult ConditionedEnvironment::step(Seat seat, const AgentReply& reply, Scheduler& scheduler) {
  if (state_.over) {
    return inner_->step(seat, reply, scheduler);
  }
  StepResult result;
  if (reply.tool_calls.empty() || !spec().calls_one_by_one) {
    const std::string target =
        reply.tool_calls.empty() ? "action" : "tool:" + reply.tool_calls.front().name;
    result = send({seat, 0, target, reply}, scheduler);
  } else {
    for (const ToolCall& call : reply.tool_calls) {
      if (result.outcome != Outcome::running) break;
      Parcel parcel{seat, 0, "tool:" + call.name, {}};
      parcel.reply.tool_calls.push_back(call);
      append_result(result, send(std::move(parcel), scheduler));
    }
  }
  ++state_.turn;
  return close(std::move(result));
}

SimDuration ConditionedEnvironment::latency_of(const Parcel& parcel, std::uint64_t number) const {
  const RandomKey key = state_.key.split("latency");
  if (parcel.reply.tool_calls.empty()) {
    return conditions_->action.draw(key, number, parcel.reply.text.size());
  }
  const auto& tools = conditions_->tools;
  auto model = tools.find(parcel.reply.tool_calls.front().name);
  if (model == tools.end()) model = tools.find("*");
  return model == tools.end() ? SimDuration{} : model->second.draw(key, number, 0);
}

const FaultRule& ConditionedEnvironment::rule_of(const Parcel& parcel) const {
  return conditions_->faults.rules[parcel.fault - 1];
}

std::string ConditionedEnvironment::entry_of(const Parcel& parcel) const {
  const auto& calls = parcel.reply.tool_calls;
  return ledger_entry(rule_of(parcel).kind, parcel.fault - 1, parcel.target,
                      calls.empty() ? std::string_view() : std::string_view(calls.front().id));
}

StepResult ConditionedEnvironment::send_later(const Parcel& parcel, SimDuration latency,
                                              Scheduler& scheduler) {
  const SimDuration deadline = conditions_->tool_deadline;
  if (deadline.ns > 0 && latency > deadline && !parcel.reply.tool_calls.empty()) {
    return answer_later(notice_for(parcel.reply, no_answer(deadline)), deadline, scheduler);
  }
  if (latency.ns == 0) {
    return arrive(parcel, scheduler);
  }
  ++state_.in_flight;
  scheduler.after(latency, kDelivery, to_bytes(parcel));
  return {};
}

StepResult ConditionedEnvironment::answer_later(const Notice& notice, SimDuration after,
                                                Scheduler& scheduler) {
  if (after.ns == 0) {
    return result_of(notice);
  }
  ++state_.in_flight;
  scheduler.after(after, kAnswer, to_bytes(notice));
  return {};
}

// Draws latency and fault of one action, and puts it on its way.
StepResult ConditionedEnvironment::send(Parcel parcel, Scheduler& scheduler) {
  const std::uint64_t number = state_.crossings++;
  SimDuration latency = latency_of(parcel, number);
  const Crossing crossing{parcel.target, state_.position, state_.turn, scheduler.now()};
  const auto hit = conditions_->faults.draw(crossing, state_.key.split("faults"), number);
  if (!hit) {
    return send_later(parcel, latency, scheduler);
  }
  parcel.fault = *hit + 1;
  const FaultRule& rule = rule_of(parcel);
  std::string entry = entry_of(parcel);
  StepResult result;
  switch (rule.kind) {
    case FaultKind::timeout:
      result = answer_later(notice_for(parcel.reply, no_answer(rule.after)), rule.after, scheduler);
      break;
    case FaultKind::error:
      result = answer_later(notice_for(parcel.reply, rule.message), latency, scheduler);
      break;
    case FaultKind::slow:
      latency.ns += rule.delay.draw(state_.key.split("slow"), number, 0).ns;
      parcel.fault = 0;
      result = send_later(parcel, latency, scheduler);
      break;
    case FaultKind::crash:
      result.outcome = Outcome::environment_error;
      result.observation = "The environment crashed (injected).";
      break;
    default:
      return send_later(parcel, latency, scheduler);  // entered when it takes effect
  }
  result.faults.insert(result.faults.begin(), std::move(entry));
  return result;
}

StepResult ConditionedEnvironment::inner_result(StepResult result) {
  state_.inner_waits = result.waiting;
  return result;
}

StepResult ConditionedEnvironment::arrive(const Parcel& parcel, Scheduler& scheduler) {
  if (parcel.fault != 0) {
    return arrive_with_fault(parcel, scheduler);
  }
  return inner_result(inner_->step(parcel.seat, parcel.reply, scheduler));
}

StepResult ConditionedEnvironment::arrive_with_fault(const Parcel& parcel, Scheduler& scheduler) {
  const FaultRule& rule = rule_of(parcel);
  const bool in_part = rule.kind == FaultKind::partial_effect;
  StepResult result =
      inner_result(in_part ? inner_->step_in_part(parcel.seat, parcel.reply, scheduler)
                           : inner_->step(parcel.seat, parcel.reply, scheduler));
  bool injected = true;
  if (rule.kind == FaultKind::duplicate && result.outcome == Outcome::running) {
    StepResult again = inner_result(inner_->step(parcel.seat, parcel.reply, scheduler));
    result.observation.clear();  // the agent sees the second answer
    result.tool_results.clear();
    append_result(result, std::move(again));
  } else if (rule.kind == FaultKind::schema_drift) {
    injected = drift(result.observation, rule);
    for (Message& answer : result.tool_results) injected = drift(answer.content, rule) || injected;
  } else if (rule.kind == FaultKind::dropped_user_reply) {
    injected = !result.observation.empty();
    if (injected) result.observation = "No reply.";
  } else if (in_part || rule.kind == FaultKind::lost_reply) {
    const bool told_at_once = in_part || result.outcome != Outcome::running;
    Notice notice = notice_for(parcel.reply, in_part ? rule.message : no_answer(rule.after));
    result.observation.clear();
    result.tool_results.clear();
    StepResult told =
        told_at_once ? result_of(notice) : answer_later(notice, rule.after, scheduler);
    told.outcome = result.outcome;
    append_result(result, std::move(told));
  }
  if (injected) result.faults.push_back(entry_of(parcel));
  return result;
}

StepResult ConditionedEnvironment::notice(const Event& due, Scheduler& scheduler) {
  ByteReader in(due.payload);
  const std::size_t number = in.u64();
  const std::int64_t left = in.i64() - 1;
  if (number >= conditions_->events.size()) {
    return {};
  }
  const ScenarioEvent& event = conditions_->events[number];
  StepResult result;
  if (!event.name.empty()) {
    const Event told{due.time, due.sequence, kExogenousEvent,
                     canonical(Json::object({{"name", event.name}, {"payload", event.payload}}))};
    result = inner_result(inner_->advance(told, scheduler));
  }
  if (!event.text.empty()) {
    if (!result.observation.empty()) result.observation += '\n';
    result.observation += event.text;
  }
  if (left > 0 && result.outcome == Outcome::running) {
    std::string payload;
    ByteWriter out(payload);
    out.u64(number);
    out.i64(left);
    scheduler.after(event.every, kNotice, std::move(payload));
  }
  return result;
}

StepResult ConditionedEnvironment::advance(const Event& event, Scheduler& scheduler) {
  switch (event.kind) {
    case kDelivery:
      --state_.in_flight;
      return close(arrive(parcel_from(event.payload), scheduler));
    case kAnswer:
      --state_.in_flight;
      return close(result_of(notice_from(event.payload)));
    case kNotice:
      return close(notice(event, scheduler));
    default:
      return close(inner_result(inner_->advance(event, scheduler)));
  }
}

StepResult ConditionedEnvironment::close(StepResult result) {
  state_.over = result.outcome != Outcome::running;
  result.waiting = !state_.over && (state_.in_flight > 0 || state_.inner_waits);
  return result;
}

void ConditionedEnvironment::snapshot(ByteWriter& out) const {
  inner_->snapshot(out);
  write_key(out, state_.key);
  out.i64(state_.position);
  out.i64(state_.turn);
  out.u64(state_.crossings);
  out.i64(state_.in_flight);
  out.boolean(state_.inner_waits);
  out.boolean(state_.over);
}

bool ConditionedEnvironment::restore(ByteReader& in) {
  if (!inner_->restore(in)) {
    return false;
  }
  state_.key = read_key(in);
  state_.position = in.i64();
  state_.turn = in.i64();
  state_.crossings = in.u64();
  state_.in_flight = in.i64();
  state_.inner_waits = in.boolean();
  state_.over = in.boolean();
  return in.ok() && state_.in_flight >= 0;
}

std::unique_ptr<Environment> ConditionedEnvironment::fork() const {
  std::unique_ptr<Environment> inner = inner_->fork();
  if (inner == nullptr) {
    return nullptr;
  }
  auto copy = std::make_unique<ConditionedEnvironment>(std::move(inner), conditions_);
  copy->state_ = state_;
  return copy;
}

class ConditionedFamily final : public EnvironmentFamily {
 public:
  ConditionedFamily(std::shared_ptr<const EnvironmentFamily> inner,
                    std::shared_ptr<const Conditions> conditions)
      : inner_(std::move(inner)), conditions_(std::move(conditions)) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  ContextWords context_words() const override { return inner_->context_words(); }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<ConditionedEnvironment>(inner_->make(), conditions_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return inner_->make_player(role);
  }

 private:
  std::shared_ptr<const EnvironmentFamily> inner_;
  std::shared_ptr<const Conditions> conditions_;
};

}  // namespace

bool Conditions::is_idle() const {
  return action.is_zero() && faults.is_idle() && events.empty() &&
         std::all_of(tools.begin(), tools.end(),
                     [](const auto& tool) { return tool.second.is_zero(); });
}

std::shared_ptr<const EnvironmentFamily> under_conditions(
    std::shared_ptr<const EnvironmentFamily> family, std::shared_ptr<const Conditions> conditions) {
  if (conditions == nullptr || conditions->is_idle()) {
    return family;
  }
  return std::make_shared<const ConditionedFamily>(std::move(family), std::move(conditions));
}

}  // namespace turnhalle
