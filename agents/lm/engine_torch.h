// Generation on the weights of a Transformer: continuous batching over a paged KV cache.
// Torch-free header; language_model.h has the contract.
#pragma once

#include <cstdint>
#include <memory>

#include "agents/lm/language_model.h"
#include "agents/lm/precision_torch.h"

namespace turnhalle::lm {

class Transformer;

struct EngineOptions {
  /// Type of the weights in matrix products. float32 uses our own product, whose result for a
  /// row does not depend on the other rows.
  Precision precision = Precision::float32;
  /// Promise that a reply does not depend on who shares the batch, bit for bit. Needs float32.
  bool batch_invariant = false;
  /// Longest conversation in tokens; 0 is the model's max_position_embeddings.
  std::int64_t context_max = 0;
  /// Bound on the tokens of one forward, 1 …; longer prompts take several steps.
  std::int64_t forward_tokens_max = 4096;
  /// Prefill equal prompts of fresh conversations once.
  bool share_prompts = true;
  /// Compute as on other devices, with tensor operators, although the model is on the processor.
  bool tensor_operators = false;
};

/// The model's weights are copied when the engine is made and at weights_changed(), which must
/// follow every update of the model before the next step().
std::unique_ptr<Engine> make_engine(std::shared_ptr<const Transformer> model,
                                    EngineOptions options = {});

}  // namespace turnhalle::lm
