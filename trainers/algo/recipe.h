// A recipe: how rewards become advantages, advantages a loss, and a loss an update.
//
//   filter -> reward -> credit -> advantage -> advantage_transform -> advantage_terms
//          -> correction -> objective -> aggregation -> regularisers -> update
//
// Each slot names a function of this folder and its constants; scenarios/recipes/ has one file
// per paper. In a file every part is an object {"kind": …, constants…, "origin": {constant:
// where it comes from}}; a part without constants of its own may be a plain string. Slots that are
// lists (filter, reward, advantage_transform, advantage_terms, regularisers) are arrays. Constants
// that are left out have the defaults below; "compat": "trl" or "verl" replaces them by that
// library's.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "trainers/algo/advantage.h"
#include "trainers/algo/advantage_term.h"
#include "trainers/algo/aggregate.h"
#include "trainers/algo/credit.h"
#include "trainers/algo/importance.h"
#include "trainers/algo/kl.h"
#include "trainers/algo/objective.h"
#include "trainers/algo/reward.h"

namespace turnhalle::algo {

inline constexpr double unlimited = std::numeric_limits<double>::infinity();

/// Whose conventions fill in constants that a part leaves out.
enum class Compat { turnhalle, trl, verl };

/// Rows that do not train: with `zero_variance` whole groups whose raw rewards are all equal, with
/// `truncated` rows cut off by a limit (these stay in their group's statistics), with `low_spread`
/// groups whose scores have a small standard deviation, with `all_truncated` groups of which every
/// row was cut off (both: the group filter of Dr. Kernel, arXiv 2602.05885, in its code).
struct Filter {
  bool zero_variance = false;
  double tolerance = 1e-9;  ///< max - min up to this is "all equal"
  bool truncated = false;
  double std_min = 0;         ///< population standard deviation below this: out; 0 for never
  bool of_last_turn = false;  ///< scores of std_min are the last turn's rewards
  bool all_truncated = false;
};

using RewardTransform = std::variant<RewardScale, Overlong, KlPenalty>;

/// A rollout's own reward; rollouts of a group are compared.
struct OutcomeCredit {};
/// One sum per lifecycle; lifecycles of a group are compared.
struct TrajectorySum {
  double decay = 1;  ///< per task left
};
/// Reward-to-go of turns; turns with equal index in a group are compared.
struct TurnReturn {
  double gamma = 1;
  bool void_turns = false;  ///< leave out turns that fell back into failure
  bool all_turns = false;   ///< compare all turns of a group, whatever their index
};
/// Discounted return of tokens; nothing is compared.
enum class RewardSource { outcome, turn };
struct TokenReturn {
  double gamma = 1;
  RewardSource source = RewardSource::outcome;  ///< reward of the row, or of each of its turns
};
/// LifecycleReturn: episodes of equal kind and position in a group are compared.
using Credit = std::variant<OutcomeCredit, LifecycleReturn, TrajectorySum, TurnReturn, TokenReturn>;

/// The return itself.
struct RawAdvantage {};
struct GroupMean {
  Singleton singleton = Singleton::zero;
};
struct GroupNormalised {
  Normalisation normalisation{StdKind::bessel, 1e-6, Singleton::zero, 1e-9};
  bool over_batch = false;  ///< standard deviation of the whole batch
};
struct LeaveOneOut {
  Singleton singleton = Singleton::zero;
};
using AdvantageEstimator = std::variant<RawAdvantage, GroupMean, GroupNormalised, LeaveOneOut>;

struct WhitenTransform {
  Whitening whitening{WhitenForm::variance_eps, 1e-8, true};
  bool per_token = true;  ///< each unit counts as often as it has tokens; else once
};
enum class ReweightScope { batch, group };
struct ReweightTransform {
  Reweighting reweighting{0.8, 100, 0.05, 20};
  ReweightScope scope = ReweightScope::batch;
};
/// Whose log-probs are meant: before the step's first update, or as recorded while sampling.
enum class Anchor { old, rollout };
/// Adds the divergence from the reference, to go, to the advantage of each token:
///     A_t <- A_t - coefficient * sum over counted t' >= t of k(logp - logp_ref)_t'
/// Advantages are those of tokens from here on. ParaVT, arXiv 2605.20342, in its code.
struct KlToGo {
  KlPenalty penalty{KlEstimator::k1, 0, {unlimited, unlimited}};
  Anchor policy = Anchor::rollout;
};
using AdvantageTransform = std::variant<WhitenTransform, ReweightTransform, KlToGo>;

using ObjectiveKind = std::variant<Reinforce, RecOneSide, PpoClip, Gspo, Cispo, Sapo>;
struct Objective {
  ObjectiveKind kind = Reinforce{};
  Anchor anchor = Anchor::old;
};

struct KlLoss {
  KlEstimator estimator = KlEstimator::k3;
  double coefficient = 0;
  KlLimits limits{unlimited, unlimited};
  bool straight_through = false;
};
struct Regularisers {
  std::optional<KlLoss> kl;        ///< adds coefficient * KL(policy, reference) per token
  double entropy_coefficient = 0;  ///< subtracts coefficient * entropy per token
};

/// What the optimiser does with the gradient. An experiment may override it.
struct Update {
  int epochs = 1;                ///< passes over one batch
  int mini_batches = 1;          ///< optimiser steps per pass
  double learning_rate = 1e-6;   ///< peak
  double beta1 = 0.9;            ///< AdamW
  double beta2 = 0.999;          ///< AdamW
  double adam_eps = 1e-8;        ///< AdamW
  double weight_decay = 0;       ///< AdamW, decoupled
  double gradient_norm_max = 1;  ///< clip by global norm; 0 for never
  int warmup_steps = 0;          ///< linear from 0
};

struct Recipe {
  std::string name;     ///< snake case; "inline" for text given on the command line
  std::string summary;  ///< one line for `list recipes`
  std::string paper;    ///< title and arXiv number
  Filter filter;
  std::vector<RewardTransform> reward;
  Credit credit = OutcomeCredit{};
  AdvantageEstimator advantage = RawAdvantage{};
  std::vector<AdvantageTransform> advantage_transform;
  std::vector<AdvantageTerm> advantage_terms;  ///< added last, so their scale is exact
  std::optional<Correction> correction;
  Objective objective;
  Aggregation aggregation{AggregationKind::token_mean, EmptyRows::skip, 1};
  Regularisers regularisers;
  Update update;
  std::vector<std::string> warnings;  ///< parts that do nothing, found while reading

  /// Advantages compare rows of a group, so a group must be complete before they exist.
  bool needs_group() const;
  /// Advantages need the whole batch (whitening, re-weighting, batch statistics).
  bool needs_batch() const;
  /// Advantages of a row need that row alone.
  bool streamable() const { return !needs_group() && !needs_batch(); }
};

/// Names of the batch arrays that each stage reads (see batch.h).
std::vector<std::string> arrays_for_advantages(const Recipe& recipe);
std::vector<std::string> arrays_for_loss(const Recipe& recipe);
std::vector<std::string> arrays_for_weights(const Recipe& recipe);

/// Reads and checks a recipe. Unknown keys, values out of range and parts that contradict each
/// other are errors with the place in the document; parts that do nothing are warnings.
Result<Recipe> read_recipe(const JsonDocument& document);

/// A recipe by its text ("{…}"), by its file (a path that ends in .json), or by its name in
/// `folder` (scenarios/recipes).
Result<Recipe> load_recipe(const std::string& text_file_or_name, const std::string& folder);

/// JSON Schema (2020-12) of recipes, for editors and `turnhalle schema recipe`.
Json recipe_schema();

/// All recipes of a folder, sorted by name.
Result<std::vector<Recipe>> list_recipes(const std::string& folder);

}  // namespace turnhalle::algo
