// Advantage estimators and transforms.
//
// Estimators write one advantage for each value that is in a group and leave 0 for every other.
// Values are the returns of units: rollouts, episodes, turns or tokens, as the credit slot says.
// Constants that change numbers are arguments without default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trainers/algo/groups.h"

namespace turnhalle::algo {

/// Deviation from the group's mean. For value i of a group of n:
///     A_i = R_i - (1/n) sum_j R_j
/// A group of one follows `singleton`. Dr.GRPO, arXiv 2503.20783, section 3.2; Connect the Dots,
/// arXiv 2606.20002, appendix A (there the groups are positions). Sums to zero in each group.
void group_mean(std::span<const double> value, const Groups& groups, Singleton singleton,
                std::span<double> advantage);

/// How a deviation is scaled.
struct Normalisation {
  StdKind std;
  double eps;           ///< added to the standard deviation
  Singleton singleton;  ///< raw gives R / (1 + eps), as in verl
  double tolerance;     ///< max - min up to this: the group is degenerate and gets 0
};

/// Z-score in the group. For value i of a group of n with mean m and standard deviation s:
///     A_i = (R_i - m) / (s + eps)
/// A degenerate group gets 0; a group of one follows the singleton rule. StdKind::none divides
/// by nothing. GRPO, arXiv 2402.03300, section 4.1.2. Golden values: "grpo_verl", "grpo_trl".
void group_normalised(std::span<const double> value, const Groups& groups,
                      const Normalisation& normalisation, std::span<double> advantage);

/// Deviation from the group's mean over the standard deviation S of all values in any group:
///     A_i = (R_i - m) / (S + eps)
/// All values equal up to the tolerance: 0. TRL's scale_rewards="batch"; Lite PPO,
/// arXiv 2508.08221.
void batch_normalised(std::span<const double> value, const Groups& groups,
                      const Normalisation& normalisation, std::span<double> advantage);

/// Deviation from the mean of the others. For value i of a group of n:
///     A_i = R_i - (sum_j R_j - R_i) / (n - 1)
/// A group of one follows `singleton`: there is nothing to compare with. RLOO,
/// arXiv 2402.14740; per turn it is TRLOO, arXiv 2602.05885, section 4.2. Golden
/// values: "rloo_verl", "trloo". Sums to zero in each group of two or more.
void leave_one_out(std::span<const double> value, const Groups& groups, Singleton singleton,
                   std::span<double> advantage);

/// Where the small constant of a whitening stands: 1/sqrt(var + eps) or 1/(std + eps).
enum class WhitenForm { variance_eps, std_eps };

struct Whitening {
  WhitenForm form;
  double eps;
  bool centre;  ///< subtract the mean; false only scales
};

/// Mean 0 and variance 1 over all values, value i counting weight[i] times (its tokens, or 1).
/// The variance is unbiased: sum w (A - m)^2 / (sum w - 1). Values with weight 0 stay as they
/// are; with a total weight of 1 or less nothing happens. Changes `advantage` in place.
/// REINFORCE++, arXiv 2501.03262.
void whiten(std::span<const double> weight, const Whitening& whitening,
            std::span<double> advantage);

/// Bisection of the adaptive re-weighting.
struct Reweighting {
  double temperature_low;
  double temperature_high;
  double width;        ///< stops when the bracket is narrower
  int iterations_max;  ///< or after so many halvings
};

/// Makes a negative token mean of advantages vanish by raising what is good ("RED weight"):
///     m = sum_s A_s n_s;  if m < 0: find T with sum_s A_s exp(A_s/T) n_s ~ 0 and
///     A_s <- A_s exp(A_s/T)
/// with n_s the tokens of unit s. T is the last midpoint of the bisection, as in the authors'
/// code: it is not below temperature_low, so the mean may stay negative. Returns T, or 0 when
/// nothing changed. Connect the Dots, arXiv 2606.20002, appendix A, equation 3.
double adaptive_reweight(std::span<const double> tokens, const Reweighting& reweighting,
                         std::span<double> advantage);

}  // namespace turnhalle::algo
