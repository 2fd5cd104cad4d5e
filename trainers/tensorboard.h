// TensorBoard event files: scalars, written as every TensorBoard reads them.
//
// TFRecord framing (length, masked CRC-32C, data, masked CRC-32C) around hand-encoded protocol
// buffers `Event{wall_time, step, summary{value{tag, simple_value}}}`.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace turnhalle {

/// CRC-32C (Castagnoli) of bytes.
std::uint32_t crc32c(std::string_view bytes);
/// One framed record.
std::string tensorboard_record(std::string_view data);
/// The serialised Event of one scalar.
std::string tensorboard_scalar(double wall_time, std::int64_t step, std::string_view tag,
                               float value);

/// Appends to one file `events.out.tfevents.<seconds>.<name>`; flushed after every step.
class TensorBoardWriter {
 public:
  static Result<std::unique_ptr<TensorBoardWriter>> create(const std::string& folder,
                                                           double wall_time,
                                                           const std::string& name);
  ~TensorBoardWriter();
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;
  void scalar(double wall_time, std::int64_t step, std::string_view tag, double value);
  void flush();

 private:
  explicit TensorBoardWriter(std::FILE* file) : file_(file) {}
  std::FILE* file_;
};

}  // namespace turnhalle
