#include "core/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace turnhalle {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 3;
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 3);
  const Result<int> bad = Error{"a.json:1:2", "expected a number; found \"x\""};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text(), "a.json:1:2: expected a number; found \"x\"");
  EXPECT_TRUE(ok_status().ok());
}

TEST(Result, ErrorWithoutAPlaceIsItsMessage) { EXPECT_EQ((Error{"", "no"}).text(), "no"); }

TEST(Result, MovesOutWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
}

TEST(Result, StringResultKeepsValueAndErrorApart) {
  const Result<std::string> text = std::string("error");
  EXPECT_TRUE(text.ok());
  EXPECT_EQ(text->size(), 5u);
}

TEST(ResultDeathTest, ReadingTheWrongSideStopsTheProgram) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const Result<int> bad = Error{"file", "broken"};
  const Result<int> good = 1;
  EXPECT_DEATH((void)bad.value(), "bug at .*result.h:[0-9]+: .* file: broken");
  EXPECT_DEATH((void)good.error(), "bug at .*result.h");
}

TEST(CheckDeathTest, FailureNamesPlaceAndValues) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(check(false, "one is two", 1, "and", 2),
               "bug at .*result_test.cc:[0-9]+: this must hold: one is two 1 and 2");
}

TEST(Check, PassesSilently) { check(true, "nothing to say", 1); }

}  // namespace
}  // namespace turnhalle
