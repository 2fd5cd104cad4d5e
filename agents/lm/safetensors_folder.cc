// Reading the shards of a folder, and writing.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "agents/lm/safetensors.h"
#include "core/check.h"
#include "core/json.h"

namespace turnhalle::lm {
namespace {

constexpr std::size_t header_alignment = 8;

/// From tensor names to shard names; an error when a value is not the name of a file beside.
Result<std::map<std::string, std::string>> read_weight_map(const std::string& index_path) {
  Result<JsonDocument> document = read_json(index_path);
  if (!document) {
    return document.error();
  }
  const Json& root = document->root;
  if (!root.is_object() || !root.contains("weight_map") || !root["weight_map"].is_object()) {
    return Error{index_path, "expected an object with the key weight_map"};
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : root["weight_map"].items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : "";
    if (!file.ends_with(".safetensors") || file.find('/') != std::string::npos) {
      return Error{index_path, "expected the name of a .safetensors file for " + name +
                                   "; found " + shown(shard)};
    }
    shards[name] = file;
  }
  return shards;
}

/// Each tensor of the index is in its shard, and the shards have no others.
Status check_shards(const std::string& index_path, const std::string& folder,
                    const std::map<std::string, std::string>& shards,
                    const std::vector<SafetensorsFile>& files) {
  for (const SafetensorsFile& file : files) {
    for (const TensorView& tensor : file.tensors()) {
      const auto found = shards.find(tensor.name);
      if (found == shards.end() || folder + "/" + found->second != file.path()) {
        return Error{file.path(), tensor.name + " is not where " + index_path + " has it"};
      }
    }
  }
  for (const auto& [name, shard] : shards) {
    for (const SafetensorsFile& file : files) {
      if (file.path() == folder + "/" + shard && file.find(name) == nullptr) {
        return Error{file.path(), "has no tensor " + name + ", which " + index_path + " promises"};
      }
    }
  }
  return ok_status();
}

std::string header_of(std::span<const TensorView> tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const TensorView& tensor : tensors) {
    std::uint64_t bytes = bytes_of(tensor.dtype);
    for (const std::int64_t size : tensor.shape) {
      check(size >= 0, "a tensor's sizes are not negative", tensor.name);
      bytes *= static_cast<std::uint64_t>(size);
    }
    check(bytes == tensor.data.size(), "a tensor has the bytes of its shape", tensor.name, bytes,
          tensor.data.size());
    check(!header.contains(tensor.name), "a tensor is written once", tensor.name);
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.append((header_alignment - text.size() % header_alignment) % header_alignment, ' ');
  return text;
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_content(int descriptor, const std::string& header,
                   std::span<const TensorView> tensors) {
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xFF);
  }
  bool good = write_all(descriptor, length) &&
              write_all(descriptor, std::as_bytes(std::span(header.data(), header.size())));
  for (const TensorView& tensor : tensors) {
    good = good && write_all(descriptor, tensor.data);
  }
  return good && ::fsync(descriptor) == 0;
}

/// Makes the renaming itself last. Where a folder cannot be opened the file is there all the same.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    ::fsync(descriptor);
    ::close(descriptor);
  }
}

}  // namespace

Result<std::vector<SafetensorsFile>> open_model_weights(const std::string& folder) {
  const std::string index_path = folder + "/model.safetensors.index.json";
  std::vector<SafetensorsFile> files;
  if (!std::filesystem::exists(index_path)) {
    Result<SafetensorsFile> file = SafetensorsFile::open(folder + "/model.safetensors");
    if (!file) {
      return file.error();
    }
    files.push_back(std::move(*file));
    return files;
  }
  Result<std::map<std::string, std::string>> shards = read_weight_map(index_path);
  if (!shards) {
    return shards.error();
  }
  std::set<std::string> names;
  for (const auto& [tensor, shard] : *shards) {
    names.insert(shard);
  }
  for (const std::string& name : names) {
    Result<SafetensorsFile> file = SafetensorsFile::open(folder + "/" + name);
    if (!file) {
      return file.error();
    }
    files.push_back(std::move(*file));
  }
  if (Status status = check_shards(index_path, folder, *shards, files); !status) {
    return status.error();
  }
  return files;
}

Status write_safetensors(const std::string& path, std::span<const TensorView> tensors,
                         std::map<std::string, std::string> metadata) {
  metadata["format"] = "pt";
  const std::string header = header_of(tensors, metadata);
  std::string temporary = path + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return Error{path, std::strerror(errno)};
  }
  constexpr mode_t readable_by_all = 0644;
  errno = 0;
  bool good = ::fchmod(descriptor, readable_by_all) == 0 &&
              write_content(descriptor, header, tensors);
  std::string reason = good ? "" : std::strerror(errno);
  good = (::close(descriptor) == 0) && good;
  if (good && ::rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    reason = std::strerror(errno);
  }
  if (!good) {
    ::unlink(temporary.c_str());
    return Error{path, "cannot be written: " + reason};
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  sync_folder(folder.empty() ? "." : folder);
  return ok_status();
}

}  // namespace turnhalle::lm
