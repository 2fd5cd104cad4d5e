// Tools out of JSON: arguments, preconditions, effects, invariants, chance and comparison.
#include "envs/tool_api/machine.h"

#include <gtest/gtest.h>

#include <string>

namespace turnhalle::tool_api {
namespace {

const char* const kShop = R"json({
  "kind": "api", "version": 1, "name": "shop",
  "types": {"Item": {"name": "string", "count": "int", "tags": "list<string>"}},
  "state": {"items": "map<Item>", "next": "int", "till": "number", "log": "list<string>",
            "random": {"seed": "int", "counter": "int"}},
  "constants": {"limit": 5},
  "functions": [{"name": "known", "params": [{"name": "id", "type": "string"}],
                 "is": "id in state.items"}],
  "initial_state": {"items": {"i1": {"name": "tea", "count": 2, "tags": ["hot", "green"]}},
                    "next": 2, "till": 0, "log": [], "random": {"seed": 3, "counter": 0}},
  "invariants": [{"that": "all(values(state.items), i: i.count >= 0)",
                  "text": "no debts of goods"}],
  "log_fields": ["log"], "unordered": ["items.*.tags"],
  "tools": [
    {"name": "get_item", "kind": "READ", "description": "Tells about an item.",
     "params": [{"name": "id", "type": "string", "pattern": "i#*"}],
     "pre": [{"that": "known(id)", "error": "No item {id}.", "code": "not_found",
              "hint": "There are {keys(state.items)}."}],
     "returns": "state.items[id]"},
    {"name": "add_item", "kind": "WRITE", "description": "Puts an item on a shelf.",
     "params": [{"name": "name", "type": "string", "min": 1, "max": 10},
                {"name": "count", "type": "int", "default": 1, "min": 1, "max": 9},
                {"name": "tags", "type": "list<string>", "default": []}],
     "pre": [{"let": "id", "be": "'i' + str(state.next)"},
             {"that": "len(state.items) < constants.limit", "error": "Full."}],
     "effects": [{"insert": "state.items", "key": "id",
                  "value": "{name: name, count: count, tags: tags}"},
                 {"inc": "state.next", "by": 1},
                 {"append": "state.log", "value": "'added ' + name"}],
     "returns": "{id: id}"},
    {"name": "sell", "kind": "WRITE", "description": "Sells some.",
     "params": [{"name": "id", "type": "string"}, {"name": "count", "type": "int"},
                {"name": "price", "type": "number"}],
     "effects": [{"inc": "state.items[id].count", "by": "-count"},
                 {"if": "state.items[id].count == 0",
                  "then": [{"erase": "state.items", "key": "id"}]},
                 {"inc": "state.till", "by": "price * count"}],
     "returns": "{till: state.till}"},
    {"name": "toss", "kind": "WRITE", "description": "Draws.",
     "effects": [{"draw": "sum", "low": 1, "high": 6},
                 {"for_each": "i", "in": "range(0, 2)", "do": [
                    {"draw": "tag", "from": "['x', 'y']"},
                    {"append": "state.items['i1'].tags", "value": "tag"}]},
                 {"set": "state.items['i1'].name", "to": "str(sum)"}],
     "returns": "state.items['i1']"}]})json";

class Machine : public testing::Test {
 protected:
  Machine() : document_(parse_json(kShop, "shop.json").value()), reader_(document_) {
    JsonObject root = reader_.object();
    root.ignore("kind");
    root.ignore("version");
    api_ = read_api(root);
    root.finish();
    EXPECT_TRUE(reader_.ok()) << reader_.error().text();
    state_ = api_.initial_state;
  }

  CallAnswer call(const std::string& tool, const std::string& arguments,
                  const CallOptions& options = {}) {
    return call_tool(api_, *api_.find(tool), Json::parse(arguments), state_, options);
  }
  std::string text(const CallAnswer& answer) { return canonical_text(answer.value); }

  JsonDocument document_;
  JsonReader reader_;
  Api api_;
  Value state_;
};

TEST_F(Machine, AnswersAndChangesItsState) {
  EXPECT_EQ(text(call("get_item", R"({"id": "i1"})")),
            R"({"count":2,"name":"tea","tags":["hot","green"]})");
  EXPECT_EQ(text(call("add_item", R"({"name": "cup", "count": 3.0})")), R"({"id":"i2"})");
  EXPECT_EQ(text(call("sell", R"({"id": "i2", "count": 3, "price": 1.5})")), R"({"till":4.5})");
  EXPECT_EQ(canonical_text(*state_.find("items")),
            R"({"i1":{"count":2,"name":"tea","tags":["hot","green"]}})");
}

TEST_F(Machine, ErrorsAreStructuredAndChangeNothing) {
  const Value before = state_;
  const auto refused = [&](const std::string& tool, const std::string& arguments) {
    const CallAnswer answer = call(tool, arguments);
    EXPECT_FALSE(answer.ok);
    EXPECT_TRUE(equal(state_, before));
    return answer.code;
  };
  EXPECT_EQ(refused("get_item", R"({"id": "i9"})"), "not_found");
  EXPECT_EQ(refused("get_item", R"({"id": "x"})"), "invalid_parameter");
  EXPECT_EQ(refused("get_item", R"({"id": 1})"), "invalid_parameter");
  EXPECT_EQ(refused("get_item", R"({})"), "missing_parameter");
  EXPECT_EQ(refused("get_item", R"({"id": "i1", "idd": 1})"), "unknown_parameter");
  EXPECT_EQ(refused("get_item", R"([1])"), "invalid_arguments");
  EXPECT_EQ(refused("add_item", R"({"name": ""})"), "invalid_parameter");
  EXPECT_EQ(refused("add_item", R"({"name": "a", "count": 10})"), "invalid_parameter");
  EXPECT_EQ(refused("add_item", R"({"name": "a", "count": 1.5})"), "invalid_parameter");
  EXPECT_EQ(refused("add_item", R"({"name": "a", "tags": [1]})"), "invalid_parameter");
  EXPECT_EQ(refused("sell", R"({"id": "i9", "count": 1, "price": 1})"), "no_value");
  EXPECT_EQ(refused("sell", R"({"id": "i1", "count": 3, "price": 1})"), "invariant");
  EXPECT_EQ(refused("sell", R"({"id": "i1", "count": 2, "price": 1e308})"), "no_value");
}

TEST_F(Machine, HintsCanBeSwitchedOff) {
  EXPECT_EQ(text(call("get_item", R"({"id": "i9"})")),
            R"x({"code":"not_found","error":"No item i9.","hint":"There are [\"i1\"]."})x");
  EXPECT_EQ(text(call("get_item", R"({"id": "i9"})", {.hints = false})),
            R"({"code":"not_found","error":"No item i9."})");
}

TEST_F(Machine, ChanceIsInTheState) {
  const Value before = state_;
  const std::string first = text(call("toss", "{}"));
  const std::string second = text(call("toss", "{}"));
  EXPECT_NE(first, second);
  state_ = before;
  EXPECT_EQ(text(call("toss", "{}")), first);
  EXPECT_GE(state_.find("random")->find("counter")->integer(), 3);
}

TEST_F(Machine, AFirstEffectStandsAlone) {
  const CallAnswer answer =
      call("add_item", R"({"name": "cup"})", {.hints = true, .first_effect = true});
  EXPECT_TRUE(answer.ok);
  EXPECT_NE(state_.find("items")->find("i2"), nullptr);
  EXPECT_EQ(state_.find("next")->integer(), 2);
}

TEST_F(Machine, DeepArgumentsAreRefused) {
  Json deep = "x";
  for (int i = 0; i < 300; ++i) deep = Json::array({deep});
  const CallAnswer answer =
      call_tool(api_, *api_.find("add_item"), {{"name", "a"}, {"tags", deep}}, state_);
  EXPECT_EQ(answer.code, "invalid_parameter");
}

TEST_F(Machine, StatesAreComparedByTheRules) {
  const auto with = [&](const std::string& patch) {
    Json json = to_json(state_);
    json.merge_patch(Json::parse(patch));
    return Value::from_json(json);
  };
  const auto same = [&](const std::string& patch) {
    const Value other = with(patch);
    const bool equal_states = same_state(state_, other, api_.rules);
    EXPECT_EQ(equal_states, differences(state_, other, api_.rules).empty()) << patch;
    return equal_states;
  };
  EXPECT_TRUE(same("{}"));
  EXPECT_TRUE(same(R"({"log": ["read"]})"));
  EXPECT_TRUE(same(R"({"items": {"i1": {"tags": ["green", "hot"]}}})"));
  EXPECT_FALSE(same(R"({"items": {"i1": {"tags": ["green"]}}})"));
  EXPECT_TRUE(same(R"({"next": 2.0})"));
  EXPECT_TRUE(same(R"({"till": 1e-10})"));
  EXPECT_FALSE(same(R"({"till": 1e-3})"));
  EXPECT_FALSE(same(R"({"items": {"i1": null}})"));
  EXPECT_FALSE(same(R"({"items": {"i2": {"name": "x", "count": 1, "tags": []}}})"));
  EXPECT_EQ(state_hash(state_, api_.rules),
            state_hash(with(R"({"next": 2.0, "log": ["a"],
                                "items": {"i1": {"tags": ["green", "hot"]}}})"),
                       api_.rules));
  EXPECT_NE(state_hash(state_, api_.rules), state_hash(with(R"({"next": 3})"), api_.rules));
  const auto found = differences(state_, with(R"({"next": 3})"), api_.rules);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path + " " + found[0].expected + " " + found[0].found, "next 2 3");
}

struct Mistake {
  std::string pointer;  ///< where the patched value stands
  std::string value;    ///< JSON
  std::string message;  ///< part of the error
};

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreNamedWithTheirPlace) {
  Json json = Json::parse(kShop);
  json[Json::json_pointer(GetParam().pointer)] = Json::parse(GetParam().value);
  const JsonDocument document = parse_json(json.dump(1), "shop.json").value();
  JsonReader reader(document);
  JsonObject root = reader.object();
  root.ignore("kind");
  root.ignore("version");
  read_api(root);
  root.finish();
  ASSERT_FALSE(reader.ok());
  const std::string text = reader.error().text();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_NE(text.find(GetParam().message), std::string::npos) << text;
  EXPECT_NE(text.find("shop.json:"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Machine, Mistakes,
    testing::Values(
        Mistake{"/tools/0/returns", R"("state.itms")", "/tools/0/returns: expected an expression"},
        Mistake{"/tools/0/returns", R"("state.itms")", "Did you mean \"items\"?"},
        Mistake{"/tools/0/params/0/type", R"("strin")", "Did you mean \"string\"?"},
        Mistake{"/tools/0/kind", R"("REED")", "Did you mean \"READ\"?"},
        Mistake{"/tools/0/effects", R"([{"inc": "state.next", "by": 1}])", "no effects of a READ"},
        Mistake{"/tools/1/effects/1", R"({"inc": "state.next", "by": "'a'"})", "of type int"},
        Mistake{"/tools/1/effects/1", R"({"inc": "name", "by": 1})", "a path that begins with"},
        Mistake{"/tools/1/effects/1", R"({"increase": "state.next"})", "an effect: set, insert"},
        Mistake{"/tools/1/effects/0/value", R"("{name: name}")", "an expression of type {count"},
        Mistake{"/tools/1/name", R"("get_item")", "each tool's name once"},
        Mistake{"/tools/1/name", R"("get item")", "a name of letters"},
        Mistake{"/tools/0/pre/0/error", R"("No {idd}")", "an expression in braces at column 4"},
        Mistake{"/initial_state/next", R"("two")", "next: expected int"},
        Mistake{"/state/next", R"("integr")", "/state"},
        Mistake{"/tools/0/param", "[]", "Did you mean \"params\"?"},
        Mistake{"/invariants/0/that", "1", "an expression of type bool, not int"},
        Mistake{"/tools/1/params/1/default", R"("x")", "a value of type int"},
        Mistake{"/functions/0/is", R"x("known('a')")x", "a function that exists"}));

}  // namespace
}  // namespace turnhalle::tool_api
