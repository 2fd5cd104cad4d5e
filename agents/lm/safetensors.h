// The safetensors format: tensors in one file, read in place.
//
//   8 bytes   length of the header, little-endian
//   header    JSON {name: {dtype, shape, data_offsets: [begin, end)}, "__metadata__": {…}}
//   data      the tensors one after the other, row-major, little-endian, without gaps
//
// Reading is strict: a header that is too long, names a tensor twice, overlaps, leaves holes or
// does not end where the file ends is refused before anything is allocated from its numbers.
// Format: https://github.com/huggingface/safetensors (README, "Format").
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::lm {

enum class DType : std::uint8_t { f64, f32, f16, bf16, i64, i32, u8 };
/// Bytes of one element.
std::size_t bytes_of(DType dtype);
/// The format's name: "F32", "BF16", …
std::string_view name_of(DType dtype);

/// A tensor whose bytes belong to somebody else: the mapped file, or the writer's caller. An
/// empty shape is a scalar; a dimension of 0 is allowed and means no data.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;  ///< product of the shape × bytes_of(dtype) bytes; the header's
                                    ///< length decides how it is aligned: copy, do not cast
};

/// An open file. The views stay valid as long as it lives, moves included. The file is mapped:
/// whoever shortens it in place meanwhile ends the program; replacing it by rename, as
/// write_safetensors does, is safe.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const std::string& path);

  const std::string& path() const { return path_; }
  /// In the order of the data.
  std::span<const TensorView> tensors() const { return tensors_; }
  /// Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  class Mapping;
  SafetensorsFile() = default;
  std::string path_;
  std::shared_ptr<const Mapping> mapping_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// The weights of a Hugging Face folder: model.safetensors, or the shards that
/// model.safetensors.index.json names. No tensor is in two shards, and each is where the index
/// says.
Result<std::vector<SafetensorsFile>> open_model_weights(const std::string& folder);

/// Writes tensors in the given order; the bytes depend on the arguments alone. `metadata` gets
/// format = pt, which transformers insists on. The file appears whole or not at all: it is
/// written beside its place, forced to disk and renamed.
Status write_safetensors(const std::string& path, std::span<const TensorView> tensors,
                         std::map<std::string, std::string> metadata = {});

}  // namespace turnhalle::lm
