#include "core/bytes.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/rng.h"
#include "core/text.h"

namespace turnhalle {
namespace {

std::string bytes_of_u64(std::uint64_t value) {
  std::string out;
  ByteWriter(out).u64(value);
  return out;
}

TEST(Bytes, EveryKindReadsBackAsWritten) {
  std::string out;
  ByteWriter writer(out);
  writer.u8(200);
  writer.boolean(true);
  writer.u32(0xDEADBEEF);
  writer.u64(300);
  writer.i64(-2);
  writer.f64(-0.0);
  writer.string(std::string("a\0b", 3));
  ByteReader reader(out);
  EXPECT_EQ(reader.u8(), 200);
  EXPECT_TRUE(reader.boolean());
  EXPECT_EQ(reader.u32(), 0xDEADBEEF);
  EXPECT_EQ(reader.u64(), 300u);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_TRUE(std::signbit(reader.f64()));
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(reader.string(), std::string("a\0b", 3));
  EXPECT_TRUE(reader.finished());
}

TEST(Bytes, LayoutIsFrozen) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(0x01020304);
  writer.u64(300);
  writer.i64(-2);
  writer.i64(1);
  writer.f64(1.0);
  writer.string("ok");
  EXPECT_EQ(hex(out),
            "04030201"
            "ac02"
            "03"
            "02"
            "000000000000f03f"
            "026f6b");
}

TEST(Bytes, BoundariesOfIntegersReadBack) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t offset : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}}) {
      const std::uint64_t value = (std::uint64_t{1} << bit) + offset;
      std::string out;
      ByteWriter writer(out);
      writer.u64(value);
      writer.i64(static_cast<std::int64_t>(value));
      ByteReader reader(out);
      EXPECT_EQ(reader.u64(), value);
      EXPECT_EQ(reader.i64(), static_cast<std::int64_t>(value));
      EXPECT_TRUE(reader.finished());
    }
  }
  EXPECT_EQ(bytes_of_u64(std::numeric_limits<std::uint64_t>::max()).size(), 10u);
}

TEST(Bytes, DoublesKeepEveryBit) {
  for (const std::uint64_t bits : {0x7FF8000000001234ul, 0xFFF0000000000000ul, 1ul}) {
    std::string out;
    ByteWriter(out).f64(std::bit_cast<double>(bits));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(ByteReader(out).f64()), bits);
  }
}

TEST(Bytes, SecondFormsOfANumberAreRefused) {
  const std::vector<std::string> bad = {
      std::string("\x80\x00", 2),                                   // 0 in two bytes
      std::string("\xFF\x00", 2),                                   // 127 in two bytes
      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02",                   // 2^64
      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",               // eleven bytes
      std::string("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10),  // padded to ten bytes
  };
  for (const std::string& bytes : bad) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.u64(), 0u) << hex(bytes);
    EXPECT_FALSE(reader.ok()) << hex(bytes);
  }
  ByteReader boolean("\x02");
  EXPECT_FALSE(boolean.boolean());
  EXPECT_FALSE(boolean.ok());
}

TEST(Bytes, FailureStaysAndReadsGiveNothing) {
  ByteReader reader(
      "\x05"
      "abc"
      "\x01\x01\x01");
  EXPECT_EQ(reader.u8(), 5);
  EXPECT_EQ(reader.view(), "");  // a length of 97 with five bytes left
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.u64(), 0u);
  EXPECT_EQ(reader.left(), 0u);
  EXPECT_FALSE(reader.finished());
}

TEST(Bytes, EveryTruncationIsNoticed) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(7);
  writer.u64(1 << 20);
  writer.string("hello");
  writer.f64(2.5);
  for (std::size_t length = 0; length < out.size(); ++length) {
    const std::string cut = out.substr(0, length);
    ByteReader reader(cut);
    reader.u32();
    reader.u64();
    reader.string();
    reader.f64();
    EXPECT_FALSE(reader.ok()) << length;
  }
}

TEST(Bytes, CountsThatTheInputCannotHoldAreRefused) {
  std::string out;
  ByteWriter writer(out);
  writer.u64(3);
  out += std::string(23, 'x');
  EXPECT_EQ(ByteReader(out).count(1), 3u);
  EXPECT_EQ(ByteReader(out).count(7), 3u);
  ByteReader too_many(out);
  EXPECT_EQ(too_many.count(8), 0u);
  EXPECT_FALSE(too_many.ok());
  const std::string huge = bytes_of_u64(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(ByteReader(huge).count(), 0u);
  EXPECT_EQ(ByteReader(huge).view(), "");
}

TEST(Bytes, RandomInputIsReadWithinItsBounds) {
  Random random(RandomKey::from_seed(11));
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random.below(24), '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random.below(256));
    }
    ByteReader reader(bytes);
    while (reader.ok() && reader.left() > 0) {
      const std::size_t before = reader.left();
      switch (random.below(5)) {
        case 0:
          reader.u64();
          break;
        case 1:
          reader.f64();
          break;
        case 2:
          reader.view();
          break;
        case 3:
          reader.u32();
          break;
        default:
          reader.count(3);
          break;
      }
      ASSERT_LT(reader.left(), before);
    }
  }
}

}  // namespace
}  // namespace turnhalle
