#include "core/bytes.h"

#include <bit>

#include "core/check.h"

namespace turnhalle {
namespace {

constexpr unsigned kDigitBits = 7;  // of one byte of a u64
constexpr std::uint8_t kMore = 0x80;
constexpr unsigned kLastShift = 63;  // only one bit is left for the tenth byte

void append_fixed(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out += static_cast<char>((value >> (8 * i)) & 0xFF);
  }
}

}  // namespace

void ByteWriter::u32(std::uint32_t value) { append_fixed(out_, value, sizeof value); }

void ByteWriter::u64(std::uint64_t value) {
  while (value >= kMore) {
    u8(static_cast<std::uint8_t>(value) | kMore);
    value >>= kDigitBits;
  }
  u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::i64(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  u64((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::f64(double value) {
  append_fixed(out_, std::bit_cast<std::uint64_t>(value), sizeof value);
}

void ByteWriter::string(std::string_view value) {
  u64(value.size());
  out_ += value;
}

void ByteReader::fail() {
  failed_ = true;
  rest_ = {};
}

std::string_view ByteReader::take(std::size_t count) {
  if (count > rest_.size()) {
    fail();
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint64_t ByteReader::fixed(std::size_t bytes) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const char c : take(bytes)) {
    value |= std::uint64_t{static_cast<unsigned char>(c)} << shift;
    shift += 8;
  }
  return value;
}

std::uint8_t ByteReader::u8() { return static_cast<std::uint8_t>(fixed(1)); }

bool ByteReader::boolean() {
  const std::uint8_t value = u8();
  if (value > 1) {
    fail();
  }
  return value == 1;
}

std::uint32_t ByteReader::u32() { return static_cast<std::uint32_t>(fixed(sizeof(std::uint32_t))); }

std::uint64_t ByteReader::u64() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kLastShift; shift += kDigitBits) {
    const std::uint8_t byte = u8();
    value |= std::uint64_t{byte & (kMore - 1u)} << shift;
    if (byte < kMore) {
      // A last digit of 0 pads the number; a tenth digit above 1 does not fit 64 bits.
      if ((byte == 0 && shift > 0) || (byte > 1 && shift == kLastShift)) {
        break;
      }
      return value;
    }
  }
  fail();
  return 0;
}

std::int64_t ByteReader::i64() {
  const std::uint64_t value = u64();
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

double ByteReader::f64() { return std::bit_cast<double>(fixed(sizeof(double))); }

std::string_view ByteReader::view() {
  const std::uint64_t length = u64();
  return take(length);
}

std::string ByteReader::string() { return std::string(view()); }

std::size_t ByteReader::count(std::size_t element_bytes_min) {
  check(element_bytes_min > 0, "an element of a snapshot has at least one byte");
  const std::uint64_t elements = u64();
  if (elements > rest_.size() / element_bytes_min) {
    fail();
    return 0;
  }
  return elements;
}

}  // namespace turnhalle
