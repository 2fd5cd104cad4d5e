#include "envs/tool_api/lint.h"

#include <algorithm>
#include <set>

#include "core/text.h"
#include "envs/tool_api/checker.h"
#include "envs/tool_api/random_call.h"

namespace turnhalle::tool_api {
namespace {

constexpr int kBlindCalls = 12;  // of each tool on each state

// Whether each turn of a task passes when its gold calls are made (or nothing is done).
bool passes(const Pack& pack, const TaskInstance& task, bool gold, std::string& failed) {
  std::vector<CallRecord> calls;
  const Value* state = &task.initial;
  bool all = true;
  for (std::size_t i = 0; i < task.turns.size(); ++i) {
    const UserTurn& turn = task.turns[i];
    std::string said = "Done.";
    if (gold) {
      state = &turn.after;
      for (std::size_t k = 0; k < turn.gold.size(); ++k) {
        std::vector<Value> arguments;
        const Tool& tool = *pack.api.find(turn.gold[k].tool);
        bind_arguments(tool, turn.gold[k].arguments, arguments);
        calls.push_back({hash_of_call(tool, arguments), hash_of(tool.name),
                         hash_of(canonical_text(turn.results[k])), static_cast<std::int64_t>(i)});
      }
      if (!turn.refuse.empty()) said = "Sorry: " + turn.refuse.front() + ".";
      for (const std::string& part : turn.communicate) said += " " + part + ".";
    }
    const TurnScore score = check_turn(pack, turn, {*state, calls, said});
    if (!score.passed() && all) {
      failed = "turn " + std::to_string(i + 1) + " (" +
               kBasisNames[static_cast<std::size_t>(score.failed.front())] + ")";
    }
    all = all && score.passed();
  }
  return all;
}

class PackChecker {
 public:
  PackChecker(const Pack& pack, std::uint64_t tasks) : pack_(pack), tasks_(tasks) {
    for (const Tool& tool : pack.api.tools) {
      reached_.emplace_back(tool.conditions.size(), false);
    }
  }

  PackReport check() {
    if (!pack_.snippets.empty()) {
      for (std::uint64_t number = 0; number < tasks_; ++number) check_drawn(number);
    } else {
      for (const FixedTask& task : pack_.tasks) check_written(task);
    }
    report_tools();
    report_conditions();
    for (const Snippet& snippet : pack_.snippets) {
      if (!seen_.contains(snippet.name)) {
        report_.warnings.push_back("the snippet " + in_quotes(snippet.name) + " is never drawn");
      }
    }
    report_.checks.push_back("tasks: " + std::to_string(looked_at_) +
                             " played with their gold calls and without");
    return std::move(report_);
  }

 private:
  void check_drawn(std::uint64_t number) {
    const RandomKey key = RandomKey::from_seed(1).split("check").split(number);
    const auto task = draw_task(pack_, key, Variant::base);
    if (task == nullptr) {
      add_error("the templates give no task for draw " + std::to_string(number));
    } else {
      check_task(*task, "the drawn task " + in_quotes(task->id));
    }
  }

  void check_written(const FixedTask& fixed) {
    Pack single;
    single.api = pack_.api;
    single.tasks = {fixed};
    const auto task = draw_task(single, RandomKey{}, Variant::base);
    if (task == nullptr) {
      add_error("task " + in_quotes(fixed.id) + ": " + why_refused(fixed));
    } else {
      check_task(*task, "task " + in_quotes(fixed.id));
    }
  }

  std::string why_refused(const FixedTask& fixed) const {
    Value state = fixed.initial;
    for (std::size_t i = 0; i < fixed.turns.size(); ++i) {
      for (const GoldCall& call : fixed.turns[i].gold) {
        const Tool* tool = pack_.api.find(call.tool);
        if (tool == nullptr) continue;
        const CallAnswer answer = call_tool(pack_.api, *tool, call.arguments, state);
        if (!answer.ok) {
          return "the gold call of " + call.tool + " in turn " + std::to_string(i + 1) +
                 " is refused: " + one_line(canonical_text(answer.value));
        }
      }
    }
    return "an assertion does not hold after the gold calls";
  }

  void check_task(const TaskInstance& task, const std::string& name) {
    ++looked_at_;
    std::string failed;
    if (!passes(pack_, task, true, failed)) {
      add_error(name + " is not solved by its gold calls: " + failed);
    }
    if (passes(pack_, task, false, failed)) add_error(name + " is solved by doing nothing");
    for (const UserTurn& turn : task.turns) {
      seen_.insert(turn.name);
      for (const GoldCall& call : turn.gold) used_.insert(call.tool);
      if (looked_at_ <= 12) call_blindly(turn.after);
    }
    if (looked_at_ <= 12) call_blindly(task.initial);
  }

  void call_blindly(const Value& state) {
    ArgumentDrawer drawer(state, random_);
    for (std::size_t i = 0; i < pack_.api.tools.size(); ++i) {
      for (int k = 0; k < kBlindCalls; ++k) {
        Value changed = state;
        const Tool& tool = pack_.api.tools[i];
        const CallAnswer answer = call_tool(pack_.api, tool, drawer.arguments(tool), changed);
        if (answer.condition >= 0) reached_[i][static_cast<std::size_t>(answer.condition)] = true;
      }
    }
  }

  void report_tools() {
    std::vector<std::string> unused;
    for (const Tool& tool : pack_.api.tools) {
      if (!used_.contains(tool.name)) unused.push_back(tool.name);
    }
    if (unused.empty()) {
      report_.checks.push_back("tools: all are called by some task");
    } else {
      report_.warnings.push_back("tools that no task calls: " + join(unused, ", "));
    }
  }

  void report_conditions() {
    bool all = true;
    for (std::size_t i = 0; i < reached_.size(); ++i) {
      const Tool& tool = pack_.api.tools[i];
      for (std::size_t k = 0; k < reached_[i].size(); ++k) {
        if (tool.conditions[k].is_let || reached_[i][k]) continue;
        all = false;
        report_.warnings.push_back("the error " + in_quotes(tool.conditions[k].code) + " of " +
                                   tool.name + " (condition " + std::to_string(k + 1) +
                                   ") was never met by blind calls");
      }
    }
    if (all) report_.checks.push_back("errors: all were met");
  }

  static std::string join(const std::vector<std::string>& names, std::string_view separator) {
    return turnhalle::join(names, separator);
  }

  // At most a few of the same kind.
  void add_error(std::string text) {
    if (report_.errors.size() < 10) report_.errors.push_back(std::move(text));
  }

  const Pack& pack_;
  std::uint64_t tasks_;
  PackReport report_;
  Random random_{RandomKey::from_seed(2)};
  std::vector<std::vector<bool>> reached_;  // of each tool's conditions
  std::set<std::string> used_;
  std::set<std::string> seen_;
  std::uint64_t looked_at_ = 0;
};

}  // namespace

PackReport check_pack(const Pack& pack, std::uint64_t tasks) {
  return PackChecker(pack, tasks).check();
}

}  // namespace turnhalle::tool_api
