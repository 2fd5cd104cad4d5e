// Task sequences: packings, contexts and what destroys them, rewards, both styles of wording.
#include "envs/task_sequence.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "core/recorder.h"
#include "envs/all.h"

namespace turnhalle {
namespace {

constexpr const char* kBegin = "--- Start of updated hints ---";
constexpr const char* kEnd = "--- End of updated hints ---";

std::string hints(const std::string& text) {
  return "I thought.\n" + std::string(kBegin) + "\n" + text + "\n" + kEnd + "\n";
}

// guess_number with S tasks: the simplest environment that ships.
Scenario guessing(Json lifecycle, PromptStyle style = PromptStyle::paper) {
  static const EnvironmentRegistry registry = all_environments();
  const Json document = {
      {"kind", "scenario"},
      {"version", 1},
      {"environment", "guess_number"},
      {"style", style == PromptStyle::paper ? "paper" : "compact"},
      {"options", {{"low", 1}, {"high", 100}, {"guesses", 5}}},
      {"lifecycle", std::move(lifecycle)},
      {"reward", {{"turn_penalty", 0.5}, {"context_format_penalty", 0.25}}}};
  return scenario_from({"", document.dump(), document}, registry).value();
}

struct Episode {
  EpisodeStart start;
  EpisodeEnd end;
};

class EpisodeRecorder final : public Recorder {
 public:
  explicit EpisodeRecorder(std::vector<Episode>& episodes) : episodes_(episodes) {}
  void episode_started(std::int64_t, const EpisodeStart& start) override {
    episodes_.push_back({start, {}});
  }
  void turn_played(const TurnRecord&) override {}
  void episode_ended(std::int64_t, const EpisodeEnd& end) override { episodes_.back().end = end; }
  void lifecycle_ended() override {}

 private:
  std::vector<Episode>& episodes_;
};

// A played world and what it was told.
struct Game {
  explicit Game(const Scenario& played, std::int64_t index = 0, std::int64_t trial = 0)
      : scenario(played),
        world(make_lifecycle(scenario, {1, Split::test, trial}, {index}),
              {{index}, RandomKey::from_seed(1), scenario.limits},
              std::make_unique<EpisodeRecorder>(episodes)) {
    world.start();
  }
  void say(const std::string& text) {
    AgentReply reply;
    reply.text = text;
    world.deliver(std::move(reply));
  }
  std::int64_t secret() const { return world.lifecycle().environment().hidden_state()["secret"]; }
  std::string right() const { return std::to_string(secret()); }
  std::string wrong() const { return secret() == 1 ? "2" : "1"; }
  EpisodeKind kind() const { return world.conversation().kind; }

  const Scenario& scenario;
  std::vector<Episode> episodes;
  World world;
};

std::string text_of(const EpisodeStart& start, Role role) {
  for (const Message& message : start.messages) {
    if (message.role == role) return message.content;
  }
  return "";
}

TEST(TaskSequence, AlternatesTasksAndUpdatesAndNumbersThemByFirstUse) {
  const Scenario scenario = guessing({{"tasks", 3}});
  Game game(scenario);
  for (int task = 0; task < 3; ++task) {
    game.say(game.right());
    if (task < 2) game.say(hints("h" + std::to_string(task)));
  }
  EXPECT_TRUE(game.world.finished());
  ASSERT_EQ(game.episodes.size(), 5U);
  const std::vector<std::int64_t> positions = {0, 1, 1, 2, 2};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(game.episodes[i].start.position, positions[i]);
    EXPECT_EQ(game.episodes[i].start.kind,
              i % 2 == 0 ? EpisodeKind::solve : EpisodeKind::update_context);
    EXPECT_TRUE(game.episodes[i].end.success);
  }
  EXPECT_EQ(game.episodes[2].start.context, "Hints: h0");
  EXPECT_EQ(game.episodes[4].start.context, "Hints: h1");
}

TEST(TaskSequence, DoesNotStopEarlyWhenATaskIsLost) {
  const Scenario scenario = guessing({{"tasks", 2}});
  Game game(scenario);
  game.say("no number");
  EXPECT_EQ(game.episodes[0].end.outcome, Outcome::agent_error);
  EXPECT_EQ(game.episodes[0].end.reward, 0.0);
  EXPECT_EQ(game.kind(), EpisodeKind::update_context);
}

TEST(TaskSequence, WithoutUpdatesTheTasksFollowEachOther) {
  const Scenario scenario = guessing({{"tasks", 3}, {"update_context", false}});
  Game game(scenario);
  for (int task = 0; task < 3; ++task) game.say(game.right());
  EXPECT_TRUE(game.world.finished());
  EXPECT_EQ(game.episodes.size(), 3U);
  EXPECT_EQ(text_of(game.episodes[2].start, Role::system).find("# Hints"), std::string::npos);
}

TEST(TaskSequence, ThePapersUpdateIsAFreshConversationWithTheWholeRecord) {
  const Scenario scenario = guessing({{"tasks", 2}});
  Game game(scenario);
  const std::string placeholder = game.episodes[0].start.context;
  const std::string first_observation = game.world.conversation().messages.back().content;
  const std::string wrong = game.wrong();
  game.say(wrong);
  const std::string second_observation = game.world.conversation().messages.back().content;
  const std::string right = game.right();
  game.say(right);
  const EpisodeStart& update = game.episodes[1].start;
  EXPECT_FALSE(update.continues);
  EXPECT_EQ(update.turns_max, 1);
  const std::string system = text_of(update, Role::system);
  EXPECT_NE(system.find(kBegin), std::string::npos);
  EXPECT_NE(system.find(kEnd), std::string::npos);
  const std::string request = text_of(update, Role::user);
  EXPECT_TRUE(request.starts_with("# Previous hints\n" + placeholder + "\n")) << request;
  EXPECT_NE(request.find("## Step 1\nObservation: " + first_observation + "\nAction: " + wrong),
            std::string::npos)
      << request;
  EXPECT_NE(request.find("## Step 2\nObservation: " + second_observation + "\nAction: " + right),
            std::string::npos)
      << request;
  EXPECT_EQ(request.find("## Step 3"), std::string::npos);
  EXPECT_NE(request.find("\n\nReward: 0.8\nEnvironment feedback: " +
                         game.episodes[0].end.feedback),
            std::string::npos)
      << request;
}

TEST(TaskSequence, TheContextStandsInTheNextTasksSystemPrompt) {
  const Scenario scenario = guessing({{"tasks", 2}});
  Game game(scenario);
  game.say(game.right());
  game.say(hints("  The number is often large.  "));
  EXPECT_TRUE(text_of(game.episodes[2].start, Role::system)
                  .ends_with("\nHints: The number is often large."));
}

TEST(TaskSequence, TheCompactUpdateGoesOnInTheConversation) {
  const Scenario scenario = guessing({{"tasks", 2}}, PromptStyle::compact);
  Game game(scenario);
  game.say(game.right());
  const EpisodeStart& update = game.episodes[1].start;
  EXPECT_TRUE(update.continues);
  EXPECT_EQ(text_of(update, Role::user),
            game.episodes[0].end.feedback + "Reward 1\nNew hint:");
  game.say("<hint> try 7</hint>");
  EXPECT_TRUE(game.episodes[1].end.success);
  EXPECT_EQ(text_of(game.episodes[2].start, Role::system), "Hint: try 7</hint>\n");
}

TEST(TaskSequence, AnUnreadableUpdateDestroysTheContextAndCostsThePenalty) {
  const std::string twice = hints("a") + hints("b");
  const std::string reversed = std::string(kEnd) + "\n" + kBegin;
  for (const std::string& reply : {std::string("no lines"), std::string(kBegin), twice, reversed}) {
    const Scenario scenario = guessing({{"tasks", 3}});
    Game game(scenario);
    game.say(game.right());
    game.say(hints("worth keeping"));
    game.say(game.right());
    game.say(reply);
    const Episode& update = game.episodes[3];
    EXPECT_EQ(update.end.outcome, Outcome::agent_error);
    EXPECT_FALSE(update.end.success);
    EXPECT_EQ(update.end.reward, -0.25);
    EXPECT_EQ(game.episodes[4].start.context, scenario.family->context_words().failed);
  }
}

TEST(TaskSequence, LongContextsAreCutBetweenCharacters) {
  const Scenario scenario = guessing({{"tasks", 2}, {"context_bytes_max", 10}});
  Game game(scenario);
  game.say(game.right());
  game.say(hints("abcdef"));
  EXPECT_EQ(game.episodes[2].start.context, "Hints: abc");
}

TEST(TaskSequence, AFixedContextPlaysUpdatesAndShowsThePlaceholder) {
  const Scenario scenario = guessing({{"tasks", 3}, {"fixed_context", true}});
  Game game(scenario);
  const std::string placeholder = scenario.family->context_words().placeholder;
  game.say(game.right());
  game.say(hints("is not shown"));
  EXPECT_EQ(game.episodes[1].end.reward, 0.0);
  EXPECT_EQ(game.episodes[2].start.context, placeholder);
  game.say(game.right());
  game.say("unreadable");
  EXPECT_EQ(game.episodes[3].end.reward, -0.25);
  EXPECT_EQ(game.episodes[4].start.context, placeholder);
}

// Success in n of T turns gives 1 − c·n/T; here c = 0.5 and T = 5.
TEST(TaskSequence, ShapesTheRewardByTheTurns) {
  const Scenario scenario = guessing({{"tasks", 1}});
  for (int turns = 1; turns <= 4; ++turns) {
    Game game(scenario);
    for (int i = 1; i < turns; ++i) game.say(game.wrong());
    game.say(game.right());
    const EpisodeEnd& end = game.episodes[0].end;
    EXPECT_TRUE(end.success);
    EXPECT_DOUBLE_EQ(end.reward.value(), 1.0 - 0.5 * turns / 5.0);
    double sum = 0.0;
    for (const RewardPart& part : end.parts) sum += part.value;
    EXPECT_DOUBLE_EQ(sum, end.reward.value());
  }
}

TEST(TaskSequence, AFaultAroundItEndsItWithoutAReward) {
  const Scenario scenario = guessing({{"tasks", 3}});
  for (const bool in_update : {false, true}) {
    Game game(scenario);
    if (in_update) game.say(game.right());
    AgentReply reply;
    reply.failure = ReplyFailure::infrastructure;
    game.world.deliver(reply);
    EXPECT_TRUE(game.world.finished());
    EXPECT_FALSE(game.episodes.back().end.reward.has_value());
    EXPECT_EQ(game.episodes.size(), in_update ? 2U : 1U);
  }
}

std::vector<std::int64_t> secrets_of(const Scenario& scenario, std::int64_t index,
                                     std::int64_t trial = 0) {
  Game game(scenario, index, trial);
  std::vector<std::int64_t> secrets;
  while (!game.world.finished()) {
    secrets.push_back(game.secret());
    game.say(game.right());
    if (!game.world.finished()) game.say(hints("h"));
  }
  return secrets;
}

TEST(Packing, ASequenceHasDifferentTasksThatTheTrialDoesNotMove) {
  const Scenario scenario = guessing({{"tasks", 4}});
  const std::vector<std::int64_t> secrets = secrets_of(scenario, 0);
  ASSERT_EQ(secrets.size(), 4U);
  EXPECT_GT(std::set<std::int64_t>(secrets.begin(), secrets.end()).size(), 2U);
  EXPECT_EQ(secrets_of(scenario, 0, 3), secrets);
  EXPECT_NE(secrets_of(scenario, 1), secrets);
}

TEST(Packing, RalphSampleRepeatsTheFirstTaskOfTheSequence) {
  const Scenario sequence = guessing({{"tasks", 4}});
  const Scenario ralph = guessing({{"tasks", 4}, {"packing", "ralph_sample"}});
  for (std::int64_t index = 0; index < 5; ++index) {
    const std::int64_t first = secrets_of(sequence, index).front();
    EXPECT_EQ(secrets_of(ralph, index), std::vector<std::int64_t>(4, first));
  }
}

TEST(Packing, RalphFullMakesALifecycleOfEveryTaskOfTheSequence) {
  const Scenario sequence = guessing({{"tasks", 4}});
  const Scenario ralph = guessing({{"tasks", 4}, {"packing", "ralph_full"}});
  for (std::int64_t run = 0; run < 3; ++run) {
    const std::vector<std::int64_t> secrets = secrets_of(sequence, run);
    for (std::int64_t task = 0; task < 4; ++task) {
      EXPECT_EQ(secrets_of(ralph, 4 * run + task),
                std::vector<std::int64_t>(4, secrets[static_cast<std::size_t>(task)]));
    }
  }
}

// The mapping of directions is hidden and one for the whole lifecycle, in every packing.
TEST(Packing, TheHiddenWorldIsOneInALifecycleAndAnotherInTheNext) {
  static const EnvironmentRegistry registry = all_environments();
  Json document = read_json(std::string(TURNHALLE_SOURCE_DIR) +
                            "/scenarios/frozen_lake_obscure_easy.json")
                      .value()
                      .root;
  for (const std::string packing : {"sequence", "ralph_sample", "ralph_full"}) {
    document["lifecycle"]["packing"] = packing;
    const Scenario scenario = scenario_from({"", document.dump(), document}, registry).value();
    std::set<std::string> mappings;
    for (std::int64_t index = 0; index < 12; ++index) {
      Game game(scenario, index);
      std::set<std::string> in_lifecycle;
      while (!game.world.finished()) {
        if (game.kind() == EpisodeKind::solve) {
          const Json state = game.world.lifecycle().environment().hidden_state();
          ASSERT_TRUE(state.contains("buttons")) << state.dump();
          in_lifecycle.insert(state["buttons"].dump());
        }
        game.say("nonsense");
      }
      EXPECT_EQ(in_lifecycle.size(), 1U);
      mappings.insert(*in_lifecycle.begin());
    }
    EXPECT_GE(mappings.size(), 2U);
  }
}

}  // namespace
}  // namespace turnhalle
