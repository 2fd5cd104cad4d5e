// The actions of pde_discovery as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "envs/pde_regression.h"

namespace turnhalle::pde {

enum class ActionKind : std::uint8_t { sample, summary, regress, score, finalise };

struct Action {
  ActionKind kind = ActionKind::summary;
  std::vector<std::pair<double, double>> places;  ///< sample: (x, t)
  std::vector<std::size_t> terms;                 ///< regress; empty: all
  std::int64_t terms_max = 2;                     ///< regress
  std::vector<std::int64_t> tasks;                ///< regress: positions; empty: all
  std::vector<Equation> equations;                ///< score and finalise
};

inline constexpr std::size_t kCandidatesMax = 8;
inline constexpr std::int64_t kTermsMax = 3;

/// Reads a reply; the error's message says what was expected.
Result<Action> parse_action(std::string_view reply);

}  // namespace turnhalle::pde
