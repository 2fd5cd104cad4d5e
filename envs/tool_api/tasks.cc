#include "envs/tool_api/tasks.h"

#include <algorithm>
#include <utility>

namespace turnhalle::tool_api {
namespace {

constexpr int kAttemptsMax = 60;      // for one turn
constexpr int kTasksTried = 8;        // for a variant
constexpr std::size_t kRenamesMax = 14;

// Draws the turns of one task.
class TaskDrawer {
 public:
  TaskDrawer(const Pack& pack, RandomKey key, bool inflated, bool with_words)
      : pack_(pack), random_(key.split("task")), inflated_(inflated), with_words_(with_words) {}

  std::shared_ptr<TaskInstance> draw() {
    auto task = std::make_shared<TaskInstance>();
    state_ = pack_.api.initial_state;
    Evaluation world;
    if (!run_effects(pack_.world, world, state_, &random_)) return nullptr;
    if (inflated_) {
      Evaluation inflate;
      if (!run_effects(pack_.inflate, inflate, state_, &random_)) return nullptr;
    }
    Evaluation common;
    if (!run_effects(pack_.common, common, state_, &random_)) return nullptr;
    locals_ = std::move(common.locals);
    task->initial = state_;
    const std::int64_t wanted = random_.between(pack_.turns.first, pack_.turns.second);
    used_.assign(pack_.snippets.size(), 0);
    for (std::int64_t turn = 0; turn < wanted; ++turn) {
      for (int attempt = 0; attempt < kAttemptsMax && std::ssize(task->turns) <= turn; ++attempt) {
        try_turn(*task, turn, wanted);
      }
    }
    for (const UserTurn& turn : task->turns) task->id += (task->id.empty() ? "" : "+") + turn.name;
    return task->turns.empty() ? nullptr : task;
  }

  /// Of the turn that was left out a value: the words it was said with and the value.
  struct Words {
    std::string say;
    std::string value;
  };
  std::vector<Words> words;  ///< for each turn; empty texts where no value has words

 private:
  bool is_possible(const Snippet& snippet, std::int64_t turn, std::int64_t wanted,
                   std::size_t number) const {
    const bool has_first = std::any_of(pack_.snippets.begin(), pack_.snippets.end(),
                                       [](const Snippet& other) { return other.first; });
    if (used_[number] >= snippet.times) return false;
    if (has_first && (turn == 0) != snippet.first) return false;
    return !snippet.last || turn + 1 == wanted;
  }

  const Snippet* choose(std::int64_t turn, std::int64_t wanted, std::size_t& number) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < pack_.snippets.size(); ++i) {
      if (is_possible(pack_.snippets[i], turn, wanted, i)) sum += pack_.snippets[i].weight;
    }
    if (sum == 0) return nullptr;
    auto left = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(sum)));
    for (number = 0; number < pack_.snippets.size(); ++number) {
      const Snippet& snippet = pack_.snippets[number];
      if (!is_possible(snippet, turn, wanted, number)) continue;
      left -= snippet.weight;
      if (left < 0) return &snippet;
    }
    return nullptr;
  }

  void try_turn(TaskInstance& task, std::int64_t turn, std::int64_t wanted) {
    std::size_t number = 0;
    const Snippet* snippet = choose(turn, wanted, number);
    if (snippet == nullptr) return;
    Value state = state_;
    Evaluation evaluation;
    evaluation.locals = locals_;
    if (!run_effects(snippet->draws, evaluation, state, &random_)) return;
    if (task.turns.empty()) {
      task.initial = state;  // draws of the first turn may prepare the state
    } else if (!state.shares(state_)) {
      return;
    }
    UserTurn made;
    made.name = snippet->name;
    const Template& say = snippet->say[random_.below(snippet->say.size())];
    made.say = say.render(evaluation);
    const Words left_out = with_words_ ? leave_out(say, evaluation) : Words{};
    if (!fill_gold(*snippet, evaluation, state, made)) return;
    evaluation.state = &state;
    for (const Template& text : snippet->communicate) {
      made.communicate.push_back(text.render(evaluation));
    }
    for (const Template& text : snippet->forbid) made.forbid.push_back(text.render(evaluation));
    for (const Template& text : snippet->refuse) made.refuse.push_back(text.render(evaluation));
    made.assertions = snippet->assertions;
    made.locals = evaluation.locals;
    if (!evaluation.ok() || !assertions_hold(made, state)) return;
    state_ = state;
    ++used_[number];
    task.turns.push_back(std::move(made));
    words.push_back(left_out);
  }

  Words leave_out(const Template& say, Evaluation& evaluation) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < say.slots().size(); ++i) {
      if (!say.slots()[i].words.empty()) places.push_back(i);
    }
    if (places.empty()) return {};
    const std::size_t place = places[random_.below(places.size())];
    return {say.render(evaluation, static_cast<std::int64_t>(place)),
            plain_text(say.slots()[place].expression.evaluate(evaluation))};
  }

  bool fill_gold(const Snippet& snippet, Evaluation& evaluation, Value& state, UserTurn& turn) {
    for (const GoldTemplate& gold : snippet.gold) {
      evaluation.state = &state;
      if (gold.when.type() != nullptr && !gold.when.evaluate(evaluation).boolean()) continue;
      Json arguments = Json::object();
      for (const auto& [name, expression] : gold.arguments) {
        arguments[name] = to_json(expression.evaluate(evaluation));
      }
      if (!evaluation.ok()) return false;
      const Tool* tool = pack_.api.find(gold.tool);
      CallAnswer answer = call_tool(pack_.api, *tool, arguments, state);
      if (!answer.ok) return false;
      turn.gold.push_back({gold.tool, std::move(arguments), gold.optional});
      turn.results.push_back(std::move(answer.value));
    }
    turn.after = state;
    return true;
  }

  const Pack& pack_;
  Random random_;
  bool inflated_;
  bool with_words_;
  Value state_;
  std::vector<Value> locals_;
  std::vector<std::int64_t> used_;
};

std::shared_ptr<TaskInstance> written_task(const Pack& pack, RandomKey key) {
  Random random(key.split("task"));
  const FixedTask& fixed = pack.tasks[random.below(pack.tasks.size())];
  auto task = std::make_shared<TaskInstance>();
  task->id = fixed.id;
  task->initial = fixed.initial;
  Value state = fixed.initial;
  for (const FixedTurn& written : fixed.turns) {
    UserTurn turn;
    turn.name = fixed.id;
    turn.say = written.say;
    turn.gold = written.gold;
    turn.communicate = written.communicate;
    turn.forbid = written.forbid;
    turn.refuse = written.refuse;
    turn.assertions = written.assertions;
    if (!run_gold(pack.api, turn, state) || !assertions_hold(turn, state)) return nullptr;
    task->turns.push_back(std::move(turn));
  }
  return task;
}

// A turn in which nothing can be done yet, before turn `number`.
void insert_unchecked(TaskInstance& task, std::size_t number, std::string say) {
  UserTurn early;
  early.name = task.turns[number].name;
  early.say = std::move(say);
  early.checked = false;
  early.after = number == 0 ? task.initial : task.turns[number - 1].after;
  task.turns.insert(task.turns.begin() + static_cast<std::ptrdiff_t>(number), std::move(early));
}

bool withhold_function(const Pack& pack, TaskInstance& task, Random& random) {
  std::vector<std::pair<std::size_t, std::string>> choices;
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < task.turns.size(); ++i) {
    for (const GoldCall& call : task.turns[i].gold) {
      if (std::find(seen.begin(), seen.end(), call.tool) != seen.end()) continue;
      seen.push_back(call.tool);
      if (!call.optional && pack.api.find(call.tool)->side == Side::agent) {
        choices.emplace_back(i, call.tool);
      }
    }
  }
  if (choices.empty()) return false;
  const auto& [number, tool] = choices[random.below(choices.size())];
  const std::size_t place = number;
  task.withheld = {tool};
  insert_unchecked(task, place, task.turns[place].say);
  task.turns[place + 1].say.clear();
  task.turns[place + 1].adds = task.withheld;
  return true;
}

bool leave_out_parameter(TaskInstance& task, const std::vector<TaskDrawer::Words>& words,
                         Random& random) {
  std::vector<std::size_t> choices;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].say.empty()) choices.push_back(i);
  }
  if (choices.empty()) return false;
  const std::size_t place = choices[random.below(choices.size())];
  insert_unchecked(task, place, words[place].say);
  task.turns[place + 1].say = "I mean " + words[place].value + ".";
  return true;
}

std::shared_ptr<const TaskInstance> try_variant(const Pack& pack, RandomKey key, Variant variant) {
  Random random(key.split("variant"));
  std::shared_ptr<TaskInstance> task;
  bool applied = true;
  if (variant == Variant::missing_parameter && pack.tasks.empty()) {
    TaskDrawer drawer(pack, key, false, true);
    task = drawer.draw();
    applied = task != nullptr && leave_out_parameter(*task, drawer.words, random);
  } else {
    task = draw_base_task(pack, key, variant == Variant::long_context, false);
    if (variant == Variant::missing_function && task != nullptr) {
      applied = withhold_function(pack, *task, random);
    }
    applied = applied && variant != Variant::missing_parameter;
  }
  if (task != nullptr && applied) task->variant = variant;
  return task == nullptr || applied ? task : nullptr;
}

const std::array<std::pair<std::string_view, std::string_view>, kRenamesMax> kVerbs = {{
    {"get_", "fetch_"}, {"list_", "enumerate_"}, {"find_", "look_up_"}, {"create_", "open_new_"},
    {"add_", "attach_"}, {"remove_", "drop_"}, {"delete_", "erase_"}, {"cancel_", "call_off_"},
    {"set_", "configure_"}, {"update_", "revise_"}, {"check_", "inspect_"}, {"send_", "dispatch_"},
    {"search_", "query_"}, {"book_", "reserve_"}}};

std::string renamed(const std::string& name) {
  for (const auto& [from, to] : kVerbs) {
    if (name.starts_with(from)) return std::string(to) + name.substr(from.size());
  }
  return "do_" + name;
}

}  // namespace

bool assertions_hold(const UserTurn& turn, const Value& state) {
  return std::all_of(turn.assertions.begin(), turn.assertions.end(), [&](const Assertion& that) {
    Evaluation evaluation;
    evaluation.state = &state;
    evaluation.locals = turn.locals;
    return that->evaluate(evaluation).boolean() && evaluation.ok();
  });
}

bool run_gold(const Api& api, UserTurn& turn, Value& state) {
  turn.results.clear();
  for (const GoldCall& call : turn.gold) {
    const Tool* tool = api.find(call.tool);
    if (tool == nullptr) return false;
    CallAnswer answer = call_tool(api, *tool, call.arguments, state);
    if (!answer.ok) return false;
    turn.results.push_back(std::move(answer.value));
  }
  turn.after = state;
  return true;
}

std::shared_ptr<TaskInstance> draw_base_task(const Pack& pack, RandomKey key, bool inflated,
                                             bool with_words) {
  if (!pack.tasks.empty() && pack.snippets.empty()) return written_task(pack, key);
  return TaskDrawer(pack, key, inflated, with_words).draw();
}

std::shared_ptr<const TaskInstance> draw_task(const Pack& pack, RandomKey key, Variant variant) {
  if (variant == Variant::base) return draw_base_task(pack, key, false, false);
  for (std::uint64_t attempt = 0; attempt < kTasksTried; ++attempt) {
    auto task = try_variant(pack, attempt == 0 ? key : key.split(attempt), variant);
    if (task != nullptr) return task;
  }
  return draw_base_task(pack, key, false, false);
}

void rename_tools(Pack& pack) {
  const auto rename_call = [](std::string& tool, auto& arguments) {
    tool = renamed(tool);
    for (auto& argument : arguments) argument.first += "_value";
  };
  for (Snippet& snippet : pack.snippets) {
    for (GoldTemplate& gold : snippet.gold) rename_call(gold.tool, gold.arguments);
  }
  for (FixedTask& task : pack.tasks) {
    for (FixedTurn& turn : task.turns) {
      for (GoldCall& call : turn.gold) {
        call.tool = renamed(call.tool);
        Json arguments = Json::object();
        for (const auto& [name, value] : call.arguments.items()) arguments[name + "_value"] = value;
        call.arguments = std::move(arguments);
      }
    }
  }
  for (Tool& tool : pack.api.tools) {
    tool.name = renamed(tool.name);
    for (Parameter& parameter : tool.parameters) parameter.name += "_value";
  }
}

}  // namespace turnhalle::tool_api
