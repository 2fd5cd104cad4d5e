// The sanity suite on every pack that comes with the program: what must score 1, and what 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/scenario.h"
#include "envs/tool_api/random_call.h"
#include "tests/envs/tool_api/packs.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::uint64_t kTasks = 60;

class EveryPack : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const EnvironmentFamily> family() const { return family_of_pack(GetParam()); }
};

TEST_P(EveryPack, GoldScoresOneAndFloorsNothing) {
  const auto pack = family();
  double random = 0.0;
  double transfer = 0.0;
  for (std::uint64_t number = 0; number < kTasks; ++number) {
    const Task task = task_number(number);
    EXPECT_EQ(played_by(*pack, "expert", task), 1.0) << number;
    EXPECT_EQ(played_by(*pack, "nothing", task), 0.0) << number;
    EXPECT_EQ(played_by(*pack, "spam", task), 0.0) << number;
    transfer += played_by(*pack, "transfer", task);
    random += played_by(*pack, "random", task);
  }
  EXPECT_LE(transfer, 0.02 * kTasks);
  EXPECT_LE(random, 0.02 * kTasks);
}

TEST_P(EveryPack, ExtraReadsAreFree) {
  const auto pack = family();
  for (std::uint64_t number = 0; number < kTasks; ++number) {
    Episode episode(*pack, task_number(number));
    Random random(task_number(number).task.split("reads"));
    while (episode.running()) {
      for (const Tool* tool : episode.session().offered()) {
        if (tool->kind != ToolKind::read || !tool->parameters.empty()) continue;
        episode.call(tool->name, Json::object());
      }
      // Calls that are made already, again.
      for (const GoldCall& gold : episode.turn().gold) {
        const Tool* tool = episode.session().fixed().pack.api.find(gold.tool);
        if (tool->kind == ToolKind::read) episode.call(gold.tool, gold.arguments);
      }
      episode.call_gold(episode.turn().gold);
      episode.say_gold();
    }
    EXPECT_EQ(episode.reward, 1.0) << number;
  }
}

// Some call that changes what is compared. False when none is found.
bool call_something_else(Episode& episode, Random& random) {
  const Session& session = episode.session();
  const Pack& pack = session.fixed().pack;
  for (const Tool* tool : session.offered()) {
    if (tool->kind != ToolKind::write) continue;
    ArgumentDrawer drawer(session.state(), random);
    for (int attempt = 0; attempt < 30; ++attempt) {
      const Json arguments = drawer.arguments(*tool);
      Value state = session.state();
      const CallAnswer answer = call_tool(pack.api, *tool, arguments, state);
      if (!answer.ok || same_state(state, session.state(), pack.api.rules)) continue;
      episode.call(tool->name, arguments);
      return true;
    }
  }
  return false;
}

TEST_P(EveryPack, AnExtraWriteFails) {
  const auto pack = family();
  int tried = 0;
  for (std::uint64_t number = 0; number < kTasks; ++number) {
    Episode episode(*pack, task_number(number));
    Random random(task_number(number).task.split("write"));
    while (episode.running() && episode.session().turn() + 1 < std::ssize(episode.task().turns)) {
      episode.call_gold(episode.turn().gold);
      episode.say_gold();
    }
    episode.call_gold(episode.turn().gold);
    const bool changed = call_something_else(episode, random);
    tried += changed ? 1 : 0;
    episode.say_gold();
    EXPECT_EQ(episode.reward, changed ? 0.0 : 1.0) << number;
  }
  EXPECT_GT(tried, static_cast<int>(kTasks / 2));
}

// Whether two neighbouring calls do the same in both orders.
bool are_independent(const Pack& pack, const Value& state, const GoldCall& a, const GoldCall& b) {
  UserTurn forth;
  forth.gold = {a, b};
  UserTurn back;
  back.gold = {b, a};
  Value first = state;
  Value second = state;
  return run_gold(pack.api, forth, first) && run_gold(pack.api, back, second) &&
         same_state(first, second, pack.api.rules) && equal(forth.results[0], back.results[1]) &&
         equal(forth.results[1], back.results[0]);
}

TEST_P(EveryPack, IndependentCallsMayBeSwapped) {
  const auto pack = family();
  int swapped = 0;
  for (std::uint64_t number = 0; number < kTasks; ++number) {
    Episode episode(*pack, task_number(number));
    while (episode.running()) {
      std::vector<GoldCall> calls = episode.turn().gold;
      for (std::size_t i = 0; i < calls.size(); ++i) {
        const bool can = i + 1 < calls.size() &&
                         are_independent(episode.session().fixed().pack, episode.session().state(),
                                         calls[i], calls[i + 1]);
        if (can) {
          std::swap(calls[i], calls[i + 1]);
          ++swapped;
        }
        episode.call(calls[i].tool, calls[i].arguments);
        if (can) episode.call(calls[i + 1].tool, calls[i + 1].arguments);
        i += can ? 1 : 0;
      }
      episode.say_gold();
    }
    EXPECT_EQ(episode.reward, 1.0) << number;
  }
  EXPECT_GT(swapped, 0);
}

// Numbers written with a point, where they have no fraction.
Json with_points(const Json& json) {
  if (json.is_number_integer()) return json.get<double>();
  if (!json.is_structured()) return json;
  Json copy = json;
  for (Json& item : copy) item = with_points(item);
  return copy;
}

TEST_P(EveryPack, TheSpellingOfNumbersDoesNotCount) {
  const auto pack = family();
  for (std::uint64_t number = 0; number < kTasks; ++number) {
    Episode episode(*pack, task_number(number));
    while (episode.running()) {
      for (const GoldCall& gold : episode.turn().gold) {
        episode.call(gold.tool, with_points(gold.arguments));
      }
      episode.say_gold();
    }
    EXPECT_EQ(episode.reward, 1.0) << number;
  }
}

TEST_P(EveryPack, LeavingOutAnyNeededCallFails) {
  const auto pack = family();
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Task task = task_number(number);
    const std::size_t turns = Episode(*pack, task).task().turns.size();
    for (std::size_t left_out = 0; left_out < turns; ++left_out) {
      Episode episode(*pack, task);
      const auto& gold = episode.task().turns[left_out].gold;
      const auto needed = std::find_if(gold.begin(), gold.end(),
                                       [](const GoldCall& call) { return !call.optional; });
      if (needed == gold.end()) continue;
      while (episode.running()) {
        if (episode.session().turn() != static_cast<std::int64_t>(left_out)) {
          episode.call_gold(episode.turn().gold);
        }
        episode.say_gold();
      }
      EXPECT_EQ(episode.reward, 0.0) << number << " " << left_out;
    }
  }
}

TEST_P(EveryPack, TrainAndTestTasksNeverMeet) {
  const auto pack = family();
  std::set<std::string> seen;
  std::set<std::string> tools;
  const auto environment = pack->make();
  for (const Split split : {Split::train, Split::test}) {
    const std::int64_t count = split == Split::train ? 500 : 100;
    for (std::int64_t number = 0; number < count; ++number) {
      const RandomKey key = RunSeed{1, split, 0}.tasks({number}).split("task");
      environment->reset({key, key, 0, 0});
      const auto& session = dynamic_cast<const Session&>(*environment);
      ASSERT_NE(session.task(), nullptr) << number;
      std::string text = canonical_text(session.task()->initial);
      for (const UserTurn& turn : session.task()->turns) {
        text += turn.say;
        for (const GoldCall& call : turn.gold) tools.insert(call.tool);
      }
      EXPECT_TRUE(seen.insert(text).second) << number << " is drawn twice";
      EXPECT_GE(session.task()->turns.size(), 1U);
    }
  }
  EXPECT_EQ(seen.size(), 600U);
  EXPECT_GE(tools.size(), 5U);
}

TEST_P(EveryPack, VariantsAreSolvableToo) {
  for (const std::string& variant : kVariantNames) {
    const auto pack = family_of_pack(GetParam(), ", \"variants\": [\"" + variant + "\"]");
    int applied = 0;
    for (std::uint64_t number = 0; number < 25; ++number) {
      const Task task = task_number(number);
      EXPECT_EQ(played_by(*pack, "expert", task), 1.0) << variant << " " << number;
      EXPECT_EQ(played_by(*pack, "nothing", task), 0.0) << variant << " " << number;
      const Episode episode(*pack, task);
      applied += kVariantNames[static_cast<std::size_t>(episode.task().variant)] == variant;
    }
    EXPECT_GE(applied, 20) << variant;
  }
}

INSTANTIATE_TEST_SUITE_P(ToolApi, EveryPack, testing::ValuesIn(pack_names()),
                         [](const auto& item) { return item.param; });

}  // namespace
}  // namespace turnhalle::tool_api
