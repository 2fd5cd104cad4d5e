// Binary snapshots and canonical bytes: what is written on one machine reads back on any other.
//
//   what      bytes
//   u8        1
//   boolean   1, 0 or 1
//   u32       4, little endian
//   u64       1 to 10, base 128, low digits first, the top bit set on all but the last
//   i64       the same of (value << 1) ^ (value >> 63), so that small negatives are short
//   f64       8, little endian, the bits as they are: NaN payloads and -0 survive
//   string    u64 of the length, then the bytes
//
// Every value has exactly one form: a reader refuses any other, so equal bytes mean equal content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace turnhalle {

/// Appends values to a string of the caller, which outlives the writer.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void i64(std::int64_t value);
  void f64(double value);
  void string(std::string_view value);

 private:
  std::string& out_;
};

/// Reads the values back in the same order. Truncated or ill-formed input sets a flag that stays;
/// from then on every read gives zero or an empty text. Never reads outside its input.
class ByteReader {
 public:
  /// The bytes stay the caller's and outlive the reader.
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t u8();
  bool boolean();
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64();
  double f64();
  std::string string();
  /// The same without a copy: a view into the input.
  std::string_view view();
  /// A u64 that says how many elements follow, each of at least `element_bytes_min` ≥ 1 bytes:
  /// refused when the rest cannot hold them, so that it is safe to reserve memory for them.
  std::size_t count(std::size_t element_bytes_min = 1);

  /// For values that read well and mean nothing.
  void fail();
  bool ok() const { return !failed_; }
  /// Whether everything read well and nothing is left.
  bool finished() const { return ok() && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view take(std::size_t count);
  std::uint64_t fixed(std::size_t bytes);
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace turnhalle
