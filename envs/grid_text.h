// The words of grid_navigation in its two styles, and the action parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/grid_map.h"

namespace turnhalle::grid {

/// How an episode ends.
enum class Ending : std::uint8_t { goal, missed, illegal, unreadable };

/// The largest side for which the compact style has words.
inline constexpr std::int64_t kCompactSideMax = 10;

/// What the environment says. One object per family, shared by threads.
class Wording {
 public:
  virtual ~Wording() = default;
  std::string system;  ///< the rules; empty in the compact style
  virtual std::string state(const Seen& seen) const = 0;
  virtual std::string last(const Seen& seen, Ending ending) const = 0;
};
std::unique_ptr<const Wording> make_wording(PromptStyle style);

/// Reads an action; false when it is not one. The cell may lie off the map.
bool parse_cell(std::string_view reply, Cell& cell);

/// "row,column".
std::string cell_text(Cell cell);

/// The pieces of which all text of the compact style is made (see ContextWords::chunks).
std::vector<std::string> compact_vocabulary();

}  // namespace turnhalle::grid
