// The words of alchemy_random in its two styles, and the action parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/alchemy_graph.h"

namespace turnhalle::alchemy {

/// How an episode ends.
enum class Ending : std::uint8_t { made, rounds, materials, unreadable };

/// What the environment says. One object per family, shared by threads.
class Wording {
 public:
  virtual ~Wording() = default;
  /// The rules (empty in the compact style), the first observation, one after an attempt, and the
  /// final feedback.
  virtual std::string system(const Seen& seen) const = 0;
  virtual std::string first(const Seen& seen) const = 0;
  virtual std::string next(const Seen& seen) const = 0;
  virtual std::string last(const Seen& seen, Ending ending) const = 0;
};
std::unique_ptr<const Wording> make_wording(PromptStyle style);

/// Whether the compact style has words for the round counter of this budget.
bool compact_rounds(std::int64_t rounds);

/// Reads an action. False when it is not one; names that no element has become kNoElement.
bool parse_action(const std::vector<ElementFacts>& elements, std::string_view reply,
                  Combination& pair);

/// The names that elements of the compact style may have.
const std::vector<std::string>& compact_names();
/// The pieces of which all text of the compact style is made (see ContextWords::chunks).
std::vector<std::string> compact_vocabulary();

}  // namespace turnhalle::alchemy
