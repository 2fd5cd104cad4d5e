// The list of core/env_check.h finds what is wrong: an environment with one fault at a time fails
// the check that is about it, and one without passes.
#include "core/env_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "envs/task_sequence.h"

namespace turnhalle {
namespace {

enum class Fault : std::uint8_t {
  none,
  chance_from_outside,
  forgets_in_snapshot,
  plays_on_after_the_end,
  reward_out_of_bounds,
  parts_do_not_add_up,
  breaks_on_bad_replies,
  broken_utf8,
  keeps_the_episode_before,
  expert_is_no_better,
  ignores_unknown_options,
  lists_a_missing_player,
  word_outside_its_chunks,
};

std::atomic<std::uint64_t> outside = 0;  // a hidden global, as a faulty environment may have

// Heads or tails, three times; the side is shown, naming it gives a third.
class Coins final : public Environment {
 public:
  Coins(const EnvironmentSpec& spec, Fault fault) : spec_(spec), fault_(fault) {}

  const EnvironmentSpec& spec() const override { return spec_; }
  std::int64_t side() const { return side_; }

  Opening reset(const Task& task) override {
    if (fault_ != Fault::keeps_the_episode_before) seed_ = 0;
    seed_ += Random(task.task).below(1 << 20);
    turn_ = 0;
    over_ = false;
    flip();
    return {"", text()};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    if (over_ && fault_ != Fault::plays_on_after_the_end) {
      result.outcome = Outcome::done;
      return result;
    }
    if (reply.text != "0" && reply.text != "1") {
      const bool broken = fault_ == Fault::breaks_on_bad_replies;
      result.outcome = broken ? Outcome::environment_error : Outcome::agent_error;
      result.observation = fault_ == Fault::broken_utf8 ? "\xff" : "no";
      over_ = true;
      return result;
    }
    if (reply.text == std::to_string(side_)) {
      result.reward = fault_ == Fault::reward_out_of_bounds ? 2.0 : 1.0 / 3.0;
      result.parts.push_back({"hit", fault_ == Fault::parts_do_not_add_up ? 0.5 : result.reward});
    }
    ++turn_;
    over_ = turn_ >= 3;
    flip();
    result.outcome = over_ ? Outcome::done : Outcome::running;
    result.observation = over_ ? "over" : text();
    return result;
  }

  StepResult advance(const Event&, Scheduler&) override { return {}; }

  void snapshot(ByteWriter& out) const override {
    out.u64(seed_);
    out.i64(fault_ == Fault::forgets_in_snapshot ? 0 : turn_);
    out.i64(side_);
    out.u8(over_ ? 1 : 0);
  }
  bool restore(ByteReader& in) override {
    seed_ = in.u64();
    turn_ = in.i64();
    side_ = in.i64();
    over_ = in.u8() != 0;
    return in.ok();
  }
  Json hidden_state() const override { return {{"side", side_}}; }

 private:
  void flip() {
    const RandomKey key = RandomKey::from_seed(seed_).split(static_cast<std::uint64_t>(turn_));
    side_ = static_cast<std::int64_t>(Random(key).below(2));
    if (fault_ == Fault::chance_from_outside) {
      side_ = static_cast<std::int64_t>(philox({}, outside++)[0] & 1);
    }
  }
  std::string text() const {
    return (fault_ == Fault::word_outside_its_chunks ? "seite " : "side ") + std::to_string(side_);
  }

  const EnvironmentSpec& spec_;
  Fault fault_;
  std::uint64_t seed_ = 0;
  std::int64_t turn_ = 0;
  std::int64_t side_ = 0;
  bool over_ = true;
};

class CoinPlayer final : public Player {
 public:
  explicit CoinPlayer(bool looks) : looks_(looks) {}
  std::string play(const PlayerView& view, RandomKey key) override {
    if (view.kind == EpisodeKind::update_context) return "<hint>x</hint>";
    const auto& coins = dynamic_cast<const Coins&>(view.environment);
    return std::to_string(looks_ ? coins.side() : static_cast<std::int64_t>(Random(key).below(2)));
  }

 private:
  bool looks_;
};

class CoinFamily final : public EnvironmentFamily {
 public:
  explicit CoinFamily(Fault fault) : fault_(fault) {
    spec_.name = "coins";
    spec_.turns_max = 3;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  ContextWords context_words() const override {
    return {"x",
            "x",
            {"Hint:", "x", "</hint>\n", "<hint>", "</hint>", "side ", "0", "1", "no", "over",
             "Reward 0\nNew hint:", "Reward 1\nNew hint:"},
            {"0", "1", "</hint>"}};
  }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<Coins>(spec_, fault_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    if (role == "expert") {
      return std::make_unique<CoinPlayer>(fault_ != Fault::expert_is_no_better);
    }
    return role == "random" ? std::make_unique<CoinPlayer>(false) : nullptr;
  }

 private:
  Fault fault_;
  EnvironmentSpec spec_;
};

EnvironmentRegistry registry_with(Fault fault) {
  EnvironmentRegistry registry;
  std::vector<std::string> players = {"expert", "random"};
  if (fault == Fault::lists_a_missing_player) players.push_back("teacher");
  registry.add({"coins", "three coins", players,
                [fault](JsonObject options, PromptStyle) {
                  if (fault != Fault::ignores_unknown_options) options.finish();
                  return std::make_shared<const CoinFamily>(fault);
                },
                Json::object()});
  return registry;
}

std::vector<std::string> failed_checks(Fault fault) {
  const EnvironmentRegistry registry = registry_with(fault);
  const auto document = parse_json(
      R"({"kind":"scenario","version":1,"environment":"coins","style":"compact",
          "lifecycle":{"tasks":3}})",
      "coins.json");
  const Result<Scenario> scenario = scenario_from(*document, registry);
  EnvironmentCheckOptions options;
  options.lifecycles = 2;
  options.scored_lifecycles = 60;
  options.episodes_before = 20;
  std::vector<std::string> failed;
  for (const CheckLine& line : check_environment(*scenario, registry, make_lifecycle, options)) {
    if (!line.passed) failed.push_back(line.name);
  }
  return failed;
}

TEST(EnvCheck, PassesASoundEnvironment) {
  EXPECT_EQ(failed_checks(Fault::none), std::vector<std::string>{});
}

struct FaultCase {
  Fault fault;
  std::string check;
};

class FaultyEnvironment : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultyEnvironment, FailsTheCheckThatIsAboutIt) {
  const std::vector<std::string> failed = failed_checks(GetParam().fault);
  EXPECT_NE(std::find(failed.begin(), failed.end(), GetParam().check), failed.end())
      << "expected " << GetParam().check << " among: " << testing::PrintToString(failed);
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultyEnvironment,
                         testing::Values(FaultCase{Fault::chance_from_outside, "repeatable"},
                                         FaultCase{Fault::chance_from_outside, "threads"},
                                         FaultCase{Fault::forgets_in_snapshot, "forks"},
                                         FaultCase{Fault::plays_on_after_the_end, "ended"},
                                         FaultCase{Fault::reward_out_of_bounds, "rewards"},
                                         FaultCase{Fault::parts_do_not_add_up, "rewards"},
                                         FaultCase{Fault::breaks_on_bad_replies, "hostile"},
                                         FaultCase{Fault::broken_utf8, "hostile"},
                                         FaultCase{Fault::keeps_the_episode_before, "fresh"},
                                         FaultCase{Fault::expert_is_no_better, "expert"},
                                         FaultCase{Fault::ignores_unknown_options, "options"},
                                         FaultCase{Fault::lists_a_missing_player, "players"},
                                         FaultCase{Fault::word_outside_its_chunks, "chunks"}));

TEST(CountPieces, TakesTheLongestMatchAndNamesWhereItIsStuck) {
  const std::vector<std::string> pieces = {"a", "ab", "abc", "c"};
  EXPECT_EQ(count_pieces("abcabac", pieces), 4);
  EXPECT_EQ(count_pieces("", pieces), 0);
  std::size_t stuck = 0;
  EXPECT_EQ(count_pieces("abd", pieces, &stuck), -1);
  EXPECT_EQ(stuck, 2u);
}

}  // namespace
}  // namespace turnhalle
