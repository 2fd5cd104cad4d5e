#include <ATen/Context.h>
#include <dlfcn.h>

#include <optional>
#include <string>

#include "agents/lm/device.h"

namespace turnhalle::lm {
namespace {

// Why CUDA cannot be used; nothing when it can.
std::optional<std::string> why_no_cuda() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return "no CUDA part of LibTorch (libtorch_cuda.so)";
  }
  if (!at::globalContext().hasCUDA()) {
    return "no GPU that the driver offers";
  }
  return std::nullopt;
}

}  // namespace

Result<Device> choose_device(std::string_view wanted) {
  if (wanted == "cpu") {
    return Device::cpu;
  }
  const std::optional<std::string> reason = why_no_cuda();
  if (!reason) {
    return Device::cuda;
  }
  if (wanted == "auto") {
    return Device::cpu;
  }
  return Error{"--device", "expected auto or cpu on this machine, because there is " + *reason +
                               "; found cuda"};
}

}  // namespace turnhalle::lm
