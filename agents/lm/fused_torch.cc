#include "agents/lm/fused_torch.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>

#include "agents/lm/decoder_cpu.h"
#include "core/check.h"

namespace turnhalle::lm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows that one thread takes at least.
constexpr std::int64_t kRowGrain = 64;

template <class T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<T>() : nullptr;
}

void check_operand(const at::Tensor& tensor) {
  check(tensor.device().is_cpu() && tensor.is_contiguous(),
        "operands of the fused functions are contiguous and on the CPU");
}

/// The results of a norm that the gradient needs.
struct NormResults {
  at::Tensor sum, normed, inverse;
};

// delta may be undefined; then the sum is x itself.
NormResults norm_forward(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                         double eps) {
  check_operand(x);
  const std::int64_t width = x.size(-1);
  const std::int64_t rows = x.numel() / width;
  NormResults results;
  results.sum = delta.defined() ? at::empty_like(x) : x;
  results.normed = at::empty_like(x);
  results.inverse = at::empty({rows}, x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "add_norm", [&] {
    AddNorm<scalar_t> a;
    a.x = x.const_data_ptr<scalar_t>();
    a.delta = data_or_null<scalar_t>(delta);
    a.weight = weight.const_data_ptr<scalar_t>();
    a.sum = delta.defined() ? results.sum.data_ptr<scalar_t>() : nullptr;
    a.y = results.normed.data_ptr<scalar_t>();
    a.inverse = results.inverse.data_ptr<scalar_t>();
    a.width = width;
    a.eps = eps;
    at::parallel_for(0, rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      training_kernels<scalar_t>().add_norm(a, {begin, end});
    });
  });
  return results;
}

/// Gradients of the sum and of the weight.
struct NormGradients {
  at::Tensor sum, weight;
};

// saved is {sum, weight, inverse}; d_sum, what reaches the sum besides the norm, may be undefined.
NormGradients norm_backward(const variable_list& saved, const at::Tensor& d_normed,
                            const at::Tensor& d_sum) {
  const at::Tensor& sum = saved[0];
  const at::Tensor d_y = d_normed.contiguous();
  const at::Tensor d_residual = d_sum.defined() ? d_sum.contiguous() : at::Tensor();
  const std::int64_t width = sum.size(-1);
  const std::int64_t rows = sum.numel() / width;
  // Threads sum the weight's gradient apart; the parts are added in order.
  const std::int64_t parts = std::clamp<std::int64_t>(rows / kRowGrain, 1, at::get_num_threads());
  at::Tensor d_total = at::empty_like(sum);
  at::Tensor d_weight = at::zeros({parts, width}, sum.options());
  AT_DISPATCH_FLOATING_TYPES(sum.scalar_type(), "add_norm_gradient", [&] {
    AddNormGradient<scalar_t> a;
    a.sum = sum.const_data_ptr<scalar_t>();
    a.weight = saved[1].const_data_ptr<scalar_t>();
    a.inverse = saved[2].const_data_ptr<scalar_t>();
    a.d_y = d_y.const_data_ptr<scalar_t>();
    a.d_sum = data_or_null<scalar_t>(d_residual);
    a.d_sum_total = d_total.data_ptr<scalar_t>();
    a.width = width;
    scalar_t* partial = d_weight.data_ptr<scalar_t>();
    at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part) {
        AddNormGradient<scalar_t> mine = a;
        mine.d_weight = partial + part * width;
        training_kernels<scalar_t>().add_norm_gradient(
            mine, {rows * part / parts, rows * (part + 1) / parts});
      }
    });
  });
  return {d_total, d_weight.sum(0)};
}

class NormFunction : public torch::autograd::Function<NormFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, double eps) {
    const NormResults results = norm_forward(x, at::Tensor(), weight, eps);
    context->save_for_backward({x, weight, results.inverse});
    return results.normed;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const NormGradients d =
        norm_backward(context->get_saved_variables(), gradients[0], at::Tensor());
    return {d.sum, d.weight, at::Tensor()};
  }
};

class AddNormFunction : public torch::autograd::Function<AddNormFunction> {
 public:
  // Returns {sum, normed}.
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& delta, const at::Tensor& weight, double eps) {
    check_operand(delta);
    const NormResults results = norm_forward(x, delta, weight, eps);
    context->set_materialize_grads(false);
    context->save_for_backward({results.sum, weight, results.inverse});
    return {results.sum, results.normed};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (!gradients[1].defined()) {
      return {gradients[0], gradients[0], at::Tensor(), at::Tensor()};
    }
    const NormGradients d =
        norm_backward(context->get_saved_variables(), gradients[1], gradients[0]);
    return {d.sum, d.sum, d.weight, at::Tensor()};
  }
};

class SwiGluFunction : public torch::autograd::Function<SwiGluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    check_operand(gate_up);
    const std::int64_t width = gate_up.size(1) / 2;
    at::Tensor out = at::empty({gate_up.size(0), width}, gate_up.options());
    AT_DISPATCH_FLOATING_TYPES(gate_up.scalar_type(), "swiglu", [&] {
      SwiGlu<scalar_t> a;
      a.gate_up = gate_up.const_data_ptr<scalar_t>();
      a.out = out.data_ptr<scalar_t>();
      a.width = width;
      at::parallel_for(0, gate_up.size(0), kRowGrain, [&](std::int64_t begin, std::int64_t end) {
        training_kernels<scalar_t>().swiglu(a, {begin, end});
      });
    });
    context->save_for_backward({gate_up});
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const at::Tensor d_out = gradients[0].contiguous();
    at::Tensor d_gate_up = at::empty_like(gate_up);
    AT_DISPATCH_FLOATING_TYPES(gate_up.scalar_type(), "swiglu_gradient", [&] {
      SwiGlu<scalar_t> a;
      a.gate_up = gate_up.const_data_ptr<scalar_t>();
      a.d_out = d_out.const_data_ptr<scalar_t>();
      a.d_gate_up = d_gate_up.data_ptr<scalar_t>();
      a.width = gate_up.size(1) / 2;
      at::parallel_for(0, gate_up.size(0), kRowGrain, [&](std::int64_t begin, std::int64_t end) {
        training_kernels<scalar_t>().swiglu_gradient(a, {begin, end});
      });
    });
    return {d_gate_up};
  }
};

template <class T>
SegmentAttention<T> attention_operands(const variable_list& saved, AttentionShape shape) {
  SegmentAttention<T> a;
  a.qkv = saved[0].const_data_ptr<T>();
  a.cos = saved[1].const_data_ptr<T>();
  a.sin = saved[2].const_data_ptr<T>();
  a.heads = shape.heads;
  a.kv_heads = shape.kv_heads;
  a.head_dim = shape.head_dim;
  return a;
}

/// Lets autograd keep where a batch's sequences are.
struct KeptRows : torch::CustomClassHolder {
  explicit KeptRows(std::shared_ptr<const PackedRows> given) : packed(std::move(given)) {}
  std::shared_ptr<const PackedRows> packed;
};

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const at::Tensor& cos, const at::Tensor& sin,
                            const std::shared_ptr<const PackedRows>& packed,
                            const std::vector<std::int64_t>& sizes) {
    check_operand(qkv);
    const AttentionShape shape{sizes[0], sizes[1], sizes[2]};
    at::Tensor out = at::empty({qkv.size(0), shape.heads * shape.head_dim}, qkv.options());
    at::Tensor log_sum = at::empty({qkv.size(0), shape.heads}, qkv.options());
    AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "attention", [&] {
      SegmentAttention<scalar_t> a = attention_operands<scalar_t>({qkv, cos, sin}, shape);
      a.places = packed->places();
      a.out = out.data_ptr<scalar_t>();
      a.log_sum = log_sum.data_ptr<scalar_t>();
      in_tasks<scalar_t>(*packed, shape, [&](Range tasks, std::vector<scalar_t>& scratch) {
        training_kernels<scalar_t>().attention(a, tasks, scratch);
      });
    });
    context->save_for_backward({qkv, cos, sin, out, log_sum});
    context->saved_data["packed"] = at::IValue::make_capsule(c10::make_intrusive<KeptRows>(packed));
    context->saved_data["sizes"] = sizes;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto kept =
        c10::static_intrusive_pointer_cast<KeptRows>(context->saved_data["packed"].toCapsule());
    const std::vector<std::int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const AttentionShape shape{sizes[0], sizes[1], sizes[2]};
    const at::Tensor d_out = gradients[0].contiguous();
    at::Tensor d_qkv = at::empty_like(saved[0]);
    at::Tensor out = saved[3];
    at::Tensor log_sum = saved[4];
    AT_DISPATCH_FLOATING_TYPES(d_qkv.scalar_type(), "attention_gradient", [&] {
      SegmentAttention<scalar_t> a = attention_operands<scalar_t>(saved, shape);
      a.places = kept->packed->places();
      a.out = out.data_ptr<scalar_t>();
      a.log_sum = log_sum.data_ptr<scalar_t>();
      a.d_out = d_out.const_data_ptr<scalar_t>();
      a.d_qkv = d_qkv.data_ptr<scalar_t>();
      in_tasks<scalar_t>(*kept->packed, shape, [&](Range tasks, std::vector<scalar_t>& scratch) {
        training_kernels<scalar_t>().attention_gradient(a, tasks, scratch);
      });
    });
    return {d_qkv, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  // Shares the (tree, kv head) tasks out to ATen's threads.
  template <class T, class Work>
  static void in_tasks(const PackedRows& packed, AttentionShape shape, const Work& work) {
    at::parallel_for(0, packed.tree_count() * shape.kv_heads, 1,
                     [&](std::int64_t begin, std::int64_t end) {
                       std::vector<T> scratch;
                       work(Range{begin, end}, scratch);
                     });
  }
};

}  // namespace

at::Tensor fused_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return NormFunction::apply(x, weight, eps);
}

SumAndNorm fused_add_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                          double eps) {
  variable_list results = AddNormFunction::apply(x, delta, weight, eps);
  return {results[0], results[1]};
}

at::Tensor fused_swiglu(const at::Tensor& gate_up) { return SwiGluFunction::apply(gate_up); }

at::Tensor fused_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin,
                           const std::shared_ptr<const PackedRows>& packed, AttentionShape shape) {
  const std::vector<std::int64_t> sizes{shape.heads, shape.kv_heads, shape.head_dim};
  return AttentionFunction::apply(qkv, cos, sin, packed, sizes);
}

}  // namespace turnhalle::lm
