#include "agents/lm/operators_torch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>

#include <optional>

namespace turnhalle::lm {

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                   Precision precision) {
  if (precision == Precision::float32) {
    return at::linear(x, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
  }
  const at::Tensor half = at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16));
  const at::Tensor result = half.to(x.scalar_type());
  return bias.defined() ? result + bias : result;
}

at::Tensor plain_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * at::rsqrt((x * x).mean(-1, true) + eps) * weight;
}

at::Tensor plain_swiglu(const at::Tensor& gate_up) {
  const auto halves = gate_up.chunk(2, -1);
  return at::silu(halves[0]) * halves[1];
}

at::Tensor plain_rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const auto halves = x.chunk(2, -1);
  return at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1);
}

namespace {

// Which positions each of a sequence's own positions attends to: [length − shared, length].
at::Tensor causal_mask(std::int64_t shared, std::int64_t length, at::Device device) {
  return at::ones({length - shared, length}, at::TensorOptions(at::kBool).device(device))
      .tril(shared);
}

}  // namespace

at::Tensor plain_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin,
                           const std::shared_ptr<const PackedRows>& packed, AttentionShape shape) {
  std::vector<at::Tensor> parts;
  for (std::int64_t s = 0; s < packed->sequence_count(); ++s) {
    const std::span<const std::int64_t> places = packed->sequence(s);
    const auto length = static_cast<std::int64_t>(places.size());
    const std::int64_t shared = packed->shared[static_cast<std::size_t>(s)];
    const at::Tensor index =
        at::from_blob(const_cast<std::int64_t*>(places.data()), {length}, at::kLong)
            .to(qkv.device(), at::kLong, /*non_blocking=*/false, /*copy=*/true);
    const at::Tensor rows = qkv.index_select(0, index).view({length, -1, shape.head_dim});
    const at::Tensor c = cos.slice(0, 0, length).unsqueeze(1);
    const at::Tensor n = sin.slice(0, 0, length).unsqueeze(1);
    const std::int64_t keys_end = shape.heads + shape.kv_heads;
    const at::Tensor own = rows.slice(0, shared).slice(1, 0, shape.heads);
    const at::Tensor q =
        plain_rotate(own, c.slice(0, shared), n.slice(0, shared)).transpose(0, 1);
    const at::Tensor k = plain_rotate(rows.slice(1, shape.heads, keys_end), c, n).transpose(0, 1);
    const at::Tensor v = rows.slice(1, keys_end).transpose(0, 1);
    const at::Tensor mixed = at::scaled_dot_product_attention(
        q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), causal_mask(shared, length, qkv.device()),
        0.0, false, std::nullopt, true);
    parts.push_back(mixed.squeeze(0).transpose(0, 1).reshape({length - shared, -1}));
  }
  return at::cat(parts, 0);
}

}  // namespace turnhalle::lm
