// What the rest of the program knows of a language model: torch-free.
//
// One Engine per process owns the weights and a KV cache. Any number of conversations are open
// at once; each keeps its keys and values between turns, so a turn costs only its new tokens.
// There is no turn lock-step: step() advances whichever conversations have work, and a
// conversation whose world is busy simply has none.
//
// Threads: all calls come from one thread. Determinism: the draw for a token depends on the
// request's key and the token's index in the reply alone, so a sample does not depend on who
// shares the batch (up to rounding of the logits; EngineOptions::batch_invariant removes that).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/rng.h"

namespace turnhalle::lm {

using TokenId = std::int32_t;
/// Counts updates of the weights; keys and values computed under another version are stale.
using WeightVersion = std::int64_t;

/// A conversation inside an engine; not reused within a process.
struct ConversationId {
  std::int64_t value = -1;
  auto operator<=>(const ConversationId&) const = default;
};

struct Sampling {
  double temperature = 1.0;      ///< 0 is greedy
  int new_tokens_max = 256;      ///< per reply
  std::vector<TokenId> stop;     ///< a reply ends with the first of these, which it includes
};

enum class Finish : std::uint8_t {
  stop,     ///< ended with a stop token
  length,   ///< new_tokens_max reached
  context,  ///< the model's context is full
};

/// A finished reply. Log-probs are those of the distribution that was sampled from (after the
/// temperature; for greedy decoding at temperature 1), natural logarithm.
struct Generation {
  std::vector<TokenId> tokens;
  std::vector<float> logprobs;  ///< one per token
  Finish finish = Finish::stop;
  WeightVersion version = 0;
};

struct GenerationRequest {
  ConversationId conversation;
  std::vector<TokenId> observed;  ///< appended before sampling; may be empty only mid-conversation
  Sampling sampling;
  RandomKey key;  ///< token i is drawn with uniform_at(key, i)
  std::function<void(Generation)> done;  ///< called from step(); may submit() again
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual ConversationId open() = 0;
  /// Frees the conversation's keys and values.
  virtual void close(ConversationId conversation) = 0;
  /// Queues a reply. At most one request per conversation at a time.
  virtual void submit(GenerationRequest request) = 0;
  /// One batched forward over the conversations that have work: pending observed tokens are
  /// prefilled (equal prompts of fresh conversations once), the others gain one token.
  /// Returns whether any request is still unfinished.
  virtual bool step() = 0;
  /// The weights changed: keys and values of every open conversation die with the old version,
  /// and are computed anew from the tokens when the conversation goes on.
  virtual void weights_changed(WeightVersion version) = 0;
  virtual std::int64_t context_max() const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
  /// Tokens prefilled, tokens sampled, prompt tokens shared, forwards; for reports.
  struct Counters {
    std::int64_t prefilled = 0, sampled = 0, shared = 0, forwards = 0;
  };
  virtual Counters counters() const = 0;
};

}  // namespace turnhalle::lm
