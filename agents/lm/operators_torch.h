// The parts of a decoder layer as plain tensor operators: what the fused functions are compared
// with, and the path of devices other than the processor.
#pragma once

#include <ATen/core/Tensor.h>

#include "agents/lm/fused_torch.h"
#include "agents/lm/precision_torch.h"

namespace turnhalle::lm {

/// x · weightᵀ + bias (which may be undefined); in bfloat16 the operands are rounded and the
/// result comes back in the type of x.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                   Precision precision);
/// x / rms(x) · weight over the last dimension.
at::Tensor plain_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
/// silu(gate) · up of [rows, 2 width] = [gate | up].
at::Tensor plain_swiglu(const at::Tensor& gate_up);
/// The rotary embedding: x is [tokens, heads, head_dim]; cos and sin are [tokens, 1, head_dim / 2].
at::Tensor plain_rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);
/// Causal attention inside packed sequences, as fused_attention().
at::Tensor plain_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin,
                           const std::shared_ptr<const PackedRows>& packed, AttentionShape shape);

}  // namespace turnhalle::lm
