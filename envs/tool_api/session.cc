#include "envs/tool_api/session.h"

#include <algorithm>
#include <utility>

#include "core/key_bytes.h"
#include "core/text.h"
#include "core/tool_call_text.h"
#include "envs/tool_api/prompt.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::int64_t kFlakyEvery = 3;
constexpr double kCreditMax = 0.9;

Value error_of(const char* text, const char* code) {
  return Value::map({{"code", Value::text(code)}, {"error", Value::text(text)}});
}

std::uint8_t mask_of(const TurnScore& score) {
  std::uint8_t mask = 0;
  for (const Basis basis : score.failed) {
    mask = static_cast<std::uint8_t>(mask | (1U << static_cast<unsigned>(basis)));
  }
  return mask;
}

TurnScore score_from(std::uint8_t mask) {
  TurnScore score;
  for (unsigned i = 0; i < kBasisNames.size(); ++i) {
    if ((mask >> i & 1U) != 0) score.failed.push_back(static_cast<Basis>(i));
  }
  return score;
}

}  // namespace

Opening Session::reset(const Task& task) {
  begin(task);
  if (task_ == nullptr) return {"", "There is no task."};
  const std::string rules = prompt();
  if (fixed_->style == PromptStyle::compact) return {"", rules + "\n\n" + words_of_turn()};
  return {rules, words_of_turn()};
}

std::string Session::prompt() const {
  if (task_->withheld.empty()) return fixed_->prompt;
  return system_prompt(fixed_->pack.api, lines_of(offered()));
}

std::string Session::lines_of(const std::vector<const Tool*>& tools) const {
  std::string text;
  for (const Tool* tool : tools) {
    if (!text.empty()) text += '\n';
    text += fixed_->tool_lines[static_cast<std::size_t>(tool - fixed_->pack.api.tools.data())];
  }
  return text;
}

void Session::begin(const Task& task) {
  key_ = task;
  begun_ = true;
  const auto& variants = fixed_->options.variants;
  const std::size_t which = Random(task.task.split("which variant")).below(variants.size());
  task_ = fixed_->tasks.get(fixed_->pack, task.task, variants[which]);
  state_ = task_ != nullptr ? task_->initial : Value();
  turn_ = 0;
  calls_in_turn_ = 0;
  calls_made_ = 0;
  calls_.clear();
  scores_.clear();
  outcome_ = Outcome::running;
}

StepResult Session::step(Seat seat, const AgentReply& reply, Scheduler&) {
  return act(seat, reply, true);
}

StepResult Session::step_in_part(Seat seat, const AgentReply& reply, Scheduler&) {
  return act(seat, reply, false);
}

StepResult Session::act(Seat seat, const AgentReply& reply, bool whole) {
  StepResult result;
  if (outcome_ == Outcome::running && task_ == nullptr) {
    outcome_ = Outcome::environment_error;
    result.observation = "The API's templates give no task for this seed.";
  } else if (outcome_ == Outcome::running) {
    const std::vector<ToolCall> written =
        reply.tool_calls.empty() ? tool_calls_in(reply.text, "call ") : std::vector<ToolCall>();
    const std::vector<ToolCall>& calls = reply.tool_calls.empty() ? written : reply.tool_calls;
    for (const ToolCall& call : calls) {
      result.tool_results.push_back({Role::tool, answer(seat, call, whole), {}, call.id});
    }
    if (calls.empty() && seat == kUserSeat) {
      result.observation = reply.text;
    } else if (calls.empty()) {
      end_turn(reply.text, result);
    } else if (calls_in_turn_ > fixed_->options.calls_per_turn) {
      outcome_ = Outcome::truncated;
      result.observation = "Too many calls in one turn.";
    }
  }
  result.outcome = outcome_;
  return result;
}

std::string Session::answer(Seat seat, const ToolCall& call, bool whole) {
  ++calls_in_turn_;
  ++calls_made_;
  if (call.name.empty()) {
    const auto problem = call.arguments.find("problem");
    const bool known = problem != call.arguments.end() && problem->is_string();
    return canonical_text(error_of(
        known ? problem->get_ref<const std::string&>().c_str() : "A call has a name.",
        "malformed_call"));
  }
  const Tool* tool = find(seat, call.name);
  if (tool == nullptr) {
    std::vector<std::string> names;
    for (const Tool* other : offered()) names.push_back(other->name);
    return canonical_text(unknown_tool(call.name, names).value);
  }
  if (task_->variant == Variant::flaky && calls_made_ % kFlakyEvery == 0) {
    return canonical_text(error_of("The service is busy. Try again.", "transient"));
  }
  const CallAnswer made = carry_out(*tool, call, whole);
  std::string text = canonical_text(made.value);
  if (made.ok && whole && !calls_.empty()) calls_.back().result = hash_of(text);
  return text;
}

CallAnswer Session::carry_out(const Tool& tool, const ToolCall& call, bool whole) {
  std::vector<Value> arguments;
  CallAnswer made = bind_arguments(tool, call.arguments, arguments);
  calls_.push_back({0, hash_of(tool.name), 0, turn_});
  if (!made.ok) return made;
  calls_.back().call = hash_of_call(tool, arguments);
  return run_tool(fixed_->pack.api, tool, std::move(arguments), state_,
                  {.hints = fixed_->options.hints, .first_effect = !whole});
}

const Tool* Session::find(Seat seat, std::string_view name) const {
  const auto found = fixed_->tools.find(name);
  if (found == fixed_->tools.end()) return nullptr;
  if (seat == kUserSeat) return found->second->side == Side::user ? found->second : nullptr;
  return is_offered(*found->second) ? found->second : nullptr;
}

bool Session::is_offered(const Tool& tool) const {
  if (tool.side == Side::user && fixed_->options.user_tools == UserTools::user) return false;
  if (task_ == nullptr || task_->withheld.empty()) return true;
  const auto& withheld = task_->withheld;
  if (std::find(withheld.begin(), withheld.end(), tool.name) == withheld.end()) return true;
  for (std::int64_t i = 0; i <= turn_ && i < std::ssize(task_->turns); ++i) {
    const auto& adds = task_->turns[static_cast<std::size_t>(i)].adds;
    if (std::find(adds.begin(), adds.end(), tool.name) != adds.end()) return true;
  }
  return false;
}

std::vector<const Tool*> Session::offered() const {
  std::vector<const Tool*> tools;
  for (const Tool& tool : fixed_->pack.api.tools) {
    if (is_offered(tool)) tools.push_back(&tool);
  }
  return tools;
}

// What the user says at the beginning of the current turn.
std::string Session::words_of_turn() const {
  const UserTurn& turn = task_->turns[static_cast<std::size_t>(turn_)];
  if (turn.adds.empty()) return turn.say;
  std::vector<const Tool*> tools;
  for (const std::string& name : turn.adds) tools.push_back(fixed_->tools.find(name)->second);
  std::string text = turn.say;
  if (!text.empty()) text += "\n\n";
  return text + "More tools can be called from here on:\n" + lines_of(tools) +
         (turn.say.empty() ? "\nPlease do what I asked for." : "");
}

void Session::end_turn(std::string_view said, StepResult& result) {
  const UserTurn& turn = task_->turns[static_cast<std::size_t>(turn_)];
  scores_.push_back(check_turn(fixed_->pack, turn, {state_, calls_, said}));
  if (fixed_->options.reward == RewardKind::progress && turn.checked && scores_.back().passed()) {
    const auto checked = std::count_if(task_->turns.begin(), task_->turns.end(),
                                       [](const UserTurn& other) { return other.checked; });
    give("progress", 1.0 / static_cast<double>(checked), result);
  }
  ++turn_;
  calls_in_turn_ = 0;
  if (turn_ == std::ssize(task_->turns)) {
    finish(result);
  } else {
    result.observation = words_of_turn();
  }
}

void Session::finish(StepResult& result) {
  outcome_ = Outcome::done;
  result.observation = report();
  const bool passed = std::all_of(scores_.begin(), scores_.end(),
                                  [](const TurnScore& score) { return score.passed(); });
  if (fixed_->options.reward == RewardKind::progress) return;
  if (passed) {
    give("success", 1.0, result);
  } else if (fixed_->options.reward == RewardKind::credit) {
    give("credit", kCreditMax * call_credit(fixed_->pack.api, *task_, calls_), result);
  }
}

void Session::give(const char* name, double value, StepResult& result) const {
  result.reward += value;
  result.parts.push_back({name, value});
}

// Which turns passed, and what failed in the others.
std::string Session::report() const {
  std::string text = "The user is gone.";
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (!task_->turns[i].checked) continue;
    text += " Turn " + std::to_string(i + 1) + (scores_[i].passed() ? ": good." : ": wrong");
    for (const Basis basis : scores_[i].failed) {
      text += (basis == scores_[i].failed.front() ? " (" : ", ") +
              kBasisNames[static_cast<std::size_t>(basis)];
    }
    if (!scores_[i].passed()) text += ").";
  }
  return text;
}

// The keys, from which the task follows, and what has happened since.
void Session::snapshot(ByteWriter& out) const {
  write_outcome(out);
  out.boolean(begun_);
  if (!begun_) return;
  write_key(out, key_.hidden);
  write_key(out, key_.task);
  out.i64(key_.position);
  out.i64(key_.number);
  out.string(canonical_text(state_));
  out.i64(turn_);
  out.i64(calls_in_turn_);
  out.i64(calls_made_);
  out.u64(calls_.size());
  for (const CallRecord& call : calls_) {
    out.u64(call.call);
    out.u64(call.name);
    out.u64(call.result);
    out.i64(call.turn);
  }
  for (const TurnScore& score : scores_) out.u8(mask_of(score));
}

bool Session::restore(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  begun_ = in.boolean();
  if (!begun_) {
    outcome_ = outcome;
    return known && in.ok();
  }
  Task task;
  task.hidden = read_key(in);
  task.task = read_key(in);
  task.position = in.i64();
  task.number = in.i64();
  const Result<JsonDocument> state = parse_json(in.string());
  if (!in.ok() || !known || !state) return false;
  begin(task);
  std::string where;
  const Value read = Value::from_json(state->root);
  if (task_ != nullptr && !conforms(read, *fixed_->pack.api.state, where)) return false;
  state_ = read;
  turn_ = in.i64();
  calls_in_turn_ = in.i64();
  calls_made_ = in.i64();
  for (std::size_t left = in.count(4); left > 0 && in.ok(); --left) {
    CallRecord call;
    call.call = in.u64();
    call.name = in.u64();
    call.result = in.u64();
    call.turn = in.i64();
    calls_.push_back(call);
  }
  const std::int64_t turns = task_ != nullptr ? std::ssize(task_->turns) : 0;
  if (!in.ok() || turn_ < 0 || turn_ > turns || calls_in_turn_ < 0 || calls_made_ < 0) return false;
  if (outcome == Outcome::running && task_ != nullptr && turn_ == turns) return false;
  for (std::int64_t i = 0; i < turn_; ++i) scores_.push_back(score_from(in.u8()));
  outcome_ = outcome;
  return in.ok();
}

Json Session::hidden_state() const {
  if (task_ == nullptr) return Json::object();
  Json failed = Json::array();
  for (const TurnScore& score : scores_) {
    Json names = Json::array();
    for (const Basis basis : score.failed) {
      names.push_back(kBasisNames[static_cast<std::size_t>(basis)]);
    }
    failed.push_back(std::move(names));
  }
  return {{"task", task_->id},
          {"variant", kVariantNames[static_cast<std::size_t>(task_->variant)]},
          {"turn", turn_},
          {"state", state_hash(state_, fixed_->pack.api.rules).substr(0, 16)},
          {"failed", std::move(failed)}};
}

}  // namespace turnhalle::tool_api
