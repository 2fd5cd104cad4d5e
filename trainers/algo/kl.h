// Estimators of the divergence from a reference policy, per token.
//
// With x = logp - logp_ref of a token drawn from the policy (Schulman 2020, "Approximating KL
// divergence"; restated with the defaults of TRL and verl):
//     k1 = x    abs = |x|    k2 = x^2 / 2    k3 = exp(-x) + x - 1
#pragma once

#include <string>

namespace turnhalle::algo {

enum class KlEstimator { k1, k2, k3, abs };

/// Limits as in verl: x is clamped to ±input_max, the value to ±output_max. Infinity: no limit.
/// Outside a limit the gradient is 0, as automatic differentiation of a clamp gives it.
struct KlLimits {
  double input_max;
  double output_max;
};

struct KlTerm {
  double value;
  double gradient;  ///< d value / d logp
};

/// One token's estimate and its gradient. `straight_through` gives the gradient of k2 with the
/// value of the named estimator (verl's "k1+", "k3+"): the gradient of k1 has mean zero and
/// that of k3 belongs to the reversed divergence.
KlTerm kl_estimate(KlEstimator estimator, double x, KlLimits limits, bool straight_through);

}  // namespace turnhalle::algo
