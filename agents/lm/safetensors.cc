#include "agents/lm/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "core/check.h"
#include "core/json.h"

namespace turnhalle::lm {
namespace {

constexpr std::uint64_t header_bytes_max = 100'000'000;
constexpr std::size_t length_bytes = 8;
constexpr std::size_t tensors_max = 100'000;
constexpr std::size_t dimensions_max = 16;
constexpr std::size_t name_bytes_max = 512;

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<DTypeRow, 7> dtypes = {{{DType::f64, "F64", 8},
                                             {DType::f32, "F32", 4},
                                             {DType::f16, "F16", 2},
                                             {DType::bf16, "BF16", 2},
                                             {DType::i64, "I64", 8},
                                             {DType::i32, "I32", 4},
                                             {DType::u8, "U8", 1}}};

const DTypeRow& row_of(DType dtype) {
  const auto row = std::find_if(dtypes.begin(), dtypes.end(),
                                [&](const DTypeRow& r) { return r.dtype == dtype; });
  check(row != dtypes.end(), "every DType has a row in the table");
  return *row;
}

/// Elements × bytes of one, or nothing when that does not fit.
std::optional<std::uint64_t> bytes_for(DType dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = bytes_of(dtype);
  for (const std::int64_t size : shape) {
    const auto factor = static_cast<std::uint64_t>(size);
    const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (size < 0 || (factor != 0 && bytes > limit / factor)) {
      return std::nullopt;
    }
    bytes *= factor;
  }
  return bytes;
}

/// Names become file-like keys elsewhere, so what looks like a path or hides is refused.
bool is_tensor_name(std::string_view name) {
  const auto harmless = [](char c) { return c >= 0x21 && c <= 0x7E && c != '/' && c != '\\'; };
  return !name.empty() && name.size() <= name_bytes_max &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), harmless);
}

bool is_size(const Json& value) {
  return value.is_number_integer() && value >= 0 &&
         value <= std::numeric_limits<std::int64_t>::max();
}

std::string system_message() { return std::strerror(errno); }

/// A tensor as the header describes it: bytes [begin, end) of the data.
struct Entry {
  TensorView view;
  std::uint64_t begin = 0, end = 0;
};

/// Reads one entry of the header; the reason when it is not one.
std::optional<std::string> read_entry(const std::string& name, const Json& value, Entry& entry) {
  if (!is_tensor_name(name)) {
    return "the tensor name " + shown(Json(name)) +
           " is not made of 1 to 512 printable ASCII characters without slashes and \"..\"";
  }
  const bool complete = value.is_object() && value.size() == 3 && value.contains("dtype") &&
                        value.contains("shape") && value.contains("data_offsets");
  if (!complete) {
    return name + ": expected dtype, shape and data_offsets; found " + shown(value);
  }
  const Json& dtype = value["dtype"];
  const auto row = std::find_if(dtypes.begin(), dtypes.end(), [&](const DTypeRow& r) {
    return dtype.is_string() && dtype.get_ref<const std::string&>() == r.name;
  });
  if (row == dtypes.end()) {
    return name + ": expected dtype F64, F32, F16, BF16, I64, I32 or U8; found " + shown(dtype);
  }
  const Json& shape = value["shape"];
  if (!shape.is_array() || shape.size() > dimensions_max ||
      !std::all_of(shape.begin(), shape.end(), is_size)) {
    return name + ": expected a shape of at most 16 sizes; found " + shown(shape);
  }
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !is_size(offsets[0]) || !is_size(offsets[1])) {
    return name + ": expected data_offsets [begin, end]; found " + shown(offsets);
  }
  entry.view = {name, row->dtype, shape.get<std::vector<std::int64_t>>(), {}};
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  const std::optional<std::uint64_t> bytes = bytes_for(row->dtype, entry.view.shape);
  if (!bytes || entry.begin > entry.end || *bytes != entry.end - entry.begin) {
    return name + ": shape " + shape.dump() + " of " + std::string(row->name) +
           " does not take the bytes of data_offsets " + offsets.dump();
  }
  return std::nullopt;
}

std::optional<std::string> read_metadata(const Json& value,
                                         std::map<std::string, std::string>& metadata) {
  if (!value.is_object()) {
    return "__metadata__: expected an object; found " + shown(value);
  }
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      return "__metadata__: expected texts; found " + shown(text) + " at " + shown(Json(key));
    }
    metadata[key] = text.get<std::string>();
  }
  return std::nullopt;
}

/// Sorts by offset and makes sure that the tensors tile the data exactly.
std::optional<std::string> check_tiling(std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.view.name) < std::tie(b.begin, b.end, b.view.name);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      return entry.view.name + ": begins at byte " + std::to_string(entry.begin) +
             " of the data, expected " + std::to_string(at) +
             (entry.begin < at ? " (overlaps the tensor before)" : " (leaves a hole)");
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    return "the tensors take " + std::to_string(at) + " bytes, the file has " +
           std::to_string(data_bytes) + " bytes of data";
  }
  return std::nullopt;
}

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

}  // namespace

std::size_t bytes_of(DType dtype) { return row_of(dtype).bytes; }
std::string_view name_of(DType dtype) { return row_of(dtype).name; }

/// A file mapped read-only, and its descriptor's lifetime.
class SafetensorsFile::Mapping {
 public:
  static Result<std::shared_ptr<const Mapping>> map(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      return Error{path, system_message()};
    }
    struct stat status {};
    const bool known = ::fstat(descriptor, &status) == 0;
    const bool regular = known && S_ISREG(status.st_mode);
    const std::size_t size = regular ? static_cast<std::size_t>(status.st_size) : 0;
    void* address = MAP_FAILED;
    if (size > 0) {
      address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    const std::string reason = !regular    ? "expected a regular file"
                               : size == 0 ? "the file is empty"
                                           : system_message();
    ::close(descriptor);
    if (address == MAP_FAILED) {
      return Error{path, reason};
    }
    auto mapping = std::make_shared<Mapping>();
    mapping->bytes_ = {static_cast<const std::byte*>(address), size};
    return std::shared_ptr<const Mapping>(std::move(mapping));
  }
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size()); }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  Result<std::shared_ptr<const Mapping>> mapping = Mapping::map(path);
  if (!mapping) {
    return mapping.error();
  }
  const std::span<const std::byte> bytes = (*mapping)->bytes();
  if (bytes.size() < length_bytes) {
    return Error{path, "expected a safetensors file; found only " + std::to_string(bytes.size()) +
                           " bytes"};
  }
  const std::uint64_t header_bytes = little_endian(bytes);
  if (header_bytes > std::min<std::uint64_t>(header_bytes_max, bytes.size() - length_bytes)) {
    return Error{path, "expected a safetensors file; its first 8 bytes give a header of " +
                           std::to_string(header_bytes) + " bytes, the file has " +
                           std::to_string(bytes.size())};
  }
  const auto* header = reinterpret_cast<const char*>(bytes.data() + length_bytes);
  JsonLimits limits;
  limits.bytes_max = header_bytes_max;
  limits.depth_max = 4;
  Result<JsonDocument> document = parse_json(
      std::string(header, static_cast<std::size_t>(header_bytes)), path + " (header)", limits);
  if (!document) {
    return document.error();
  }
  if (!document->root.is_object() || document->root.size() > tensors_max) {
    return Error{path, "expected a header that is an object of at most " +
                           std::to_string(tensors_max) + " tensors"};
  }
  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : document->root.items()) {
    std::optional<std::string> problem;
    if (name == "__metadata__") {
      problem = read_metadata(value, file.metadata_);
    } else {
      problem = read_entry(name, value, entries.emplace_back());
    }
    if (problem) {
      return Error{path, *problem};
    }
  }
  const std::span<const std::byte> data = bytes.subspan(length_bytes + header_bytes);
  if (const auto problem = check_tiling(entries, data.size())) {
    return Error{path, *problem};
  }
  file.path_ = path;
  file.mapping_ = std::move(*mapping);
  for (Entry& entry : entries) {
    entry.view.data = data.subspan(entry.begin, entry.end - entry.begin);
    file.index_.emplace(entry.view.name, file.tensors_.size());
    file.tensors_.push_back(std::move(entry.view));
  }
  return file;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace turnhalle::lm
