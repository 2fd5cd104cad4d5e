// The learner: log-probs of chosen tokens, gradients from per-token gradients, and updates.
//
// Torch-free header. The learner never sees rewards: a loss function turns the log-probs and
// entropies of a micro-batch into a loss and its gradient with respect to them, and the learner
// takes that gradient back to the weights with one backward. Logits exist for target tokens only,
// chunk by chunk.
//
// Micro-batches are shared out to worker threads by index and their gradients added in a fixed
// order, so the same work gives the same bits for a given number of workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/lm/precision_torch.h"
#include "core/result.h"
#include "trainers/rollout.h"

namespace turnhalle {

namespace lm {
class Transformer;
}

/// Which tokens of a sequence are predicted.
enum class TargetTokens : std::uint8_t {
  sampled,           ///< what the agent produced
  from_first_reply,  ///< the first reply and all that follows it, observations too
};

/// Log-probs and entropies of a micro-batch's targets: sequences in order, positions ascending.
struct ScoredTokens {
  std::span<const std::size_t> sequences;  ///< indices into LearnerWork::sequences
  std::span<const float> logp;
  std::span<const float> entropy;
};

/// Loss of a micro-batch, already divided by global denominators, and its gradient.
struct TokenLoss {
  double loss = 0.0;
  std::vector<float> d_logp;
  std::vector<float> d_entropy;  ///< empty: zero
};

/// Called from worker threads, for different micro-batches at the same time.
using LossFunction = std::function<TokenLoss(std::size_t micro_batch, const ScoredTokens&)>;

struct LearnerWork {
  std::span<const Sequence> sequences;
  TargetTokens targets = TargetTokens::sampled;
  std::vector<std::vector<std::size_t>> micro_batches;  ///< indices of sequences
  float temperature = 1.0F;  ///< log-probs are those of logits / temperature
};

/// The target positions of a sequence (each ≥ 1), ascending.
std::vector<std::size_t> target_positions(const Sequence& sequence, TargetTokens targets);

/// Cuts sequences, in lexicographic order, into micro-batches of at most `tokens_max` tokens, of
/// which a common beginning counts once (one longer sequence is a micro-batch by itself).
/// Deterministic; covers each of `which` once.
std::vector<std::vector<std::size_t>> make_micro_batches(std::span<const Sequence> sequences,
                                                         std::span<const std::size_t> which,
                                                         std::int64_t tokens_max);

/// What updates the matrices of the layers; everything else is AdamW's.
enum class OptimizerKind : std::uint8_t { adamw, muon };

struct OptimizerStep {
  OptimizerKind kind = OptimizerKind::adamw;
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double momentum = 0.95;          ///< Muon's
  double weight_decay = 0.0;       ///< decoupled; on matrices only
  double gradient_norm_max = 0.0;  ///< clip by global norm; 0: never
};

struct UpdateReport {
  double gradient_norm = 0.0;  ///< before clipping
  bool skipped = false;        ///< a gradient was not finite: nothing was changed
  std::string bad_tensor;      ///< the first one, when skipped
};

struct LearnerOptions {
  int workers = 1;  ///< threads that take micro-batches
  lm::Precision precision = lm::Precision::float32;
  bool freeze_embedding = false;
  std::int64_t freeze_layers = 0;  ///< of the lowest layers: they get no gradient and stay
  /// Compute as on other devices, with tensor operators, although the model is on the processor.
  bool tensor_operators = false;
};

class Learner {
 public:
  static std::unique_ptr<Learner> make(std::shared_ptr<lm::Transformer> model,
                                       LearnerOptions options);
  virtual ~Learner() = default;
  /// Adds the gradient of the work's loss to what is there; returns the summed loss.
  virtual double accumulate(const LearnerWork& work, const LossFunction& loss) = 0;
  /// Log-probs of the work's targets under the weights as they are, one array per sequence.
  virtual std::vector<std::vector<float>> score(const LearnerWork& work) = 0;
  /// One step of the optimizer with what was accumulated, which is then forgotten.
  virtual UpdateReport update(const OptimizerStep& step) = 0;
  /// First and second moments and the step count, as safetensors.
  virtual Status save_optimizer(const std::string& path) const = 0;
  virtual Status load_optimizer(const std::string& path) = 0;
  /// Moments 0, step 0: a new phase of training begins.
  virtual void reset_optimizer() = 0;
};

/// Threads of a single tensor operation, for the whole program.
void set_arithmetic_threads(int threads);
/// Number of trained weights.
std::int64_t parameter_count(const lm::Transformer& model);

}  // namespace turnhalle
