#include "envs/tool_api/machine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::size_t kTextMax = 100'000;  // bytes of one text argument
constexpr int kArgumentNestingMax = 16;            // of an argument

CallAnswer refusal(std::string message, std::string code, std::string hint = "") {
  Value::Map entries = {{"code", Value::text(code)}, {"error", Value::text(std::move(message))}};
  if (!hint.empty()) entries.emplace_back("hint", Value::text(std::move(hint)));
  return {false, Value::map(std::move(entries)), std::move(code), -1};
}

// Patterns have no repetition but *, so that matching takes at most size × size steps.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  const auto fits = [](char wanted, char c) {
    if (wanted == '#') return c >= '0' && c <= '9';
    if (wanted == '@') return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return wanted == '?' || wanted == c;
  };
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && fits(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

int nesting_of(const Json& json, int left) {
  if (left <= 0 || !json.is_structured()) return 1;
  int deepest = 0;
  for (const Json& item : json) deepest = std::max(deepest, nesting_of(item, left - 1));
  return deepest + 1;
}

// A number without fraction is an int, however it is spelled.
void spell_as(const Type& type, Value& value) {
  if (type.kind == Type::Kind::integer && value.is_numeric() && !value.is_integer()) {
    const Value whole = Value::of(value.integer());
    if (equal(whole, value)) value = whole;
  } else if (type.kind == Type::Kind::list && value.is_list()) {
    for (Value& item : value.edit_list()) spell_as(*type.element, item);
  } else if (type.kind == Type::Kind::map && value.is_map()) {
    for (auto& entry : value.edit_map()) spell_as(*type.element, entry.second);
  } else if (type.kind == Type::Kind::record && value.is_map()) {
    for (auto& entry : value.edit_map()) {
      const Type::Field* field = type.field(entry.first);
      if (field != nullptr) spell_as(*field->second, entry.second);
    }
  }
}

std::string bounds_of(const Parameter& parameter) {
  std::string text;
  if (parameter.low) text += " of at least " + shortest(*parameter.low);
  if (parameter.high) text += (text.empty() ? " of" : " and") + (" at most " +
                                                               shortest(*parameter.high));
  return text;
}

// What is wrong with a value that has the parameter's type; empty: nothing.
std::string unfit(const Parameter& parameter, const Value& value) {
  if (value.is_null()) return "";
  if (!parameter.one_of.empty() &&
      std::none_of(parameter.one_of.begin(), parameter.one_of.end(),
                   [&](const Value& allowed) { return equal(allowed, value); })) {
    return "one of " + shortened(canonical_text(Value::list(parameter.one_of)), 200);
  }
  const double size =
      value.is_text() ? static_cast<double>(value.text().size()) : value.number();
  if ((value.is_text() || value.is_numeric()) &&
      ((parameter.low && size < *parameter.low) || (parameter.high && size > *parameter.high))) {
    return (value.is_text() ? "a length" : "a number") + bounds_of(parameter);
  }
  if (value.text().size() > kTextMax) return "a shorter text";
  if (!parameter.pattern.empty() && value.is_text() && !matches(parameter.pattern, value.text())) {
    return "the form " + parameter.pattern + " (# is a digit, @ a letter)";
  }
  return "";
}

std::vector<std::string> names_of(const Tool& tool) {
  std::vector<std::string> names;
  for (const Parameter& parameter : tool.parameters) names.push_back(parameter.name);
  return names;
}

// Changes one place of a state, cloning what is shared on the way.
class Editor {
 public:
  Editor(Evaluation& evaluation, Value& state) : evaluation_(evaluation), state_(state) {}

  // The place that a path names; null with a fault when there is none.
  Value* place(const Expression& path) { return place(path, path.root()); }

 private:
  Value* place(const Expression& path, std::size_t number) {
    const Expression::Node& node = path.nodes()[number];
    if (node.operation == Expression::Operation::state) return &state_;
    if (node.operation == Expression::Operation::field) {
      Value* whole = place(path, node.arguments[0]);
      return whole != nullptr ? at_key(*whole, node.name) : nullptr;
    }
    const Value key = path.evaluate_part(node.arguments[1], evaluation_);
    Value* whole = evaluation_.ok() ? place(path, node.arguments[0]) : nullptr;
    if (whole == nullptr) return nullptr;
    if (whole->is_map()) return at_key(*whole, key.text());
    const std::int64_t position = key.integer();
    if (!whole->is_list() || position < 0 || position >= std::ssize(whole->list())) {
      evaluation_.fail("there is no element " + std::to_string(position));
      return nullptr;
    }
    return &whole->edit_list()[static_cast<std::size_t>(position)];
  }

  Value* at_key(Value& whole, const std::string& key) {
    if (!whole.is_map() || whole.find(key) == nullptr) {
      evaluation_.fail("there is no key " + in_quotes(key));
      return nullptr;
    }
    return whole.edit(key);
  }

  Evaluation& evaluation_;
  Value& state_;
};

// Draws for the tools of an API: the stream whose seed and counter stand in state.random.
class StateRandom {
 public:
  explicit StateRandom(Value& state) : state_(state) {}
  std::uint64_t below(std::uint64_t bound) {
    const Value* random = state_.find("random");
    const Value* seed = random != nullptr ? random->find("seed") : nullptr;
    const Value* counter = random != nullptr ? random->find("counter") : nullptr;
    if (seed == nullptr || counter == nullptr) return 0;
    Random stream(RandomKey::from_seed(static_cast<std::uint64_t>(seed->integer())),
                  static_cast<std::uint64_t>(counter->integer()));
    const std::uint64_t drawn = stream.below(bound);
    Value next = *random;
    next.set("counter", Value::of(static_cast<std::int64_t>(stream.counter() & INT64_MAX)));
    state_.set("random", std::move(next));
    return drawn;
  }

 private:
  Value& state_;
};

class EffectRunner {
 public:
  EffectRunner(Evaluation& evaluation, Value& state, Random* random)
      : evaluation_(evaluation), state_(state), random_(random) {}

  void run_all(const std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      run(effect);
      if (!evaluation_.ok()) return;
    }
  }

  void run(const Effect& effect) {
    switch (effect.kind) {
      case Effect::Kind::let:
        evaluation_.locals.push_back(effect.value.evaluate(evaluation_));
        return;
      case Effect::Kind::draw_from:
      case Effect::Kind::draw_between:
        evaluation_.locals.push_back(draw(effect));
        return;
      case Effect::Kind::require:
        if (!effect.value.evaluate(evaluation_).boolean()) {
          evaluation_.fail("a requirement is not met");
        }
        return;
      case Effect::Kind::choose:
        run_block(effect.value.evaluate(evaluation_).boolean() ? effect.then : effect.otherwise);
        return;
      case Effect::Kind::for_each:
        run_loop(effect);
        return;
      default:
        change(effect);
    }
  }

 private:
  void run_block(const std::vector<Effect>& effects) {
    const std::size_t locals = evaluation_.locals.size();
    if (evaluation_.ok()) run_all(effects);
    evaluation_.locals.resize(std::min(locals, evaluation_.locals.size()));
  }

  void run_loop(const Effect& effect) {
    const Value list = effect.value.evaluate(evaluation_);
    for (const Value& item : list.list()) {
      if (--evaluation_.steps < 0) evaluation_.fail("too many steps");
      if (!evaluation_.ok()) return;
      const std::size_t locals = evaluation_.locals.size();
      evaluation_.locals.push_back(item);
      run_all(effect.then);
      evaluation_.locals.resize(locals);
    }
  }

  Value draw(const Effect& effect) {
    if (effect.kind == Effect::Kind::draw_from) {
      const Value list = effect.value.evaluate(evaluation_);
      if (!evaluation_.ok()) return {};
      if (list.list().empty()) return evaluation_.fail("there is nothing to draw from");
      return list.list()[below(list.list().size())];
    }
    const std::int64_t low = effect.key.evaluate(evaluation_).integer();
    const std::int64_t high = effect.value.evaluate(evaluation_).integer();
    std::int64_t width = 0;
    if (!evaluation_.ok()) return {};
    if (high < low || __builtin_sub_overflow(high, low, &width) || width == INT64_MAX) {
      return evaluation_.fail("there is nothing to draw from");
    }
    return Value::of(low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(width) + 1)));
  }

  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(random_ != nullptr ? random_->below(bound)
                                                       : StateRandom(state_).below(bound));
  }

  void change(const Effect& effect) {
    const bool has_key = effect.kind == Effect::Kind::insert || effect.kind == Effect::Kind::erase;
    const Value key = has_key ? effect.key.evaluate(evaluation_) : Value();
    Value value =
        effect.kind == Effect::Kind::erase ? Value() : effect.value.evaluate(evaluation_);
    if (!evaluation_.ok()) return;
    Value* place = Editor(evaluation_, state_).place(effect.path);
    if (place == nullptr) return;
    switch (effect.kind) {
      case Effect::Kind::set:
        *place = std::move(value);
        break;
      case Effect::Kind::increase:
        *place = add_to(*place, value);
        break;
      case Effect::Kind::append:
        if (place->is_list()) place->edit_list().push_back(std::move(value));
        break;
      case Effect::Kind::insert:
        insert(*place, key.text(), std::move(value));
        break;
      default:
        erase(*place, key);
    }
  }

  Value add_to(const Value& before, const Value& more) {
    if (before.is_integer() && more.is_integer()) {
      std::int64_t sum = 0;
      if (__builtin_add_overflow(before.integer(), more.integer(), &sum)) {
        evaluation_.fail("the result is too large");
      }
      return Value::of(sum);
    }
    const double sum = before.number() + more.number();
    return std::isfinite(sum) ? Value::of(sum) : evaluation_.fail("the result is too large");
  }

  void insert(Value& map, const std::string& key, Value value) {
    if (!map.is_map()) return;
    if (map.find(key) != nullptr) {
      evaluation_.fail("there is a key " + in_quotes(key) + " already");
    } else {
      map.set(key, std::move(value));
    }
  }

  void erase(Value& whole, const Value& key) {
    if (whole.is_map()) {
      if (!whole.erase(key.text())) evaluation_.fail("there is no key " + in_quotes(key.text()));
      return;
    }
    const std::int64_t position = key.integer();
    if (!whole.is_list() || position < 0 || position >= std::ssize(whole.list())) {
      evaluation_.fail("there is no element " + std::to_string(position));
    } else {
      whole.edit_list().erase(whole.list().begin() + position);
    }
  }

  Evaluation& evaluation_;
  Value& state_;
  Random* random_;
};

CallAnswer failed_condition(const Condition& condition, Evaluation& evaluation, bool hints) {
  return refusal(condition.message.render(evaluation), condition.code,
                 hints ? condition.hint.render(evaluation) : "");
}

// Preconditions in their order, with the locals between them.
bool conditions_hold(const Tool& tool, Evaluation& evaluation, const CallOptions& options,
                     CallAnswer& answer) {
  for (const Condition& condition : tool.conditions) {
    Value value = condition.expression.evaluate(evaluation);
    if (!evaluation.ok()) {
      answer = refusal("The request has no answer: " + evaluation.fault + ".", "no_value");
      return false;
    }
    if (condition.is_let) {
      evaluation.locals.push_back(std::move(value));
    } else if (!value.boolean()) {
      answer = failed_condition(condition, evaluation, options.hints);
      answer.condition = &condition - tool.conditions.data();
      return false;
    }
  }
  return true;
}

bool invariants_hold(const Api& api, Evaluation& evaluation, CallAnswer& answer) {
  evaluation.locals.clear();
  for (const Invariant& invariant : api.invariants) {
    const bool holds = invariant.that.evaluate(evaluation).boolean();
    if (!evaluation.ok() || !holds) {
      answer = refusal("This is not possible: " + invariant.text + ".", "invariant");
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view name_of(ToolKind kind) {
  return kind == ToolKind::read ? "READ" : kind == ToolKind::write ? "WRITE" : "GENERIC";
}

const Tool* Api::find(std::string_view tool) const {
  const auto found = std::find_if(tools.begin(), tools.end(),
                                  [&](const Tool& entry) { return entry.name == tool; });
  return found != tools.end() ? &*found : nullptr;
}

bool run_effects(const std::vector<Effect>& effects, Evaluation& evaluation, Value& state,
                 Random* random) {
  evaluation.state = &state;
  EffectRunner(evaluation, state, random).run_all(effects);
  return evaluation.ok();
}

CallAnswer unknown_tool(std::string_view name, const std::vector<std::string>& known) {
  return refusal("There is no tool " + in_quotes(name) + ".", "unknown_tool",
                 std::string(trim(did_you_mean(name, known))));
}

CallAnswer bind_arguments(const Tool& tool, const Json& arguments, std::vector<Value>& values) {
  if (!arguments.is_object()) {
    return refusal("Arguments are an object.", "invalid_arguments");
  }
  for (const auto& [name, value] : arguments.items()) {
    if (std::none_of(tool.parameters.begin(), tool.parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; })) {
      return refusal("There is no parameter " + in_quotes(name) + " of " + tool.name + ".",
                     "unknown_parameter", std::string(trim(did_you_mean(name, names_of(tool)))));
    }
  }
  values.clear();
  for (const Parameter& parameter : tool.parameters) {
    const auto given = arguments.find(parameter.name);
    if (given == arguments.end()) {
      if (parameter.required) {
        return refusal("The parameter " + in_quotes(parameter.name) + " is missing.",
                       "missing_parameter");
      }
      values.push_back(parameter.fallback);
      continue;
    }
    Value value;
    if (nesting_of(*given, kArgumentNestingMax + 1) <= kArgumentNestingMax) {
      value = Value::from_json(*given, kArgumentNestingMax);
      spell_as(*parameter.type, value);
    }
    std::string where;
    std::string wrong = conforms(value, *parameter.type, where) && !(given->is_structured() &&
                                                                    value.is_null())
                            ? unfit(parameter, value)
                            : "a value of type " + name_of(*parameter.type);
    if (!wrong.empty()) {
      return refusal("The parameter " + in_quotes(parameter.name) + " wants " + wrong + ".",
                     "invalid_parameter");
    }
    values.push_back(std::move(value));
  }
  return {};
}

CallAnswer run_tool(const Api& api, const Tool& tool, std::vector<Value> values, Value& state,
                    const CallOptions& options) {
  const Value before = state;
  Evaluation evaluation;
  evaluation.state = &state;
  evaluation.locals = std::move(values);
  CallAnswer answer;
  if (!conditions_hold(tool, evaluation, options, answer)) return answer;
  EffectRunner runner(evaluation, state, nullptr);
  if (options.first_effect) {
    for (const Effect& effect : tool.effects) {
      runner.run(effect);
      const bool changes = effect.kind != Effect::Kind::let &&
                           effect.kind != Effect::Kind::draw_from &&
                           effect.kind != Effect::Kind::draw_between &&
                           effect.kind != Effect::Kind::require;
      if (changes || !evaluation.ok()) break;
    }
  } else {
    runner.run_all(tool.effects);
  }
  Value result;
  if (!options.first_effect) result = tool.returns.evaluate(evaluation);
  if (!evaluation.ok()) {
    state = before;
    return refusal("The request has no answer: " + evaluation.fault + ".", "no_value");
  }
  if (!tool.effects.empty() && !options.first_effect &&
      !invariants_hold(api, evaluation, answer)) {
    state = before;
    return answer;
  }
  return {true, std::move(result), "", -1};
}

CallAnswer call_tool(const Api& api, const Tool& tool, const Json& arguments, Value& state,
                     const CallOptions& options) {
  std::vector<Value> values;
  CallAnswer answer = bind_arguments(tool, arguments, values);
  return answer.ok ? run_tool(api, tool, std::move(values), state, options) : answer;
}

}  // namespace turnhalle::tool_api
