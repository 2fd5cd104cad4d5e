#include "trainers/tensorboard.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace turnhalle {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[i] = value;
  }
  return table;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

template <class T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out += static_cast<char>((value >> (8 * i)) & 0xff);
  }
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// A length-delimited field of a protocol buffer.
void append_field(std::string& out, int field, std::string_view content) {
  append_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  append_varint(out, content.size());
  out += content;
}

// wall_time (field 1, double) and step (field 2, varint), with which every event begins.
std::string event_head(double wall_time, std::int64_t step) {
  std::string event = "\x09";
  append_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
  event += '\x10';
  append_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

std::string tensorboard_record(std::string_view data) {
  std::string length;
  append_little_endian(length, static_cast<std::uint64_t>(data.size()));
  std::string record = length;
  append_little_endian(record, masked(crc32c(length)));
  record += data;
  append_little_endian(record, masked(crc32c(data)));
  return record;
}

std::string tensorboard_scalar(double wall_time, std::int64_t step, std::string_view tag,
                               float value) {
  std::string entry;
  append_field(entry, 1, tag);
  entry += '\x15';
  append_little_endian(entry, std::bit_cast<std::uint32_t>(value));
  std::string summary;
  append_field(summary, 1, entry);
  std::string event = event_head(wall_time, step);
  append_field(event, 5, summary);
  return event;
}

Result<std::unique_ptr<TensorBoardWriter>> TensorBoardWriter::create(const std::string& folder,
                                                                     double wall_time,
                                                                     const std::string& name) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string seconds = std::to_string(static_cast<std::int64_t>(wall_time));
  seconds.insert(0, seconds.size() < 10 ? 10 - seconds.size() : 0, '0');
  const std::string path = folder + "/events.out.tfevents." + seconds + "." + name;
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) {
    return Error{path, std::string("cannot be written: ") + std::strerror(errno)};
  }
  std::unique_ptr<TensorBoardWriter> writer(new TensorBoardWriter(file));
  std::string event = event_head(wall_time, 0);
  append_field(event, 3, "brain.Event:2");
  const std::string record = tensorboard_record(event);
  std::fwrite(record.data(), 1, record.size(), file);
  return writer;
}

TensorBoardWriter::~TensorBoardWriter() { std::fclose(file_); }

void TensorBoardWriter::scalar(double wall_time, std::int64_t step, std::string_view tag,
                               double value) {
  const std::string record =
      tensorboard_record(tensorboard_scalar(wall_time, step, tag, static_cast<float>(value)));
  std::fwrite(record.data(), 1, record.size(), file_);
}

void TensorBoardWriter::flush() { std::fflush(file_); }

}  // namespace turnhalle
