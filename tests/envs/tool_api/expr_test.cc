// The expression language of tool APIs: values, types, errors, and that it is total.
#include "envs/tool_api/expr.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/rng.h"
#include "core/text.h"
#include "envs/tool_api/expr_functions.h"

namespace turnhalle::tool_api {
namespace {

// state: {orders: map<{id: string, total: number, items: list<string>, note: string?}>, next: int}
Scope scope() {
  const Json types = {{"Order",
                       {{"id", "string"},
                        {"total", "number"},
                        {"items", "list<string>"},
                        {"note", "string?"}}}};
  Scope made;
  made.state = parse_type({{"orders", "map<Order>"}, {"next", "int"}}, types).value();
  made.constants = Value::from_json({{"limit", 3}, {"names", {"Ada", "Bo"}},
                                     {"rate", {{"EUR", 1.0}, {"USD", 1.25}}}});
  made.locals = {{"n", type_of(Type::Kind::integer)}, {"who", type_of(Type::Kind::string)}};
  const Result<Expression> body = Expression::parse("x * x", {nullptr, made.constants,
                                                              {{"x", type_of(Type::Kind::integer)}},
                                                              {}});
  auto square = std::make_shared<Function>();
  square->name = "square";
  square->parameters = {{"x", type_of(Type::Kind::integer)}};
  square->body = body.value();
  made.functions.push_back(square);
  return made;
}

Value state() {
  return Value::from_json(Json::parse(R"({"next": 7, "orders":
   {"a": {"id": "a", "total": 12.5, "items": ["tea", "cup"], "note": null},
    "b": {"id": "b", "total": 4, "items": [], "note": "gift"}}})"));
}

struct Evaluated {
  std::string value;
  std::string fault;
};

Evaluated run(const std::string& text) {
  const Result<Expression> expression = Expression::parse(text, scope());
  if (!expression) return {"", expression.error().message};
  const Value root = state();
  Evaluation evaluation;
  evaluation.state = &root;
  evaluation.locals = {Value::of(std::int64_t{5}), Value::text("Ada")};
  const Value value = expression->evaluate(evaluation);
  EXPECT_EQ(evaluation.locals.size(), 2U) << text;
  std::string where;
  EXPECT_TRUE(!evaluation.ok() || conforms(value, *expression->type(), where)) << text << where;
  return {canonical_text(value), evaluation.fault};
}

struct Example {
  std::string text;
  std::string value;
};

class Examples : public testing::TestWithParam<Example> {};

TEST_P(Examples, HaveTheirValue) {
  const Evaluated outcome = run(GetParam().text);
  EXPECT_EQ(outcome.fault, "");
  EXPECT_EQ(outcome.value, GetParam().value) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Expression, Examples,
    testing::Values(
        Example{"1 + 2 * 3", "7"}, Example{"(1 + 2) * 3", "9"}, Example{"7 / 2", "3.5"},
        Example{"6 / 2", "3"}, Example{"7 // 2", "3"}, Example{"-7 // 2", "-4"},
        Example{"-7 % 3", "2"}, Example{"7 % -3", "-2"}, Example{"--3", "3"},
        Example{"2.5 * 2", "5"}, Example{"'a' + 'b'", "\"ab\""}, Example{"[1] + [2, 3]", "[1,2,3]"},
        Example{"1 == 1.0", "true"}, Example{"'a' < 'b'", "true"}, Example{"2 >= 2.5", "false"},
        Example{"not true or true", "true"}, Example{"true and not false", "true"},
        Example{"1 if n > 4 else 2", "1"}, Example{"1 if false else 2 if false else 3", "3"},
        Example{"state.next + n", "12"}, Example{"state.orders['b'].note", "\"gift\""},
        Example{"state.orders[lower('A')].items[1]", "\"cup\""},
        Example{"constants.limit", "3"}, Example{"constants.rate['USD']", "1.25"},
        Example{"'a' in state.orders", "true"}, Example{"'z' not in state.orders", "true"},
        Example{"'cup' in state.orders['a'].items", "true"}, Example{"'ift' in 'gift'", "true"},
        Example{"state.orders['a'].note == null", "true"},
        Example{"value(state.orders['b'].note) + '!'", "\"gift!\""},
        Example{"{id: who, 'two words': [n]}", R"({"id":"Ada","two words":[5]})"},
        Example{"{}", "{}"}, Example{"[]", "[]"}, Example{"square(n) + square(1 + 1)", "29"},
        Example{"filter([1, 2, 3, 4], x: x % 2 == 0)", "[2,4]"},
        Example{"map(values(state.orders), o: o.total)", "[12.5,4]"},
        Example{"sum(values(state.orders), o: o.total)", "16.5"},
        Example{"any([1, 2], x: x > 1)", "true"}, Example{"all([], x: false)", "true"},
        Example{"count(values(state.orders), o: len(o.items) > 0)", "1"},
        Example{"first([1, 2, 3], x: x > 1)", "2"}, Example{"first([1], x: x > 1)", "null"},
        Example{"value(first(values(state.orders), o: o.total < 10)).id", "\"b\""},
        Example{"sort_by(['bb', 'a', 'ccc'], s: -len(s))", R"(["ccc","bb","a"])"},
        Example{"map([1, 2], x: map([10], y: x + y))", "[[11],[12]]"},
        Example{"keys(state.orders)", R"(["a","b"])"},
        Example{"get(constants.rate, 'GBP', 2.0)", "2"},
        Example{"merge(state.orders['a'], {total: 1}).total", "1"},
        Example{"keys(without(state.orders, 'a'))", R"(["b"])"}, Example{"range(1, 4)", "[1,2,3]"},
        Example{"slice('hello', 1, 3)", "\"el\""}, Example{"slice([1, 2, 3], 2, 9)", "[3]"},
        Example{"reverse(sort([3, 1, 2]))", "[3,2,1]"}, Example{"unique([2, 1, 2])", "[1,2]"},
        Example{"flatten([[1], [2, 3]])", "[1,2,3]"}, Example{"index_of([5, 6], 6)", "1"},
        Example{"last([1, 2])", "2"}, Example{"smallest([3, 1])", "1"},
        Example{"largest([3, 1])", "3"},
        Example{"total([1, 2.5])", "3.5"}, Example{"total([])", "0"}, Example{"min(2, 1.5)", "1.5"},
        Example{"max(2, 3)", "3"}, Example{"abs(-2)", "2"}, Example{"floor(-1.5)", "-2"},
        Example{"ceil(1.2)", "2"}, Example{"int(-1.7)", "-1"}, Example{"round(2.675, 1)", "2.7"},
        Example{"sqrt(16)", "4"}, Example{"pow(2, 10)", "1024"}, Example{"log(8, 2)", "3"},
        Example{"str(2.0) + str([1])", "\"2[1]\""}, Example{"fixed(2, 2)", "\"2.00\""},
        Example{"lower('AB') + upper('c')", "\"abC\""}, Example{"trim(' a ')", "\"a\""},
        Example{"split('a,b', ',')", R"(["a","b"])"}, Example{"join(['', 'b'], '-')", "\"-b\""},
        Example{"replace('aXbX', 'X', '')", "\"ab\""}, Example{"starts_with('abc', 'ab')", "true"},
        Example{"ends_with('abc', 'bc')", "true"}, Example{R"("it's")", R"("it's")"},
        Example{"'a\\'b'", R"("a'b")"}));


struct Refused {
  std::string text;
  std::string message;
};

class RefusedTexts : public testing::TestWithParam<Refused> {};

TEST_P(RefusedTexts, SayWhatWasExpectedAndWhere) {
  const Result<Expression> expression = Expression::parse(GetParam().text, scope());
  ASSERT_FALSE(expression) << GetParam().text;
  EXPECT_NE(expression.error().message.find(GetParam().message), std::string::npos)
      << expression.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Expression, RefusedTexts,
    testing::Values(
        Refused{"", "expected a value at column 1; found the end"},
        Refused{"1 +", "expected a value at column 4; found the end"},
        Refused{"1 1", "expected an operator or the end at column 3; found \"1\""},
        Refused{"(1", "expected \")\" at column 3"}, Refused{"'a", "expected the closing quote"},
        Refused{"{'a", "expected the closing quote"}, Refused{"f('a", "expected the closing quote"},
        Refused{"state.ordres", "a field (next, orders) Did you mean \"orders\"?"},
        Refused{"nn", "a name that is known here"}, Refused{"lenn([])", "Did you mean \"len\"?"},
        Refused{"1 if 2 else 3", "a value of type bool, not int"},
        Refused{"'a' + 1", "numbers, or two strings or lists for +, not string and int"},
        Refused{"len(1)", "a list, a map or a string as argument 1 of len, not int"},
        Refused{"len()", "len with 1 arguments, not 0"},
        Refused{"state.orders['b'].note + '!'", "not string? and string"},
        Refused{"first([1], x: true) + 1", "not int? and int"},
        Refused{"filter([1], x: x)", "a body of type bool, not int"},
        Refused{"filter(1, x: true)", "expected a list, not int"},
        Refused{"map([1], 2)", "expected a name for the element"},
        Refused{"'a' < 1", "two values that can be compared, not string and int"},
        Refused{"1 in 'a'", "not int in string"}, Refused{"not 1", "a value of type bool, not int"},
        Refused{"square('a')", "int as argument 1 of square, not string"},
        Refused{"{a: 1, a: 2}", "each field once"}, Refused{"state.orders[1]", "string, not int"},
        Refused{"[1]['a']", "int, not string"}, Refused{"99999999999999999999.5.5", "operator"},
        Refused{"merge(state.orders['a'], {totl: 1})", "fields of"},
        Refused{"1 < 2 < 3", "an operator or the end"}, Refused{"a = 1", "a name that is known"}));

TEST(Expression, StopsWhereThereIsNoValue) {
  for (const std::string text :
       {"1 / 0", "1 // 0", "1 % 0", "1.5 % 0", "9223372036854775807 + 1",
        "-9223372036854775807 - 2",
        "9223372036854775807 * 2", "(-9223372036854775807 - 1) // -1",
        "abs(-9223372036854775807 - 1)", "state.orders['z'].id", "[1][1]", "[1][-1]",
        "constants.rate['GBP']", "value(state.orders['a'].note)", "sqrt(-1)", "pow(10, 400)",
        "log(0, 2)", "log(2, 1)", "range(0, 100000)", "last([])", "smallest([])", "int(1e300 * 1)",
        "split('a', '')", "int(pow(10, 300))"}) {
    const Evaluated outcome = run(text);
    EXPECT_NE(outcome.fault, "") << text;
    EXPECT_TRUE(outcome.value.empty() || outcome.value == "null") << text;
  }
}

TEST(Expression, StopsWhereItWouldTakeTooLong) {
  const std::string ten = "[0,1,2,3,4,5,6,7,8,9]";
  std::string nested = "1";
  for (int i = 0; i < 8; ++i) nested = "sum(" + ten + ", x: " + nested + ")";
  EXPECT_TRUE(run(nested).fault.starts_with("too m")) << run(nested).fault;
  std::string grown = "'0123456789abcdef'";
  for (int i = 0; i < 6; ++i) grown = "replace(" + grown + ", '0', '" + std::string(60, '0') + "')";
  EXPECT_NE(run(grown).fault, "");
  std::string lists = "range(0, 10000)";
  EXPECT_EQ(run("map(range(0, 2000), x: " + lists + ")").fault, "too much data was built");
}

TEST(Expression, RefusesTooMuchText) {
  EXPECT_FALSE(Expression::parse(std::string(500, '(') + "1" + std::string(500, ')'), scope()));
  EXPECT_FALSE(Expression::parse(std::string(3000, '-') + "1", scope()));
  EXPECT_FALSE(Expression::parse(std::string(5000, '1'), scope()));
  std::string chain = "1";
  while (chain.size() < 1500) chain += "+1";
  EXPECT_FALSE(Expression::parse(chain, scope()));
  EXPECT_TRUE(Expression::parse(chain.substr(0, 401), scope()));
  std::string nots;
  for (int i = 0; i < 500; ++i) nots += "not ";
  EXPECT_FALSE(Expression::parse(nots + "true", scope()));
}

// Whatever the pieces, parsing and running end without a crash, and what has a type has a value
// of that type (run() looks at it).
TEST(Expression, IsTotalOnRandomTexts) {
  std::vector<std::string> pieces = {"1",   "2.5", "'a'", "\"b\"", "true", "null", "state",
                                     ".orders",
                                     ".next", "['a']", "[0]", "n", "who", "constants.limit", "+",
                                     "-", "*", "/", "//", "%", "==", "!=", "<", ">=", " and ",
                                     " or ", " not ", " in ", " if ", " else ", "(", ")", "[",
                                     "]", "{", "}", ":", ",", "x", "filter(", "map(", "sum(", "x:",
                                     "square(", "\xff", "9223372036854775807"};
  for (const FunctionInfo& info : functions()) pieces.push_back(std::string(info.name) + "(");
  Random random(RandomKey::from_seed(5));
  int read = 0;
  for (int i = 0; i < 12'000; ++i) {
    std::string text;
    for (std::uint64_t left = 1 + random.below(9); left > 0; --left) {
      text += pieces[random.below(pieces.size())];
    }
    const Result<Expression> expression = Expression::parse(text, scope());
    if (!expression) {
      EXPECT_EQ(expression.error().message.find('\n'), std::string::npos);
      continue;
    }
    ++read;
    run(text);
  }
  EXPECT_GT(read, 100);
}

// Written by a grammar: most of these can be read.
std::string grown(Random& random, int depth) {
  const auto again = [&] { return grown(random, depth - 1); };
  if (depth == 0) {
    const std::vector<std::string> leaves = {"1", "n", "2.5", "0", "state.next", "constants.limit",
                                             "9223372036854775807"};
    return leaves[random.below(leaves.size())];
  }
  switch (random.below(9)) {
    case 0:
      return "(" + again() + " + " + again() + ")";
    case 1:
      return "(" + again() + " * " + again() + ")";
    case 2:
      return "(" + again() + " // " + again() + ")";
    case 3:
      return "(" + again() + " if " + again() + " < " + again() + " else " + again() + ")";
    case 4:
      return "sum([" + again() + "], x: x + " + again() + ")";
    case 5:
      return "max(" + again() + ", " + again() + ")";
    case 6:
      return "len(filter([1, 2, 3], x: x > " + again() + "))";
    case 7:
      return "total([" + again() + ", " + again() + "])";
    default:
      return "-" + again();
  }
}

TEST(Expression, ValuesHaveTheirTypeOnGrownTexts) {
  Random random(RandomKey::from_seed(6));
  int valued = 0;
  for (int i = 0; i < 2'000; ++i) {
    const std::string text = grown(random, 1 + static_cast<int>(random.below(4)));
    ASSERT_TRUE(Expression::parse(text, scope())) << text;
    valued += run(text).fault.empty() ? 1 : 0;
  }
  EXPECT_GT(valued, 500);
}

TEST(Template, FillsInTextsAndValues) {
  const Result<Template> made =
      Template::parse("Order {who} has {{{n}}} of {state.next|some}.", scope());
  ASSERT_TRUE(made) << made.error().message;
  const Value root = state();
  Evaluation evaluation;
  evaluation.state = &root;
  evaluation.locals = {Value::of(std::int64_t{5}), Value::text("Ada")};
  EXPECT_EQ(made->render(evaluation), "Order Ada has {5} of 7.");
  EXPECT_EQ(made->render(evaluation, 2), "Order Ada has {5} of some.");
  EXPECT_FALSE(Template::parse("a {n", scope()));
  EXPECT_FALSE(Template::parse("a }", scope()));
  EXPECT_FALSE(Template::parse("a {n n}", scope()));
}

TEST(Types, AreReadAndNamed) {
  const Json named = {{"Point", {{"x", "number"}, {"y", "number"}}}, {"Loop", "list<Loop>"}};
  for (const std::string text : {"int", "list<map<string?>>", "list<Point>?", "any"}) {
    EXPECT_TRUE(parse_type(text, named)) << text;
  }
  EXPECT_EQ(name_of(**parse_type("list<Point>?", named)), "list<{x: number, y: number}>?");
  for (const std::string text : {"Loop", "integer", "list<", "list<Poin>", "", "never"}) {
    EXPECT_FALSE(parse_type(text, named)) << text;
  }
  EXPECT_NE(parse_type("Poin", named).error().message.find("Did you mean \"Point\"?"),
            std::string::npos);
}

TEST(Values, AreTheSameInEverySpelling) {
  const auto read = [](const char* text) { return Value::from_json(Json::parse(text)); };
  EXPECT_TRUE(equal(read("[5, {\"a\": 1.0}]"), read("[5.0, {\"a\": 1}]")));
  EXPECT_EQ(canonical_text(read("{\"b\": 5.0, \"a\": 0.1}")), R"({"a":0.1,"b":5})");
  EXPECT_EQ(canonical_text(read("\"\\u0001\\\"é\"")), "\"\\u0001\\\"é\"");
  EXPECT_FALSE(equal(read("\"5\""), read("5")));
  EXPECT_TRUE(less(read("9007199254740992"), read("9007199254740993")));
  EXPECT_EQ(to_json(read("{\"a\": [1, 2.5, null, true]}")),
            Json::parse("{\"a\":[1,2.5,null,true]}"));
  Value one = read("{\"a\": [1]}");
  const Value kept = one;
  one.edit("a")->edit_list().push_back(Value::of(true));
  one.set("b", Value());
  EXPECT_EQ(canonical_text(kept), R"({"a":[1]})");
  EXPECT_EQ(canonical_text(one), R"({"a":[1,true],"b":null})");
}

}  // namespace
}  // namespace turnhalle::tool_api
