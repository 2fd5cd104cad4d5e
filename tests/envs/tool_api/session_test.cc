// Episodes of tool_api: turns, checks, variants, latencies and faults; and the lists of errors
// that benchmarks of this kind have had.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/playthrough.h"
#include "core/scenario.h"
#include "envs/all.h"
#include "envs/task_sequence.h"
#include "tests/envs/tool_api/packs.h"

namespace turnhalle::tool_api {
namespace {

// A till with goods: two turns, a purchase and a question.
const char* const kTill = R"json({
  "kind": "api", "version": 1, "name": "till",
  "state": {"goods": "map<number>", "sold": "list<string>", "tags": "list<string>", "next": "int",
            "reads": "int", "calls": "int", "transfers": "int"},
  "initial_state": {"goods": {"tea": 2.5, "milk": 1}, "sold": [], "tags": [], "next": 7,
                    "reads": 0, "calls": 0, "transfers": 0},
  "log_fields": ["calls"], "unordered": ["tags"],
  "tools": [
    {"name": "price", "kind": "READ", "description": "Tells a price.",
     "params": [{"name": "good", "type": "string"}],
     "pre": [{"that": "good in state.goods", "error": "No {good}.", "code": "not_found",
              "hint": "There are {keys(state.goods)}."}],
     "returns": "{price: state.goods[good]}"},
    {"name": "count", "kind": "GENERIC", "description": "Counts its calls.",
     "effects": [{"inc": "state.calls", "by": 1}], "returns": "{calls: state.calls}"},
    {"name": "sell", "kind": "WRITE", "description": "Sells.",
     "params": [{"name": "good", "type": "string"},
                {"name": "amount", "type": "number", "default": 1}],
     "pre": [{"that": "good in state.goods", "error": "No {good}.", "code": "not_found"}],
     "effects": [{"append": "state.sold", "value": "good + ' ' + str(amount)"},
                 {"inc": "state.next", "by": 1}],
     "returns": "{number: state.next}"},
    {"name": "tag", "kind": "WRITE", "description": "Tags.",
     "params": [{"name": "tag", "type": "string"}],
     "effects": [{"append": "state.tags", "value": "tag"}], "returns": "{tags: len(state.tags)}"},
    {"name": "transfer_to_person", "kind": "WRITE", "description": "Hands over.",
     "effects": [{"inc": "state.transfers", "by": 1}], "returns": "{transferred: true}"},
    {"name": "nod", "kind": "WRITE", "side": "user", "description": "Nod.",
     "effects": [{"append": "state.tags", "value": "'nod'"}], "returns": "{nodded: true}"}],
  "tasks": [TASKS]})json";

const char* const kTwoTurns = R"json({"id": "two", "turns": [
  {"say": "Sell me two teas.", "gold": [{"tool": "sell", "args": {"good": "tea", "amount": 2}}]},
  {"say": "What does milk cost?", "gold": [{"tool": "price", "args": {"good": "milk"}}],
   "communicate": ["1"]}]})json";

std::shared_ptr<const EnvironmentFamily> till(const std::string& tasks = kTwoTurns,
                                              const std::string& more = "",
                                              const std::string& api_more = "") {
  std::string api = kTill;
  api.replace(api.find("TASKS"), 5, tasks);
  if (!api_more.empty()) api.insert(1, api_more + ", ");
  return family_of("{\"api\": " + api + more + "}");
}

std::shared_ptr<const EnvironmentFamily> till_of_turn(const std::string& turn,
                                                      const std::string& api_more = "") {
  return till(R"({"id": "one", "turns": [)" + turn + "]}", "", api_more);
}

std::string failed(const Episode& episode) {
  return episode.session().hidden_state().at("failed").dump();
}

TEST(ToolApi, IsPlayedTurnByTurn) {
  const auto family = till();
  Episode episode(*family, task_number(0));
  EXPECT_EQ(episode.opening.user, "Sell me two teas.");
  EXPECT_NE(episode.opening.system.find("\"name\":\"sell\""), std::string::npos);
  EXPECT_EQ(episode.call("sell", {{"good", "tea"}, {"amount", 2}}), Json({{"number", 8}}));
  episode.say("Sold.");
  EXPECT_EQ(episode.result.observation, "What does milk cost?");
  EXPECT_EQ(episode.call("price", {{"good", "milk"}}), Json({{"price", 1}}));
  episode.say("It costs 1.");
  EXPECT_EQ(episode.result.outcome, Outcome::done);
  EXPECT_EQ(episode.reward, 1.0);
  EXPECT_EQ(episode.result.observation, "The user is gone. Turn 1: good. Turn 2: good.");
}

TEST(ToolApi, AnswersBadCallsWithCodes) {
  const auto family = till();
  Episode episode(*family, task_number(0));
  const auto code = [&](const std::string& tool, const Json& arguments) {
    return episode.call(tool, arguments).value("code", "");
  };
  EXPECT_EQ(code("prise", {{"good", "tea"}}), "unknown_tool");
  EXPECT_EQ(episode.call("prise", Json::object()).value("hint", ""), "Did you mean \"price\"?");
  EXPECT_EQ(code("price", {{"good", "beer"}}), "not_found");
  EXPECT_EQ(code("price", Json::object()), "missing_parameter");
  EXPECT_EQ(code("price", {{"good", 1}}), "invalid_parameter");
  EXPECT_EQ(code("price", {{"good", "tea"}, {"x", 1}}), "unknown_parameter");
  EXPECT_EQ(code("price", Json("tea")), "invalid_arguments");
  EXPECT_EQ(code("", Json::object()), "malformed_call");
  EXPECT_EQ(episode.finish(), 1.0);
}

TEST(ToolApi, ReadsCallsOutOfText) {
  const auto family = till();
  Episode episode(*family, task_number(0));
  episode.say("Let me see. <tool_call>{\"name\": \"price\", \"arguments\": {\"good\": \"tea\"}}"
              "</tool_call><tool_call>{\"name\": \"sell\", \"arguments\": {\"good\": \"tea\","
              " \"amount\": 2}}</tool_call>");
  ASSERT_EQ(episode.result.tool_results.size(), 2U);
  EXPECT_EQ(episode.result.tool_results[0].content, "{\"price\":2.5}");
  EXPECT_EQ(episode.result.tool_results[1].content, "{\"number\":8}");
  EXPECT_NE(episode.result.tool_results[0].tool_call_id,
            episode.result.tool_results[1].tool_call_id);
  for (const std::string bad :
       {"<tool_call>", "<tool_call>x</tool_call>", "<tool_call>[1]</tool_call>",
        "<tool_call>{\"name\": 1}</tool_call>", "<tool_call>{\"name\": \"price\"} {}</tool_call>",
        "<tool_call>{\"name\": \"price\", \"name\": \"sell\"}</tool_call>",
        "<tool_call>```json\n{}\n```</tool_call>",
        "<tool_call>{\"name\": \"price\", \"args\": {}}</tool_call>"}) {
    episode.say(bad);
    ASSERT_EQ(episode.result.tool_results.size(), 1U) << bad;
    EXPECT_EQ(Json::parse(episode.result.tool_results[0].content).at("code"), "malformed_call");
  }
  std::string many;
  for (int i = 0; i < 40; ++i) many += "<tool_call>{\"name\": \"count\"}</tool_call>";
  episode.say(many);
  EXPECT_EQ(episode.result.tool_results.size(), 17U);
  EXPECT_EQ(episode.session().state().find("calls")->integer(), 16);
}

TEST(ToolApi, EndsWhereCallsNeverEnd) {
  const auto family = till(kTwoTurns, ", \"calls_per_turn\": 5");
  Episode episode(*family, task_number(0));
  for (int i = 0; i < 6; ++i) episode.call("count", Json::object());
  EXPECT_EQ(episode.result.outcome, Outcome::truncated);
  EXPECT_EQ(episode.reward, 0.0);
}

TEST(ToolApi, HintsAreAnOption) {
  for (const bool hints : {true, false}) {
    const auto family =
        till(kTwoTurns, std::string(", \"hints\": ") + (hints ? "true" : "false"));
    Episode episode(*family, task_number(0));
    EXPECT_EQ(episode.call("price", {{"good", "beer"}}).contains("hint"), hints);
  }
}

TEST(ToolApi, GivesDenseRewards) {
  const auto progress = till(kTwoTurns, ", \"reward\": \"progress\"");
  Episode half(*progress, task_number(0));
  half.say("Sold.");
  EXPECT_EQ(half.reward, 0.0);
  half.call("sell", {{"good", "tea"}, {"amount", 2}});
  half.call("price", {{"good", "milk"}});
  half.say("1.");
  EXPECT_EQ(half.reward, 0.5);
  EXPECT_EQ(Episode(*progress, task_number(0)).finish(), 1.0);

  const auto credit = till(kTwoTurns, ", \"reward\": \"credit\"");
  Episode named(*credit, task_number(0));
  named.call("sell", {{"good", "milk"}});
  named.say("Sold.");
  named.call("price", {{"good", "milk"}});
  named.say("1.");
  EXPECT_DOUBLE_EQ(named.reward, 0.9 * (0.3 + 1.0) / 2.0);
  Episode idle(*credit, task_number(0));
  idle.say("No.");
  idle.say("No.");
  EXPECT_EQ(idle.reward, 0.0);
}

// Regression list 1: what checkers of this kind have let pass, or failed wrongly ------------

TEST(KnownErrors, DoingNothingDoesNotPassARefusal) {
  const auto family = till_of_turn(R"({"say": "Sell me a car.", "refuse": ["cannot", "no cars"]})");
  Episode silent(*family, task_number(0));
  silent.say("Done.");
  EXPECT_EQ(silent.reward, 0.0);
  EXPECT_EQ(failed(silent), R"([["refusal"]])");
  Episode clear(*family, task_number(0));
  clear.say("I cannot do that.");
  EXPECT_EQ(clear.reward, 1.0);
}

TEST(KnownErrors, TheRightStateDoesNotReplaceRequiredCalls) {
  const std::string turn =
      R"({"say": "Check the price, then sell tea.",
          "gold": [{"tool": "price", "args": {"good": "tea"}},
          {"tool": "sell", "args": {"good": "tea"}}]})";
  for (const std::string basis : {"\"basis\": [\"state\", \"responses\"]",
                                  "\"basis\": [\"state\", \"actions\"]"}) {
    const auto family = till_of_turn(turn, basis);
    Episode hasty(*family, task_number(0));
    hasty.call("sell", {{"good", "tea"}});
    hasty.say("Sold.");
    EXPECT_EQ(hasty.reward, 0.0) << basis;
    EXPECT_EQ(Episode(*family, task_number(0)).finish(), 1.0) << basis;
  }
}

TEST(KnownErrors, TheOrderOfUnorderedListsDoesNotCount) {
  const auto family = till_of_turn(
      R"({"say": "Tag it a and b.",
          "gold": [{"tool": "tag", "args": {"tag": "a"}, "optional": true},
          {"tool": "tag", "args": {"tag": "b"}, "optional": true}]})");
  Episode episode(*family, task_number(0));
  episode.call("tag", {{"tag", "b"}});
  episode.call("tag", {{"tag", "a"}});
  episode.say("Done.");
  EXPECT_EQ(episode.reward, 1.0);
}

TEST(KnownErrors, FiveAndFivePointZeroAreTheSame) {
  const auto family = till();
  Episode episode(*family, task_number(0));
  episode.call("sell", {{"good", "tea"}, {"amount", 2.0}});
  episode.say("Done.");
  EXPECT_EQ(episode.finish(), 1.0);
}

TEST(KnownErrors, ExtraReadsAndLoggedCallsAreFree) {
  const auto family = till();
  Episode episode(*family, task_number(0));
  episode.call("count", Json::object());
  episode.call("price", {{"good", "tea"}});
  EXPECT_EQ(episode.finish(), 1.0);
}

TEST(KnownErrors, AnUnrequestedHandoverFailsAndARequestedOneCounts) {
  const auto family = till_of_turn(
      R"({"say": "Give me a person.", "gold": [{"tool": "transfer_to_person"}]})");
  EXPECT_EQ(Episode(*family, task_number(0)).finish(), 1.0);
  Episode refused(*family, task_number(0));
  refused.say("I am a person.");
  EXPECT_EQ(refused.reward, 0.0);
  const auto other = till();
  Episode over(*other, task_number(0));
  over.call("transfer_to_person", Json::object());
  EXPECT_EQ(over.finish(), 0.0);
}

TEST(KnownErrors, GoldThatIsRefusedIsNoTask) {
  const auto family = till_of_turn(
      R"({"say": "Sell beer.", "gold": [{"tool": "sell", "args": {"good": "beer"}}]})");
  Episode episode(*family, task_number(0));
  EXPECT_EQ(episode.session().task(), nullptr);
  episode.say("Done.");
  EXPECT_EQ(episode.result.outcome, Outcome::environment_error);
}

TEST(KnownErrors, PouringOutTheStateDoesNotTell) {
  const auto family = till_of_turn(
      R"({"say": "What does tea cost?", "gold": [{"tool": "price", "args": {"good": "tea"}}],
          "communicate": ["2.5"], "forbid": ["1.75"]})",
      "\"leaks_max\": 3");
  Episode spam(*family, task_number(0));
  spam.call("price", {{"good", "tea"}});
  spam.say("2.5 " + canonical_text(spam.session().state()) + std::string(200, '.'));
  EXPECT_EQ(failed(spam), R"([["forbidden"]])");
  Episode told(*family, task_number(0));
  told.call("price", {{"good", "tea"}});
  told.say("2.5, and not 1.75.");
  EXPECT_EQ(failed(told), R"([["forbidden"]])");
}

TEST(KnownErrors, RequiredTextsAreWholeWords) {
  EXPECT_TRUE(holds_words("It costs 1,250 euros.", "1250"));
  EXPECT_TRUE(holds_words("THE RED Lamp", "red lamp"));
  EXPECT_TRUE(holds_words("(7)", "7"));
  EXPECT_TRUE(holds_words("It is 7.", "7"));
  EXPECT_TRUE(holds_words("2.50 or 2.5", "2.5"));
  EXPECT_FALSE(holds_words("17", "7"));
  EXPECT_FALSE(holds_words("7.5", "7"));
  EXPECT_FALSE(holds_words("3.7", "7"));
  EXPECT_FALSE(holds_words("predates", "date"));
  EXPECT_FALSE(holds_words("2.50", "2.5"));
}

TEST(KnownErrors, TheUserSaysWhatTheScriptSays) {
  const auto family = till();
  for (const std::string words : {"Sold.", "Which passenger shall I add?", ""}) {
    Episode episode(*family, task_number(0));
    episode.say(words);
    EXPECT_EQ(episode.result.observation, "What does milk cost?");
  }
}

// Regression list 2: what has made scores of this kind differ between runs ------------------

TEST(Determinism, CountersChanceAndClockAreState) {
  const auto family = family_of_pack("trading");
  Episode one(*family, task_number(5));
  std::string bytes;
  const auto run_on = [](Episode& episode) {
    std::string text;
    for (int i = 0; i < 3; ++i) {
      text += episode.call("advance_market", Json::object()).dump();
      const Json order = {{"side", "buy"}, {"symbol", "NORD"}, {"amount", 1}};
      text += episode.call("place_order", order).dump();
      text += episode.call("get_stock_info", {{"symbol", "NORD"}}).dump();
    }
    return text;
  };
  Episode two(*family, task_number(5));
  const std::string first = run_on(one);
  EXPECT_EQ(first, run_on(two));
  EXPECT_EQ(state_hash(one.session().state(), {}), state_hash(two.session().state(), {}));
  EXPECT_NE(first.find("order_id"), std::string::npos);
}

TEST(Determinism, RestoringGoesOnWithTheSameNumbers) {
  for (const std::string& name : pack_names()) {
    const auto family = family_of_pack(name);
    const auto original = family->make();
    original->reset(task_number(2));
    const auto player = family->make_player("random");
    EventQueue queue;
    for (std::uint64_t turn = 0; turn < 12; ++turn) {
      std::string bytes;
      ByteWriter out(bytes);
      original->snapshot(out);
      const auto copy = family->make();
      ByteReader in(bytes);
      ASSERT_TRUE(copy->restore(in));
      AgentReply reply;
      reply.text = player->play({*original, {}, EpisodeKind::solve, 0, 0},
                                RandomKey::from_seed(turn));
      const StepResult a = original->step(kAgentSeat, reply, queue);
      const StepResult b = copy->step(kAgentSeat, reply, queue);
      ASSERT_EQ(a.tool_results.size(), b.tool_results.size());
      for (std::size_t i = 0; i < a.tool_results.size(); ++i) {
        EXPECT_EQ(a.tool_results[i].content, b.tool_results[i].content) << name;
      }
      EXPECT_EQ(a.observation, b.observation);
      if (a.outcome != Outcome::running) break;
    }
  }
}

TEST(Determinism, ResultsHaveOneSpelling) {
  const auto family = family_of_pack("mathematics");
  Episode episode(*family, task_number(0));
  EXPECT_EQ(episode.call("add", {{"a", 2}, {"b", 3.0}}).dump(), R"({"result":5})");
  EXPECT_EQ(episode.result.tool_results[0].content, R"({"result":5})");
  episode.call("add", {{"a", 0.1}, {"b", 0.2}});
  EXPECT_EQ(episode.result.tool_results[0].content, R"({"result":0.30000000000000004})");
}

// Variants -----------------------------------------------------------------------------------

TEST(Variants, AWithheldToolComesWhenItIsNeeded) {
  const auto family = family_of_pack("tickets", R"(, "variants": ["missing_function"])");
  for (std::uint64_t number = 0; number < 20; ++number) {
    Episode episode(*family, task_number(number));
    ASSERT_EQ(episode.task().withheld.size(), 1U);
    const std::string tool = episode.task().withheld.front();
    EXPECT_EQ(episode.opening.system.find("\"name\":\"" + tool + "\""), std::string::npos);
    EXPECT_EQ(episode.call(tool, Json::object()).at("code"), "unknown_tool");
    while (episode.turn().checked) {
      episode.call_gold(episode.turn().gold);
      episode.say_gold();
    }
    episode.say("There is no tool for that.");
    EXPECT_NE(episode.result.observation.find("\"name\":\"" + tool + "\""), std::string::npos);
    EXPECT_EQ(episode.finish(), 1.0);
  }
}

TEST(Variants, AMissingValueIsToldInTheNextTurn) {
  const auto family = family_of_pack("tickets", R"(, "variants": ["missing_parameter"])");
  for (std::uint64_t number = 0; number < 20; ++number) {
    Episode episode(*family, task_number(number));
    const auto& turns = episode.task().turns;
    const auto early = std::find_if(turns.begin(), turns.end(),
                                    [](const UserTurn& turn) { return !turn.checked; });
    ASSERT_NE(early, turns.end());
    const std::string value = (early + 1)->say.substr(7, (early + 1)->say.size() - 8);
    EXPECT_EQ((early + 1)->say, "I mean " + value + ".");
    EXPECT_EQ(early->say.find(value), std::string::npos) << early->say;
    EXPECT_EQ(episode.finish(), 1.0);
  }
}

TEST(Variants, FlakyCallsAreRefusedEveryThirdTime) {
  const auto family = family_of_pack("tickets", R"(, "variants": ["flaky"])");
  Episode episode(*family, task_number(0));
  int busy = 0;
  for (int i = 0; i < 9; ++i) {
    busy += episode.call("get_login_status", Json::object()).value("code", "") == "transient";
  }
  EXPECT_EQ(busy, 3);
}

TEST(Variants, LongContextsAreLong) {
  for (const std::string& name : pack_names()) {
    const Episode base(*family_of_pack(name), task_number(1));
    const Episode inflated(*family_of_pack(name, R"(, "variants": ["long_context"])"),
                           task_number(1));
    EXPECT_GT(canonical_text(inflated.session().state()).size(),
              2 * canonical_text(base.session().state()).size())
        << name;
  }
}

TEST(Variants, RenamedToolsHaveOtherNames) {
  const auto base = family_of_pack("tickets");
  const auto renamed = family_of_pack("tickets", R"(, "variants": ["renamed"])");
  Episode episode(*renamed, task_number(0));
  for (const Json& tool : base->spec().tools) {
    EXPECT_EQ(episode.call(tool.at("function").at("name"), Json::object()).at("code"),
              "unknown_tool");
  }
  EXPECT_EQ(family_of_pack("tickets")->spec().tools.size(), renamed->spec().tools.size());
}

// The user's side ----------------------------------------------------------------------------

TEST(UserTools, BelongToTheAgentOrToAnotherSeat) {
  EventQueue queue;
  for (const bool by_agent : {true, false}) {
    const auto family =
        till(kTwoTurns, std::string(", \"user_tools\": ") + (by_agent ? "\"agent\"" : "\"user\""));
    const auto environment = family->make();
    environment->reset(task_number(0));
    AgentReply nod;
    nod.tool_calls.push_back({"n", "nod", Json::object()});
    const auto works = [&](Seat seat) {
      const StepResult result = environment->step(seat, nod, queue);
      return result.tool_results.at(0).content == R"({"nodded":true})";
    };
    EXPECT_EQ(works(kAgentSeat), by_agent);
    EXPECT_TRUE(works(kUserSeat));
    AgentReply price;
    price.tool_calls.push_back({"p", "price", {{"good", "tea"}}});
    EXPECT_NE(environment->step(kUserSeat, price, queue).tool_results.at(0).content.find(
                  "unknown_tool"),
              std::string::npos);
  }
}

// Latencies and faults ------------------------------------------------------------------------

Scenario scenario_with(const std::string& more) {
  const Result<JsonDocument> document = parse_json(
      R"({"kind": "scenario", "version": 1, "environment": "tool_api",
          "options": {"pack": "tickets"}, "lifecycle": {"update_context": false})" +
      more + "}");
  Result<Scenario> scenario = scenario_from(*document, all_environments());
  EXPECT_TRUE(scenario) << (scenario ? "" : scenario.error().text());
  return *scenario;
}

TEST(Conditions, CallsOfOneReplyRunSideBySide) {
  const Scenario scenario = scenario_with(
      R"(, "latency": {"tools": {"get_login_status": 300, "list_tickets": 100, "*": 50}})");
  World world(make_lifecycle(scenario, {}, {0}), {{0}, RandomKey{}, scenario.limits}, nullptr);
  world.start();
  AgentReply reply;
  reply.text = "Wait. " + tool_call_text("get_login_status", Json::object()) +
               tool_call_text("list_tickets", {{"username", "nobody"}});
  world.deliver(reply);
  EXPECT_EQ(world.now().ns, 300'000'000);
  const Conversation view = world.conversation();
  const auto& messages = view.messages;
  const Message& said = messages[messages.size() - 3];
  EXPECT_EQ(said.content, "Wait.");
  ASSERT_EQ(said.tool_calls.size(), 2U);
  EXPECT_EQ(messages[messages.size() - 2].tool_call_id, said.tool_calls[1].id);
  EXPECT_EQ(messages[messages.size() - 1].tool_call_id, said.tool_calls[0].id);
}

// An episode's reward and how many faults were injected.
class Watcher final : public Recorder {
 public:
  explicit Watcher(double& reward, int& faults) : reward_(reward), faults_(faults) {}
  void episode_started(std::int64_t, const EpisodeStart&) override {}
  void turn_played(const TurnRecord& turn) override {
    faults_ += static_cast<int>(
        std::count_if(turn.events.begin(), turn.events.end(),
                      [](const Event& event) { return event.kind == kFaultEvent; }));
  }
  void episode_ended(std::int64_t, const EpisodeEnd& end) override {
    reward_ += end.reward.value_or(0.0);
  }
  void lifecycle_ended() override {}

 private:
  double& reward_;
  int& faults_;
};

TEST(Conditions, TheExpertGetsThroughFaultsThatCanBeRepeated) {
  const Scenario scenario = scenario_with(
      R"(, "latency": {"tools": {"*": 50}}, "faults": [
          {"kind": "error", "rate": 0.2, "target": "tool:*"},
          {"kind": "timeout", "rate": 0.1, "target": "tool:*"},
          {"kind": "lost_reply", "rate": 0.1, "target": "tool:*"}])");
  double reward = 0.0;
  int faults = 0;
  for (std::int64_t index = 0; index < 40; ++index) {
    World world(make_lifecycle(scenario, {}, {index}), {{index}, RandomKey{}, scenario.limits},
                std::make_unique<Watcher>(reward, faults));
    const auto player = scenario.family->make_player("expert");
    world.start();
    while (!world.finished()) world.deliver(reply_of(*player, world.conversation()));
  }
  EXPECT_EQ(reward, 40.0);
  EXPECT_GT(faults, 20);
}

TEST(Conditions, APartialEffectIsTheFirstOne) {
  const auto family = till();
  const auto environment = family->make();
  environment->reset(task_number(0));
  EventQueue queue;
  AgentReply reply;
  reply.tool_calls.push_back({"s", "sell", {{"good", "tea"}}});
  environment->step_in_part(kAgentSeat, reply, queue);
  const Value& state = dynamic_cast<const Session&>(*environment).state();
  EXPECT_EQ(canonical_text(*state.find("sold")), R"(["tea 1"])");
  EXPECT_EQ(state.find("next")->integer(), 7);
}

TEST(Options, AreCheckedWithTheirPlace) {
  const auto error = [](const std::string& options) {
    const auto family = read_options(entry(), options, PromptStyle::paper);
    return family ? std::string() : family.error().text();
  };
  EXPECT_NE(error(R"({"pack": "ticket"})").find("Did you mean \"tickets\"?"), std::string::npos);
  EXPECT_NE(error(R"({"pack": "none.json"})").find("none.json"), std::string::npos);
  EXPECT_NE(error(R"({})").find("pack"), std::string::npos);
  EXPECT_NE(error(R"({"pack": "tickets", "variants": ["bas"]})").find("Did you mean \"base\"?"),
            std::string::npos);
  EXPECT_NE(error(R"({"pack": "tickets", "variants": ["base", "renamed"]})").find("alone"),
            std::string::npos);
  EXPECT_NE(error(R"({"api": {"kind": "api", "version": 1, "name": "x"}})").find("/api"),
            std::string::npos);
}

}  // namespace
}  // namespace turnhalle::tool_api
