// Terms that are added to the advantages of tokens after every other step: what a single turn or
// a single token earned, beside what the rollout as a whole did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "trainers/algo/advantage.h"
#include "trainers/algo/information.h"

namespace turnhalle::algo {

/// weight * z-score of the discounted return of a turn among the turns of the group that start
/// from the same state (the batch array "anchor"). GiGPO, arXiv 2505.10978, section 4.2.
struct AnchorStateTerm {
  double weight = 1;
  double gamma = 0.95;
  Normalisation normalisation{StdKind::bessel, 1e-6, Singleton::zero, 1e-9};
};

/// weight * z-score of a turn's own reward (gamma 0: reward-to-go with that discount) among the
/// turns of equal index in the group; the last turn of a row has no part in it. MT-GRPO,
/// arXiv 2505.11821.
struct TurnRewardTerm {
  double weight = 0.5;
  double gamma = 0;
  Normalisation normalisation{StdKind::bessel, 1e-6, Singleton::zero, 1e-9};
};

/// beta * gate(std of the group's rewards) * z-score of the information gain of a turn's feedback.
/// Turns without a gain are in no statistic and get 0. InfoPO, arXiv 2603.00656.
struct InformationTerm {
  double beta = 0.5;
  VarianceGate gate = VarianceGate::sigmoid;
  double temperature = 0.5;
  GainSign sign = GainSign::as_is;
  bool normalise = true;     ///< false: the gain itself (the paper's ablation "w/o std")
  bool over_tokens = false;  ///< gain / tokens of the turn, z-score over tokens (released code)
  bool bounded = false;      ///< times min(1, max(std(A), 1) / std(term)) over the batch (its code)
  double eps = 1e-6;
};

/// weight * mark, where marks are those of structural tokens (structure.h). ParaVT,
/// arXiv 2605.20342: the reward at tags made well defined per token.
struct StructureTerm {
  double weight = 0.5;
};

using AdvantageTerm = std::variant<AnchorStateTerm, TurnRewardTerm, InformationTerm, StructureTerm>;

/// Values that are compared, each counting `weight` times (its tokens, or 1).
struct WeightedValues {
  std::span<const double> value;
  std::span<const double> weight;
};

/// Z-score with weights in each group. With m = sum w x / sum w and
/// s^2 = sum w (x - m)^2 / (sum w - 1):  A = (x - m) / (s + eps). Values equal up to 1e-9, or a
/// total weight of 1, give 0.
void weighted_z_score(const WeightedValues& values, const Groups& groups, double eps,
                      std::span<double> advantage);

}  // namespace turnhalle::algo
