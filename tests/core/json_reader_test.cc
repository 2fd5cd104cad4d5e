#include "core/json_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace turnhalle {
namespace {

JsonDocument parsed(const std::string& text) {
  auto document = parse_json(text, "f.json");
  EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().text());
  return document.ok() ? *std::move(document) : JsonDocument{};
}

// The error line of reading `text` with `read`; "" when there is none.
std::string reading(const std::string& text, const std::function<void(JsonObject&)>& read) {
  const JsonDocument document = parsed(text);
  JsonReader reader(document);
  JsonObject object = reader.object();
  read(object);
  object.finish();
  return reader.ok() ? "" : reader.error().text();
}

const std::vector<std::string> kSomeTypes = {"bool", "int", "string"};

TEST(JsonReader, ReadsEveryKind) {
  const JsonDocument document =
      parsed(R"({"i":-3,"n":1,"b":true,"s":"x","t":"int","p":[1,4],"q":2,"r":[0.5,1],"o":{"i":7},)"
             R"("l":[{"i":1},{"i":2}],"ss":["a","b"],"ns":[1,2.5],"any":[null],"note":"why"})");
  JsonReader reader(document);
  JsonObject object = reader.object();
  EXPECT_EQ(object.integer("i", {-5, 5}), -3);
  EXPECT_EQ(object.number("n", {0, 1}), 1.0);
  EXPECT_TRUE(object.boolean("b"));
  EXPECT_EQ(object.string("s"), "x");
  EXPECT_EQ(object.one_of("t", kSomeTypes), "int");
  EXPECT_EQ(object.integer_pair("p", {0, 9}), (std::pair<std::int64_t, std::int64_t>{1, 4}));
  EXPECT_EQ(object.integer_pair("q", {0, 9}), (std::pair<std::int64_t, std::int64_t>{2, 2}));
  EXPECT_EQ(object.number_pair("r", {0, 1}), (std::pair<double, double>{0.5, 1.0}));
  JsonObject nested = object.object("o");
  EXPECT_EQ(nested.integer("i", {}), 7);
  EXPECT_EQ(nested.pointer(), "/o");
  nested.finish();
  auto items = object.objects("l");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].integer("i", {}), 2);
  EXPECT_EQ(items[1].pointer(), "/l/1");
  EXPECT_EQ(object.strings("ss"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(object.numbers("ns"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object.any("any"), Json::parse("[null]"));
  object.ignore("note");
  EXPECT_TRUE(object.has("note"));
  EXPECT_FALSE(object.has("nothing"));
  object.finish();
  EXPECT_TRUE(reader.ok()) << reader.error().text();
}

TEST(JsonReader, AbsentKeysTakeTheirDefaults) {
  EXPECT_EQ(reading("{}",
                    [](JsonObject& object) {
                      EXPECT_EQ(object.integer("i", {1, 9}, 4), 4);
                      EXPECT_EQ(object.number("n", {0, 1}, 0.65), 0.65);
                      EXPECT_TRUE(object.boolean("b", true));
                      EXPECT_EQ(object.string("s", "d"), "d");
                      EXPECT_EQ(object.one_of("t", kSomeTypes, "bool"), "bool");
                      EXPECT_EQ(object.integer_pair("p", {}, {{1, 2}}).second, 2);
                      EXPECT_EQ(object.number_pair("q", {}, {{1, 2}}).first, 1.0);
                      EXPECT_TRUE(object.object("o", false).value().empty());
                      EXPECT_TRUE(object.objects("l", false).empty());
                      EXPECT_TRUE(object.strings("ss", false).empty());
                      EXPECT_TRUE(object.numbers("ns", false).empty());
                      EXPECT_TRUE(object.any("any", false).is_null());
                    }),
            "");
}

TEST(JsonReader, WrongKindOrRangeIsAnErrorAtTheValue) {
  const auto integer = [](JsonObject& object) { object.integer("i", {1, 9}); };
  EXPECT_EQ(reading("{\n  \"i\": \"4\"}", integer),
            "f.json:2:8 /i: expected an integer from 1 to 9; found \"4\"");
  EXPECT_EQ(reading("{\"i\":10}", integer),
            "f.json:1:6 /i: expected an integer from 1 to 9; found 10");
  EXPECT_EQ(reading("{\"i\":4.0}", integer),
            "f.json:1:6 /i: expected an integer from 1 to 9; found 4.0");
  EXPECT_EQ(reading("{\"i\":true}", integer),
            "f.json:1:6 /i: expected an integer from 1 to 9; found true");
  EXPECT_EQ(
      reading("{\"i\":18446744073709551615}", [](JsonObject& object) { object.integer("i", {0}); }),
      "f.json:1:6 /i: expected an integer of at least 0; found 18446744073709551615");
  EXPECT_EQ(reading("{\"n\":1.5}",
                    [](JsonObject& object) {
                      object.number("n", {0, 1});
                    }),
            "f.json:1:6 /n: expected a number from 0 to 1; found 1.5");
  EXPECT_EQ(reading("{\"n\":null}", [](JsonObject& object) { object.number("n", {}, 1.0); }),
            "f.json:1:6 /n: expected a number; found null");
  EXPECT_EQ(reading("{\"b\":1}", [](JsonObject& object) { object.boolean("b"); }),
            "f.json:1:6 /b: expected true or false; found 1");
  EXPECT_EQ(reading("{\"s\":[1]}", [](JsonObject& object) { object.string("s"); }),
            "f.json:1:6 /s: expected a string; found an array of 1 value");
  EXPECT_EQ(reading("{\"o\":[]}", [](JsonObject& object) { object.object("o", false); }),
            "f.json:1:6 /o: expected an object; found an empty array");
}

TEST(JsonReader, NamesOutsideTheListSuggestTheNearest) {
  const auto read = [](JsonObject& object) { object.one_of("t", kSomeTypes); };
  EXPECT_EQ(reading("{\"t\":\"integer\"}", read),
            "f.json:1:6 /t: expected one of bool, int, string; found \"integer\"."
            " Did you mean \"int\"?");
  EXPECT_EQ(reading("{\"t\":\"map\"}", read),
            "f.json:1:6 /t: expected one of bool, int, string; found \"map\"");
  EXPECT_EQ(reading("{\"t\":3}", read),
            "f.json:1:6 /t: expected one of bool, int, string; found 3");
}

TEST(JsonReader, PairsAreOrderedAndInRange) {
  const auto read = [](JsonObject& object) { object.integer_pair("p", {1, 9}); };
  const std::string expected =
      "f.json:1:6 /p: expected [low, high] with low <= high, or one number for both, each an "
      "integer from 1 to 9; found ";
  EXPECT_EQ(reading("{\"p\":[4,2]}", read), expected + "[4, 2]");
  EXPECT_EQ(reading("{\"p\":[1,10]}", read), expected + "[1, 10]");
  EXPECT_EQ(reading("{\"p\":[1,\"2\"]}", read), expected + "[1, \"2\"]");
  EXPECT_EQ(reading("{\"p\":[1,2,3]}", read), expected + "an array of 3 values");
  EXPECT_EQ(reading("{\"p\":0}", read), expected + "0");
  EXPECT_NE(reading("{\"p\":[2,1]}", [](JsonObject& object) { object.number_pair("p", {}); }), "");
}

TEST(JsonReader, MissingRequiredKeysStandAtTheirObject) {
  EXPECT_EQ(reading("{\n \"o\": {}}",
                    [](JsonObject& object) {
                      object.object("o").integer("side", {1, 9});
                    }),
            "f.json:2:7 /o/side: expected an integer from 1 to 9; found no key \"side\"");
  EXPECT_EQ(reading("{}", [](JsonObject& object) { object.objects("l"); }),
            "f.json:1:1 /l: expected an array of objects; found no key \"l\"");
}

TEST(JsonReader, UnknownKeysAreErrorsAtTheirValue) {
  const auto read = [](JsonObject& object) {
    object.integer("side", {1, 9}, 5);
    object.number("frozen_share", {0, 1}, 0.65);
  };
  EXPECT_EQ(reading("{\"side\":4,\n \"frozen_shar\":0.5}", read),
            "f.json:2:16 /frozen_shar: expected one of the keys frozen_share, side; found "
            "\"frozen_shar\". Did you mean \"frozen_share\"?");
  EXPECT_EQ(reading("{\"zzz\":1}", read),
            "f.json:1:8 /zzz: expected one of the keys frozen_share, side; found \"zzz\"");
  EXPECT_EQ(reading("{\"a/b\":1}", [](JsonObject&) {}),
            "f.json:1:8 /a~1b: expected no keys here; found \"a/b\"");
}

// A required key with a slip in its name: the error stands at the slip, not at the object.
TEST(JsonReader, MistypedRequiredKeyIsBlamedWhereItStands) {
  const auto read = [](JsonObject& object) {
    object.integer("side", {1, 9});
    object.integer("budget", {1, 9}, 3);
  };
  EXPECT_EQ(reading("{\n  \"sied\": 4}", read),
            "f.json:2:11 /sied: expected one of the keys budget, side; found \"sied\"."
            " Did you mean \"side\"?");
  EXPECT_EQ(reading("{\"zzz\": 4}", read),
            "f.json:1:1 /side: expected an integer from 1 to 9; found no key \"side\"");
  EXPECT_EQ(reading("{\"budget\": 4}", read),
            "f.json:1:1 /side: expected an integer from 1 to 9; found no key \"side\"");
}

TEST(JsonReader, ElementsOfListsAreNamedByIndex) {
  EXPECT_EQ(reading("{\"l\":[\"a\",2]}", [](JsonObject& object) { object.strings("l"); }),
            "f.json:1:11 /l/1: expected a string; found 2");
  EXPECT_EQ(reading("{\"l\":[1,\"a\"]}", [](JsonObject& object) { object.numbers("l"); }),
            "f.json:1:9 /l/1: expected a number; found \"a\"");
  EXPECT_EQ(reading("{\"l\":[{},[]]}", [](JsonObject& object) { object.objects("l"); }),
            "f.json:1:10 /l/1: expected an object; found an empty array");
  EXPECT_EQ(reading("{\"l\":{}}", [](JsonObject& object) { object.numbers("l", false); }),
            "f.json:1:6 /l: expected an array of numbers; found an empty object");
}

TEST(JsonReader, FirstErrorIsKeptAndLaterReadsAreHarmless) {
  const JsonDocument document = parsed(R"({"a":"x","b":"y","o":3,"extra":1})");
  JsonReader reader(document);
  JsonObject object = reader.object();
  EXPECT_EQ(object.integer("a", {1, 2}), 0);
  EXPECT_EQ(object.integer("b", {1, 2}, 2), 2);
  EXPECT_EQ(object.string("b"), "");
  JsonObject nested = object.object("o");
  EXPECT_EQ(nested.integer("deep", {}), 0);
  EXPECT_TRUE(nested.objects("list").empty());
  nested.finish();
  object.fail("b", "something else");
  object.finish();
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().text(), "f.json:1:6 /a: expected an integer from 1 to 2; found \"x\"");
}

TEST(JsonReader, FailTellsWhatIsThere) {
  EXPECT_EQ(reading("{\"a\":3}",
                    [](JsonObject& object) {
                      object.integer("a", {});
                      object.fail("a", "an even number");
                    }),
            "f.json:1:6 /a: expected an even number; found 3");
  EXPECT_EQ(reading("{}", [](JsonObject& object) { object.fail("a", "one of a and b"); }),
            "f.json:1:1 /a: expected one of a and b; found no key \"a\"");
}

TEST(JsonReader, RootAndPointersMustBeObjects) {
  const JsonDocument list = parsed("[1, {\"a\": {\"b\": 2}}]");
  JsonReader reader(list);
  EXPECT_TRUE(reader.object().value().empty());
  EXPECT_EQ(reader.error().text(), "f.json:1:1: expected an object; found an array of 2 values");
  JsonReader inner(list);
  JsonObject view = inner.object_at("/1/a");
  EXPECT_EQ(view.integer("b", {}), 2);
  view.finish();
  EXPECT_TRUE(inner.ok());
  JsonReader missing(list);
  missing.object_at("/1/x/y");
  EXPECT_EQ(missing.error().text(), "f.json:1:5 /1/x: expected an object; found nothing");
  JsonReader number(list);
  number.object_at("/0");
  EXPECT_EQ(number.error().text(), "f.json:1:2 /0: expected an object; found 1");
}

TEST(JsonReader, HostileKeysStayOnOneLine) {
  const std::string line = reading("{\"a\\nb\\u202e\":1}", [](JsonObject&) {});
  EXPECT_EQ(line,
            "f.json:1:15 /a\\u000ab\\u202e: expected no keys here; found \"a\\u000ab\\u202e\"");
}

}  // namespace
}  // namespace turnhalle
