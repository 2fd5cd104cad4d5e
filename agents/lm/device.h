// Where tensors live. Torch-free header.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"

namespace turnhalle::lm {

enum class Device : std::uint8_t { cpu, cuda };

/// "cpu", "cuda", or "auto": cuda when this machine can, else cpu. Our programs link the
/// processor's part of LibTorch; its CUDA part is loaded here, when it is installed. An error says
/// what is missing.
Result<Device> choose_device(std::string_view wanted);

}  // namespace turnhalle::lm
