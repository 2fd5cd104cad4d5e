#include "core/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/rng.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// The whole error line of a text that must be refused.
std::string refusal(const std::string& text, JsonLimits limits = {}) {
  const auto document = parse_json(text, "f.json", limits);
  return document.ok() ? "accepted: " + canonical(document->root) : document.error().text();
}

Json accepted(const std::string& text) {
  const auto document = parse_json(text, "f.json");
  EXPECT_TRUE(document.ok()) << text << "\n" << refusal(text);
  return document.ok() ? document->root : Json("refused");
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

TEST(JsonParse, EveryKindOfValue) {
  const Json root = accepted(
      " {\"a\":[1,-2,3.5,1e2,0.5E-1],\"b\":{\"c\":null,\"d\":true,\"e\":false},\"f\":\"x\","
      "\"g\":[],\"h\":{}}\r\n\t");
  EXPECT_EQ(canonical(root),
            "{\"a\":[1,-2,3.5,100.0,0.05],\"b\":{\"c\":null,\"d\":true,\"e\":false},\"f\":\"x\","
            "\"g\":[],\"h\":{}}");
  EXPECT_TRUE(root["a"][0].is_number_integer());
  EXPECT_TRUE(root["a"][3].is_number_float());
  for (const char* scalar : {"1", "\"x\"", "null", "true", "-0.0"}) {
    accepted(scalar);
  }
}

TEST(JsonParse, AgreesWithAnotherParserOnRandomDocuments) {
  Random random(RandomKey::from_seed(1));
  const std::vector<std::string> atoms = {"0",
                                          "-1",
                                          "2.5e-3",
                                          "\"\"",
                                          "\"\\u00e4\\n\\ud83d\\ude00\"",
                                          "true",
                                          "null",
                                          "[]",
                                          "{}",
                                          "9223372036854775807",
                                          "18446744073709551615",
                                          "\"grün\""};
  for (int round = 0; round < 300; ++round) {
    std::string text = atoms[random.below(atoms.size())];
    for (std::uint64_t level = random.below(12); level > 0; --level) {
      const std::string& other = atoms[random.below(atoms.size())];
      text = random.chance(1, 2) ? "[ " + text + " ,\n" + other + "]"
                                 : "{\"a\" : " + text + ", \"b\": " + other + "}";
    }
    EXPECT_EQ(accepted(text), Json::parse(text)) << text;
  }
}

TEST(JsonParse, IntegersOf64BitsAreExact) {
  EXPECT_EQ(accepted("-9223372036854775808").get<std::int64_t>(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(accepted("18446744073709551615").get<std::uint64_t>(),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(accepted("-0").is_number_integer());
  EXPECT_TRUE(std::signbit(accepted("-0.0").get<double>()));
  EXPECT_EQ(accepted("5e-324").get<double>(), 5e-324);
  EXPECT_EQ(accepted("0e999999").get<double>(), 0.0);
}

TEST(JsonParse, EscapesAreDecoded) {
  EXPECT_EQ(accepted(R"("\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC\ud83d\ude00")").get<std::string>(),
            "\"\\/\b\f\n\r\tAä€😀");
  EXPECT_EQ(accepted(R"("\u0000")").get<std::string>(), std::string("\0", 1));
}

// Nesting bombs (S01).
TEST(JsonRefuses, DeepNesting) {
  accepted(repeated("[", 64) + repeated("]", 64));
  EXPECT_EQ(refusal(repeated("[", 65) + repeated("]", 65)),
            "f.json:1:65: expected nesting of at most 64 levels; found level 65");
  for (const std::size_t depth : {std::size_t{100'000}, std::size_t{1'000'000}}) {
    EXPECT_EQ(refusal(repeated("[", depth)),
              "f.json:1:65: expected nesting of at most 64 levels; found level 65");
    EXPECT_EQ(refusal(repeated("{\"a\":", depth)),
              "f.json:1:321: expected nesting of at most 64 levels; found level 65");
  }
  EXPECT_EQ(refusal("[[1]]", {.depth_max = 1}),
            "f.json:1:2: expected nesting of at most 1 levels; found level 2");
}

// Many tiny nodes (S02).
TEST(JsonRefuses, TooManyValuesOrBytes) {
  JsonLimits limits;
  limits.nodes_max = 200'000;
  const std::string bomb = "[" + repeated("0,", 999'999) + "0]";
  EXPECT_EQ(refusal(bomb, limits), "f.json:1:400000: expected at most 200000 values; found more");
  limits.nodes_max = 4;
  EXPECT_TRUE(parse_json("[1,2,3]", "", limits).ok());
  EXPECT_FALSE(parse_json("[1,2,3,4]", "", limits).ok());
  limits.bytes_max = 6;
  EXPECT_EQ(refusal("[1,2,3]", limits), "f.json: expected at most 6 bytes; found 7");
}

// Duplicate keys (S03).
TEST(JsonRefuses, DuplicateKeys) {
  EXPECT_EQ(refusal("{\"a\":1,\n \"a\":2}"),
            "f.json:2:2: expected each key once; found \"a\" again");
  EXPECT_EQ(refusal("{\"a\":1,\"\\u0061\":2}"),
            "f.json:1:8: expected each key once; found \"a\" again");
  accepted(R"({"a":{"a":1},"A":2,"__proto__":{}})");
}

// What stands before and after a document (S04).
TEST(JsonRefuses, AnythingAroundTheDocument) {
  EXPECT_EQ(refusal(std::string("{\"a\":1}\0{\"evil\":2}", 18)),
            "f.json:1:8: expected the end of the text; found a NUL byte");
  EXPECT_EQ(refusal("{} x"), "f.json:1:4: expected the end of the text; found \"x\"");
  EXPECT_EQ(refusal("1 2"), "f.json:1:3: expected the end of the text; found \"2\"");
  EXPECT_EQ(refusal("\xEF\xBB\xBF{}"), "f.json:1:1: expected a value; found a byte order mark");
  EXPECT_EQ(refusal("\xFF\xFE{\0}"), "f.json:1:1: expected UTF-8; found byte 0xff");
  EXPECT_EQ(refusal(std::string("{\0}\0", 4)),
            "f.json:1:2: expected a key in double quotes; found a NUL byte");
  EXPECT_EQ(refusal(""), "f.json:1:1: expected a value; found the end of the text");
  EXPECT_EQ(refusal(" \n "), "f.json:2:2: expected a value; found the end of the text");
  EXPECT_EQ(refusal(std::string("\"a\0b\"", 5)),
            "f.json:1:3: expected a closing quote or an escape such as \\n; found a NUL byte");
}

// Numbers that JSON or 64 bits cannot hold (S05).
TEST(JsonRefuses, NumbersOutsideTheirRange) {
  EXPECT_EQ(refusal("[18446744073709551616]"),
            "f.json:1:2: expected an integer that fits 64 bits; found 18446744073709551616");
  EXPECT_EQ(refusal("-9223372036854775809"),
            "f.json:1:1: expected an integer that fits 64 bits; found -9223372036854775809");
  for (const char* bad : {"1e999", "-1e999", "1e-400", "0.001e-999999999999"}) {
    EXPECT_EQ(refusal(bad),
              std::string("f.json:1:1: expected a number that a double can hold; found ") + bad);
  }
  for (const char* bad :
       {"NaN", "Infinity", "nan", "inf", "True", "None", "nul", "truex", "undefined"}) {
    EXPECT_EQ(refusal(bad), std::string("f.json:1:1: expected a value; found \"") + bad + "\"");
  }
  EXPECT_EQ(refusal("-Infinity"), "f.json:1:2: expected a digit; found \"Infinity\"");
  EXPECT_NE(refusal(repeated("9", 10'000)).find("expected an integer that fits 64 bits; found 999"),
            std::string::npos);
  EXPECT_NE(refusal("0." + repeated("1", 10'000)).find("expected a number of at most 1024 digits"),
            std::string::npos);
  EXPECT_LT(refusal(repeated("9", 10'000)).size(), 200u);
}

TEST(JsonRefuses, NumbersOfAnotherGrammar) {
  EXPECT_EQ(refusal("01"), "f.json:1:1: expected a number without leading zeros; found \"01\"");
  EXPECT_EQ(refusal("1."),
            "f.json:1:3: expected a digit after the decimal point; found the end of the text");
  EXPECT_EQ(refusal("1e+"),
            "f.json:1:4: expected a digit of the exponent; found the end of the text");
  for (const char* bad : {"+1", ".5", "-", "--1", "0x10", "1_000", "1e", "1,5", "-.5"}) {
    EXPECT_NE(refusal(bad).find(": expected "), std::string::npos) << bad;
  }
}

// Ill-formed characters (S06).
TEST(JsonRefuses, SurrogatesAndIllFormedText) {
  EXPECT_EQ(refusal(R"(["\ud800"])"),
            "f.json:1:3: expected a pair of surrogate escapes; found a lone \\ud800");
  for (const char* bad : {R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\u0041")",
                          R"("\ud800\ud800")", R"("\udc00\ud800")"}) {
    EXPECT_NE(refusal(bad).find("expected a pair of surrogate escapes"), std::string::npos) << bad;
  }
  for (const char* bad :
       {"\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\xFF\"", "\"\xE2\x82\"", "\"\xF4\x90\x80\x80\""}) {
    EXPECT_NE(refusal(bad).find("f.json:1:2: expected UTF-8; found byte 0x"), std::string::npos);
  }
  EXPECT_EQ(refusal(R"("\u12")"),
            "f.json:1:2: expected four hexadecimal digits after \\u; found \"12\"\"");
  EXPECT_EQ(refusal(R"("\x41")"),
            "f.json:1:2: expected one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX; "
            "found a backslash before \"x41\"");
}

TEST(JsonRefuses, BrokenStructureWithItsPlace) {
  EXPECT_EQ(refusal("[1,]"), "f.json:1:4: expected a value; found \"]\"");
  EXPECT_EQ(refusal("{\"a\":1,}"), "f.json:1:8: expected a key in double quotes; found \"}\"");
  EXPECT_EQ(refusal("{a:1}"), "f.json:1:2: expected a key in double quotes; found \"a\"");
  EXPECT_EQ(refusal("{'a':1}"), "f.json:1:2: expected a key in double quotes; found \"'\"");
  EXPECT_EQ(refusal("{\"a\" 1}"), "f.json:1:6: expected \":\" after the key; found \"1\"");
  EXPECT_EQ(refusal("[1 2]"), "f.json:1:4: expected \",\" or \"]\"; found \"2\"");
  EXPECT_EQ(refusal("{\"a\":1 \"b\":2}"), "f.json:1:8: expected \",\" or \"}\"; found a string");
  EXPECT_EQ(refusal("[1}"), "f.json:1:3: expected \",\" or \"]\"; found \"}\"");
  EXPECT_EQ(refusal("["), "f.json:1:2: expected a value; found the end of the text");
  EXPECT_EQ(refusal("{\n  // why\n}"),
            "f.json:2:3: expected a key in double quotes; found a comment, which JSON has not");
  EXPECT_EQ(refusal("[\"abc"),
            "f.json:1:2: expected a string with a closing quote; found none until the end of the "
            "text");
  EXPECT_EQ(refusal("\"a\nb\""),
            "f.json:1:3: expected a closing quote or an escape such as \\n; found a line break");
}

TEST(JsonRefuses, ColumnsCountCharactersNotBytes) {
  EXPECT_EQ(refusal("{\"größe\": x}"), "f.json:1:11: expected a value; found \"x\"");
  EXPECT_EQ(refusal("[\r\n\t\"😀\", ü]"), "f.json:2:7: expected a value; found \"ü\"");
  EXPECT_EQ(parse_json("[").error().text(),
            "<json>:1:2: expected a value; found the end of the text");
}

// Every prefix and every single-byte change of a good document is accepted or refused with one
// line that names a place; nothing crashes and no library's words come through.
TEST(JsonRefuses, DamagedDocumentsGiveOneLine) {
  const std::string good =
      R"({"a": [1, -2.5e3, "x\u00e4\ud83d\ude00"], "b": {"c": null, "d": true}})";
  Random random(RandomKey::from_seed(2));
  for (std::size_t i = 0; i < 4000; ++i) {
    std::string bad = i < good.size() ? good.substr(0, i) : good;
    if (i >= good.size()) {
      bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    }
    const auto document = parse_json(bad, "f.json");
    if (!document.ok()) {
      const std::string line = document.error().text();
      EXPECT_TRUE(line.starts_with("f.json:")) << line;
      EXPECT_NE(line.find(": expected "), std::string::npos) << line;
      EXPECT_NE(line.find("; found "), std::string::npos) << line;
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
      EXPECT_EQ(line.find("exception"), std::string::npos) << line;
      EXPECT_TRUE(is_utf8(line));
    } else {
      EXPECT_GE(i, good.size());
      for (const char* pointer : {"/a/2", "/b/d", "/x"}) {
        EXPECT_TRUE(document->place(pointer).starts_with("f.json:"));
      }
    }
  }
}

TEST(JsonPlace, NamesLineAndColumnOfAValue) {
  const auto document = parse_json(
      "{\n  \"a\": [10, {\"b/c\": 1},\n    \"s,]}\"],\n  \"~\": \"ü\", \"k\\u0065y\" : 7\n}",
      "dir/f.json");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->place(""), "dir/f.json:1:1");
  EXPECT_EQ(document->place("/a"), "dir/f.json:2:8 /a");
  EXPECT_EQ(document->place("/a/0"), "dir/f.json:2:9 /a/0");
  EXPECT_EQ(document->place("/a/1"), "dir/f.json:2:13 /a/1");
  EXPECT_EQ(document->place("/a/1/b~1c"), "dir/f.json:2:21 /a/1/b~1c");
  EXPECT_EQ(document->place("/a/2"), "dir/f.json:3:5 /a/2");
  EXPECT_EQ(document->place("/~0"), "dir/f.json:4:8 /~0");
  EXPECT_EQ(document->place("/key"), "dir/f.json:4:26 /key");
}

TEST(JsonPlace, UnknownPointersStandAtTheNearestParent) {
  const auto document =
      parse_json("{\n  \"a\": [10, {\"b\": 1}], \"e\": [], \"o\": {}\n}", "f.json");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->place("/x/y"), "f.json:1:1 /x/y");
  EXPECT_EQ(document->place("/a/1/x"), "f.json:2:13 /a/1/x");
  EXPECT_EQ(document->place("/a/0/x"), "f.json:2:9 /a/0/x");
  EXPECT_EQ(document->place("/a/7"), "f.json:2:8 /a/7");
  EXPECT_EQ(document->place("/a/-"), "f.json:2:8 /a/-");
  EXPECT_EQ(document->place("/e/0"), "f.json:2:29 /e/0");
  EXPECT_EQ(document->place("/o/x"), "f.json:2:38 /o/x");
  EXPECT_EQ(document->place("/a\nb"), "f.json:1:1 /a\\u000ab");
}

// A document whose text does not belong to its root still answers.
TEST(JsonPlace, WithoutMatchingTextIsHarmless) {
  EXPECT_EQ((JsonDocument{"f", "", Json::object()}).place("/a/b"), "f:1:1 /a/b");
  EXPECT_EQ((JsonDocument{"f", "{\"a\":", Json::object()}).place("/a/b"), "f:1:6 /a/b");
  EXPECT_EQ((JsonDocument{"f", "[\"x", Json::object()}).place("/1"), "f:1:1 /1");
}

TEST(JsonPointer, TokensAreEscapedAndFollowed) {
  EXPECT_EQ(child_pointer("/a", "b/c~d"), "/a/b~1c~0d");
  std::string_view pointer = "/b~1c~0d/0";
  EXPECT_EQ(next_pointer_token(pointer), "b/c~d");
  EXPECT_EQ(pointer, "/0");
  const Json value = {{"a", {1, 2}}};
  ASSERT_NE(child_of(value, "a"), nullptr);
  EXPECT_EQ(*child_of(value["a"], "1"), 2);
  EXPECT_EQ(child_of(value["a"], "2"), nullptr);
  EXPECT_EQ(child_of(value["a"], "-1"), nullptr);
  EXPECT_EQ(child_of(value, "b"), nullptr);
  EXPECT_EQ(child_of(value["a"][0], "b"), nullptr);
}

TEST(JsonShow, KindsAndValuesInWords) {
  EXPECT_EQ(kind_of(Json(1)), "an integer");
  EXPECT_EQ(kind_of(Json(1u)), "an integer");
  EXPECT_EQ(kind_of(Json(1.5)), "a number");
  EXPECT_EQ(kind_of(Json("x")), "a string");
  EXPECT_EQ(kind_of(Json::array()), "an array");
  EXPECT_EQ(kind_of(Json::object()), "an object");
  EXPECT_EQ(kind_of(Json(true)), "a boolean");
  EXPECT_EQ(kind_of(Json()), "null");
  EXPECT_EQ(shown(Json("a\nb")), "\"a\\u000ab\"");
  EXPECT_EQ(shown(Json(1.5)), "1.5");
  EXPECT_EQ(shown(Json::array()), "an empty array");
  EXPECT_EQ(shown(Json{1}), "an array of 1 value");
  EXPECT_EQ(shown(Json{{"a", 1}, {"b", 2}}), "an object with 2 keys");
  EXPECT_LT(shown(Json(std::string(10'000, 'x'))).size(), 80u);
}

TEST(JsonCanonical, SortedWithoutSpaceAndNeverThrowing) {
  EXPECT_EQ(canonical(accepted("{ \"b\" : 1, \"a\" : [ 1.0, \"ü\" ] }")),
            "{\"a\":[1.0,\"ü\"],\"b\":1}");
  EXPECT_EQ(canonical(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(canonical(Json(0.1)), "0.1");
}

TEST(JsonFile, ReadErrorsNameTheFile) {
  const std::string path = testing::TempDir() + "/turnhalle_json_test.json";
  ASSERT_TRUE(write_file(path, "{\n \"a\": tru}").ok());
  EXPECT_EQ(read_json(path).error().text(), path + ":2:7: expected a value; found \"tru\"");
  ASSERT_TRUE(write_file(path, "{\"a\":1}").ok());
  EXPECT_EQ(read_json(path)->root["a"], 1);
  JsonLimits limits;
  limits.bytes_max = 3;
  EXPECT_EQ(read_json(path, limits).error().text(),
            path + ": expected a file of at most 3 bytes; found a larger one");
  std::filesystem::remove(path);
  EXPECT_EQ(read_json(path).error().message.substr(0, 49),
            "expected a file; found: No such file or directory");
}

// A vocabulary of the size of a real tokenizer.json: 5 MB within half a second (in a release
// build; the bound leaves room for sanitizers).
TEST(JsonParse, ALargeVocabularyIsReadWhole) {
  std::string text = "{\"model\":{\"vocab\":{";
  for (int i = 0; i < 200'000; ++i) {
    text += (i == 0 ? "\"" : ",\"") + std::string("Ġtoken") + std::to_string(i * 7919 % 200'003) +
            "\":" + std::to_string(i);
  }
  text += "}}}";
  ASSERT_GT(text.size(), 4'000'000u);
  const auto document = parse_json(std::move(text));
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root["model"]["vocab"].size(), 200'000u);
}

}  // namespace
}  // namespace turnhalle
