// The forward of generation: new tokens in, keys and values into pages, logits out. No autograd.
//
// On the processor: packed copies of the weights and our own products (generation_torch.cc). On
// any other device: tensor operators on the weights where they lie (generation_device_torch.cc).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/lm/decoder_cpu.h"
#include "agents/lm/page_pool.h"
#include "agents/lm/precision_torch.h"
#include "agents/lm/transformer_torch.h"

namespace turnhalle::lm {

/// New tokens of one conversation.
struct NewTokens {
  const TokenId* tokens = nullptr;
  std::int64_t count = 0;
  std::int64_t position = 0;         ///< of the first one
  const PageIndex* pages = nullptr;  ///< room for position + count tokens
  std::int64_t logits_row = -1;      ///< row of the result for the last token's logits; -1 for none
};

class GenerationModel {
 public:
  virtual ~GenerationModel() = default;
  /// The weights have changed.
  virtual void refresh() = 0;
  /// Stores the tokens' keys and values and computes `logits` [rows, vocab_size]. The items
  /// have distinct pages to write to; their rows of logits are in the order of the items.
  virtual void forward(std::span<const NewTokens> items, std::int64_t logit_rows,
                       std::vector<float>& logits) = 0;
  /// Pages of kTile tokens.
  virtual PageMemory& pages() = 0;
  virtual const ModelConfig& config() const = 0;
};

/// For a model in this process's memory and contexts of up to `positions` tokens.
std::unique_ptr<GenerationModel> make_cpu_generation(std::shared_ptr<const Transformer> model,
                                                     Precision precision, std::int64_t positions);
/// For a model on any device, the processor too (which is how it is tested without another).
std::unique_ptr<GenerationModel> make_device_generation(std::shared_ptr<const Transformer> model,
                                                        Precision precision);

}  // namespace turnhalle::lm
