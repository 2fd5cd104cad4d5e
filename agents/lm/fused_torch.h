// The decoder's fused CPU operators (decoder_cpu.h) with gradients for autograd.
// Tensors are contiguous, on the CPU, float32 or float64.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "agents/lm/packed_batch.h"

namespace turnhalle::lm {

/// x / rms(x) · weight over the last dimension.
at::Tensor fused_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// The residual stream after adding delta, and its norm.
struct SumAndNorm {
  at::Tensor sum, normed;
};
SumAndNorm fused_add_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                          double eps);

/// silu(gate) · up of [rows, 2 width] = [gate | up].
at::Tensor fused_swiglu(const at::Tensor& gate_up);

struct AttentionShape {
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
};
/// Causal attention inside packed sequences with rotary embedding. qkv is [rows, (heads + 2
/// kv_heads) head_dim], cos and sin [positions, head_dim / 2]; the result is [rows, heads ·
/// head_dim]. The gradient keeps `packed`.
at::Tensor fused_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin,
                           const std::shared_ptr<const PackedRows>& packed, AttentionShape shape);

}  // namespace turnhalle::lm
