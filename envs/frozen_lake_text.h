// The words of frozen_lake_obscure in its two styles, and the action parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/env.h"
#include "envs/frozen_lake_board.h"

namespace turnhalle::frozen_lake {

/// How an episode ends.
enum class Ending : std::uint8_t { goal, hole, budget, unreadable };

/// What the environment says. One object per family, shared by threads.
class Wording {
 public:
  virtual ~Wording() = default;
  std::string system;  ///< the rules; empty in the compact style
  /// The first observation, one after a move, and the final feedback.
  virtual std::string first(const Seen& seen) const = 0;
  virtual std::string next(const Seen& seen) const = 0;
  virtual std::string last(const Seen& seen, Ending ending) const = 0;
};
std::unique_ptr<const Wording> make_wording(PromptStyle style, std::int64_t budget);

/// Whether the compact style has words for the step counter of this budget.
bool compact_budget(std::int64_t budget);

/// 1 … 4, or 0 when the reply is not an action.
int parse_direction(std::string_view reply);

/// Appends one row of the board: P player, X player in a hole, √ player on the goal, _ ice, O hole,
/// G goal; cells padded with a blank on each side and separated by tabs.
void append_board_row(std::string& out, const Seen& seen, int row);

}  // namespace turnhalle::frozen_lake
