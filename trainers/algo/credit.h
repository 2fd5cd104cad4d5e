// Credit: from rewards to the return of each unit that gets an advantage of its own.
//
// A unit is a rollout, an episode of a lifecycle, a turn or a token. Which units are compared
// with each other is decided beside these functions (compute.h), by plain keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace turnhalle::algo {

/// Episodes in any order; all spans have one entry per episode.
struct EpisodeRewards {
  std::span<const std::int64_t> lifecycle;  ///< equal for the episodes of one lifecycle
  /// Index of the task; for an update episode the task whose context it writes.
  std::span<const std::int64_t> position;
  std::span<const std::uint8_t> is_update;
  std::span<const double> reward;
  std::span<const std::uint8_t> counts;  ///< 0: not looked at, return 0
};

/// How a list of rewards-to-go becomes a return: the mean of all, the mean of the first `window`,
/// or the sum of gamma^k r_k (not divided by anything).
enum class ReturnStyle { mean, sliding_window_mean, discounted };

struct LifecycleReturn {
  ReturnStyle style;
  std::size_t window;  ///< of sliding_window_mean, ≥ 1
  double gamma;        ///< of discounted
};

/// Return of each episode from its own and all later tasks of its lifecycle:
///     solve  j: style[r^x_j, r^x_{j+1}, …, r^x_{S-1}]
///     update j: style[r^z_j, r^x_j, …, r^x_{S-1}]      (it writes the context that j uses first)
/// A context gets credit from no task before its own. Connect the Dots, arXiv 2606.20002,
/// appendix A.
void connect_the_dots_returns(const EpisodeRewards& episodes, const LifecycleReturn& style,
                              std::span<double> returns);

/// One return for a whole lifecycle of n tasks, given to each of its episodes:
///     sum over episodes of decay^(n - 1 - position) r
/// The ablation that did not train in Connect the Dots, arXiv 2606.20002, section 4 (as in Orbit).
void trajectory_sum_returns(const EpisodeRewards& episodes, double decay,
                            std::span<double> returns);

/// Rewards of turns; turns of row i are offset[i] … offset[i+1]-1.
struct TurnRewards {
  std::span<const std::size_t> offset;
  std::span<const double> reward;
  std::span<const std::uint8_t> counts;  ///< 0: the turn's reward is 0 and it gets no return
};

/// Reward-to-go of each turn: G_t = r_t + gamma G_{t+1}. TRLOO, arXiv 2602.05885, section 4.2.
void turn_returns(const TurnRewards& turns, double gamma, std::span<double> returns);

/// Clears `counts` of turns that fell back into failure: reward <= 0 after an earlier turn of the
/// row had a reward > 0. Code of Dr. Kernel (arXiv 2602.05885), "void turns".
void mark_void_turns(std::span<const std::size_t> offset, std::span<const double> reward,
                     std::span<std::uint8_t> counts);

/// Tokens of rows and what each earned.
struct TokenRewards {
  std::span<const std::size_t> offset;
  std::span<const std::uint8_t> mask;
  std::span<const double> reward;
};

/// Discounted return of each counted token: G_t = r_t + gamma G_{next counted token}. Masked
/// tokens (tool output) are passed over: they neither end the return nor cost a factor gamma.
/// Others multiply by the mask, so that a tool call hides every later reward. REINFORCE++,
/// arXiv 2501.03262; the rule is verl's.
void token_returns(const TokenRewards& tokens, double gamma, std::span<double> returns);

}  // namespace turnhalle::algo
