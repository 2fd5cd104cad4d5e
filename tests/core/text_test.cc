#include "core/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/rng.h"

namespace turnhalle {
namespace {

const std::vector<std::string> kTypeNames = {"bool", "int", "list", "number", "object", "string"};

TEST(Shortest, ReadsBackAsTheSameDouble) {
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(1e-9), "1e-09");
  EXPECT_EQ(shortest(-0.0), "-0");
  EXPECT_EQ(shortest(3.0), "3");
  EXPECT_EQ(shortest(std::numeric_limits<double>::infinity()), "inf");
  Random random(RandomKey::from_seed(1));
  for (int i = 0; i < 1000; ++i) {
    const double value = random.uniform(-1e6, 1e6);
    double back = 0;
    ASSERT_TRUE(parse_double(shortest(value), back));
    ASSERT_EQ(back, value);
  }
}

TEST(Numbers, AppendAndJoin) {
  std::string out = "n=";
  append_number(out, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(out, "n=-9223372036854775808");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join(std::vector<std::string>{}, ", "), "");
}

TEST(Numbers, OnlyWholeTextsAreNumbers) {
  std::int64_t integer = 7;
  EXPECT_TRUE(parse_integer("-9223372036854775808", integer));
  EXPECT_EQ(integer, std::numeric_limits<std::int64_t>::min());
  for (const char* bad :
       {"", " 1", "1 ", "+1", "1.0", "0x1", "9223372036854775808", "--1", "1\n"}) {
    integer = 7;
    EXPECT_FALSE(parse_integer(bad, integer)) << bad;
    EXPECT_EQ(integer, 7) << bad;
  }
  double number = 7;
  EXPECT_TRUE(parse_double("-2.5e3", number));
  EXPECT_EQ(number, -2500);
  for (const char* bad : {"", "nan", "inf", "-inf", "1e999", "1,5", "1.5x", " 1"}) {
    EXPECT_FALSE(parse_double(bad, number)) << bad;
  }
  EXPECT_EQ(number, -2500);
}

TEST(Trim, TakesAsciiSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\xC2\xA0x"), "\xC2\xA0x");
}

TEST(NearestName, FindsMistypedNames) {
  EXPECT_EQ(nearest_name("integer", kTypeNames), "int");    // contains
  EXPECT_EQ(nearest_name("strnig", kTypeNames), "string");  // swapped neighbours: one edit
  EXPECT_EQ(nearest_name("sting", kTypeNames), "string");   // dropped letter
  EXPECT_EQ(nearest_name("Objekt", kTypeNames), "object");  // case does not count
  EXPECT_EQ(nearest_name("num", kTypeNames), "number");     // prefix
  const std::vector<std::string> recipes = {"connect_the_dots", "dr_grpo", "grpo", "rloo"};
  EXPECT_EQ(nearest_name("connect-the-dots", recipes), "connect_the_dots");
  EXPECT_EQ(nearest_name("GRPO", recipes), "grpo");
  EXPECT_EQ(nearest_name("trloo", recipes), "rloo");
}

TEST(NearestName, SuggestsNothingThatIsFar) {
  EXPECT_EQ(nearest_name("frozen_lake", kTypeNames), "");
  EXPECT_EQ(nearest_name("", kTypeNames), "");
  EXPECT_EQ(nearest_name("x", kTypeNames), "");
  EXPECT_EQ(nearest_name("a", std::vector<std::string>{"b"}), "");         // nothing in common
  EXPECT_EQ(nearest_name("on", std::vector<std::string>{"connect"}), "");  // too short to contain
  EXPECT_EQ(nearest_name(std::string(100000, 'a'), kTypeNames), "");
  EXPECT_EQ(nearest_name("name", std::vector<std::string>{"", std::string(100000, 'a')}), "");
}

TEST(NearestName, LimitIsAThirdOfTheName) {
  const std::vector<std::string> names = {"abcdefghi"};
  EXPECT_EQ(nearest_name("abcdefxyz", names), "abcdefghi");  // 3 of 9
  EXPECT_EQ(nearest_name("abcdewxyz", names), "");           // 4 of 9
}

TEST(NearestName, FewestEditsWinAndFirstAmongEquals) {
  EXPECT_EQ(nearest_name("cats", std::vector<std::string>{"cars", "bats", "cat"}), "cars");
  EXPECT_EQ(nearest_name("task", std::vector<std::string>{"tusks", "tasks"}), "tasks");
}

TEST(DidYouMean, AsksOrSaysNothing) {
  EXPECT_EQ(did_you_mean("integer", kTypeNames), " Did you mean \"int\"?");
  EXPECT_EQ(did_you_mean("frozen_lake", kTypeNames), "");
}

TEST(Utf8, WellFormedTextIsAccepted) {
  for (const char* good : {"", "plain ascii of more than eight bytes", "ä", "€", "😀",
                           "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80", "aaaaaaaä"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_EQ(to_utf8(good), good);
  }
}

TEST(Utf8, IllFormedTextIsRefusedAndReplacedByteForByte) {
  const std::vector<std::string> bad = {"\x80",
                                        "\xC0\xAF",
                                        "\xC1\xBF",
                                        "\xE0\x80\xAF",
                                        "\xF0\x80\x80\xAF",  // overlong
                                        "\xED\xA0\x80",
                                        "\xED\xBF\xBF",  // surrogates
                                        "\xF4\x90\x80\x80",
                                        "\xF5\x80\x80\x80",
                                        "\xFF",
                                        "\xFE",  // above U+10FFFF
                                        "\xC3",
                                        "\xE2\x82",
                                        "\xF0\x9F\x98",  // truncated
                                        "\xE2\x28\xA1"};
  for (const std::string& bytes : bad) {
    EXPECT_FALSE(is_utf8(bytes)) << hex(bytes);
    EXPECT_FALSE(is_utf8("12345678" + bytes + "x")) << hex(bytes);
    EXPECT_EQ(utf8_prefix("12345678" + bytes), 8u) << hex(bytes);
    EXPECT_TRUE(is_utf8(to_utf8(bytes))) << hex(bytes);
  }
  EXPECT_EQ(to_utf8("a\xE2\x82z"), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(Utf8, EveryScalarValueIsWellFormedAndNoSurrogateIs) {
  for (char32_t code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 97) {
    std::string text;
    append_utf8(text, code);
    ASSERT_EQ(is_utf8(text), code < 0xD800 || code > 0xDFFF) << static_cast<unsigned>(code);
  }
}

TEST(OneLine, NothingCanBreakOrReorderALine) {
  EXPECT_EQ(one_line("a\nb\tc"), "a\\u000ab\\u0009c");
  EXPECT_EQ(one_line("x\xE2\x80\xAEy"), "x\\u202ey");
  EXPECT_EQ(one_line("x\xE2\x80\x8By\xEF\xBB\xBF"), "x\\u200by\\ufeff");
  EXPECT_EQ(one_line("\x1B[31m"), "\\u001b[31m");
  EXPECT_EQ(one_line("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(one_line("grün 😀"), "grün 😀");
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc…");
  EXPECT_EQ(shortened("aää", 2), "a…");
  EXPECT_EQ(in_quotes("a\n"), "\"a\\u000a\"");
  EXPECT_LT(in_quotes(std::string(1000, 'x')).size(), 80u);
}

TEST(Hex, TwoDigitsForEachByte) { EXPECT_EQ(hex(std::string("\x00\x7F\xFF\n", 4)), "007fff0a"); }

TEST(BetweenTags, EachTagOccursExactlyOnceAndInOrder) {
  std::string_view inside;
  ASSERT_TRUE(between_tags("say <a>hi</a>!", "<a>", "</a>", inside));
  EXPECT_EQ(inside, "hi");
  ASSERT_TRUE(between_tags("<a></a>", "<a>", "</a>", inside));
  EXPECT_EQ(inside, "");
  for (const char* bad :
       {"", "<a>hi", "hi</a>", "</a>hi<a>", "<a><a>hi</a>", "<a>hi</a></a>", "<a>x</a><a>y</a>"}) {
    inside = "untouched";
    EXPECT_FALSE(between_tags(bad, "<a>", "</a>", inside)) << bad;
    EXPECT_EQ(inside, "untouched");
  }
  EXPECT_FALSE(between_tags("||", "|", "|", inside));
  EXPECT_FALSE(between_tags("abc", "", "", inside));
}

}  // namespace
}  // namespace turnhalle
