// What parts can stand beside each other, and which arrays they read.
#include <algorithm>
#include <cmath>

#include "trainers/algo/recipe_part.h"

namespace turnhalle::algo {
namespace {

template <class T, class Variant>
bool is(const Variant& part) {
  return std::holds_alternative<T>(part);
}

bool compares_groups(const Recipe& recipe) { return !is<RawAdvantage>(recipe.advantage); }

bool divides_by_std(const Recipe& recipe) {
  const auto* of = std::get_if<GroupNormalised>(&recipe.advantage);
  return of != nullptr && of->normalisation.std != StdKind::none;
}

bool is_whiten(const AdvantageTransform& transform) { return is<WhitenTransform>(transform); }

bool rewards_are_of_turns(const Recipe& recipe) {
  const auto* tokens = std::get_if<TokenReturn>(&recipe.credit);
  return is<TurnReturn>(recipe.credit) ||
         (tokens != nullptr && tokens->source == RewardSource::turn);
}

void check_credit(const Recipe& recipe, JsonReader& reader) {
  if (is<TokenReturn>(recipe.credit) && compares_groups(recipe)) {
    reader.fail("/advantage",
                "expected none or reinforce_plus_plus with the credit token_return, since tokens "
                "have no counterparts in a group; found an estimator that compares groups");
  }
  if (is<LifecycleReturn>(recipe.credit) && divides_by_std(recipe)) {
    reader.fail("/advantage",
                "expected group_mean, rloo or none with the credit connect_the_dots, which has no "
                "standard deviation (arXiv 2606.20002, appendix A); found grpo with one");
  }
  const bool of_rows = is<OutcomeCredit>(recipe.credit);
  if (recipe.filter.zero_variance && !of_rows) {
    reader.fail("/filter",
                "expected a filter by the rewards of whole rollouts only with the credit outcome; "
                "found zero_variance beside a credit of several rewards");
  }
  if (recipe.filter.zero_variance && !compares_groups(recipe)) {
    reader.fail("/filter",
                "expected an estimator that compares groups beside zero_variance; found none");
  }
}

void check_reward(const Recipe& recipe, JsonReader& reader) {
  for (std::size_t i = 0; i < recipe.reward.size(); ++i) {
    const std::string pointer = child_pointer("/reward", std::to_string(i));
    if (const auto* scale = std::get_if<RewardScale>(&recipe.reward[i])) {
      if (scale->low > scale->high) {
        reader.fail(pointer, "expected low to be at most high; found low above high");
      }
    } else if (const auto* overlong = std::get_if<Overlong>(&recipe.reward[i])) {
      if (rewards_are_of_turns(recipe)) {
        reader.fail(pointer,
                    "expected rewards of whole rows under overlong; found a credit that "
                    "reads the rewards of turns");
      }
      if (overlong->buffer > overlong->length_max) {
        reader.fail(child_pointer(pointer, "buffer"),
                    "expected at most length_max; found a longer buffer");
      }
    } else if (recipe.regularisers.kl.has_value()) {
      reader.fail(pointer,
                  "expected the divergence from the reference either in the reward or in the "
                  "loss; found kl_penalty beside the regulariser kl");
    }
  }
}

void check_objective(const Recipe& recipe, JsonReader& reader) {
  if (const auto* ppo = std::get_if<PpoClip>(&recipe.objective.kind)) {
    if (ppo->dual_clip <= 1 + ppo->clip_high) {
      reader.fail("/objective/dual_clip",
                  "expected more than 1 + clip_high, or the dual clip acts before the clip; "
                  "found a smaller number");
    }
  }
  if (const auto* cispo = std::get_if<Cispo>(&recipe.objective.kind)) {
    if (cispo->ratio_low > cispo->ratio_high) {
      reader.fail("/objective/ratio_low", "expected at most ratio_high; found more");
    }
  }
  const bool several = is<TurnReturn>(recipe.credit) || is<TokenReturn>(recipe.credit);
  if (is<Gspo>(recipe.objective.kind) && several) {
    reader.fail("/objective",
                "expected an objective per token with a credit of turns or tokens; found gspo, "
                "which has one ratio and one advantage for a row");
  }
  if (recipe.correction.has_value() && recipe.objective.anchor == Anchor::rollout &&
      !is<Reinforce>(recipe.objective.kind)) {
    reader.fail("/correction",
                "expected no correction beside an objective whose ratio is already formed with "
                "the rollout's log-probs; found one, which would count the ratio twice");
  }
  if (recipe.correction.has_value() && recipe.correction->low > recipe.correction->high) {
    reader.fail("/correction/low", "expected at most high; found more");
  }
  const auto turn_wise = recipe.aggregation.kind == AggregationKind::turn_mean_token_sum;
  if (turn_wise && !is<TurnReturn>(recipe.credit)) {
    reader.fail("/aggregation",
                "expected the credit turn_return beside turn_mean_token_sum; found another");
  }
}

void check_transforms(const Recipe& recipe, JsonReader& reader) {
  const auto& transforms = recipe.advantage_transform;
  const auto reweight = std::find_if(
      transforms.begin(), transforms.end(),
      [](const AdvantageTransform& transform) { return is<ReweightTransform>(transform); });
  if (std::any_of(reweight, transforms.end(), is_whiten)) {
    reader.fail("/advantage_transform",
                "expected adaptive_reweight after every whitening, which would undo it; found a "
                "whitening behind it");
  }
  for (const AdvantageTransform& transform : transforms) {
    if (is<KlToGo>(transform) && recipe.regularisers.kl.has_value()) {
      reader.fail("/advantage_transform",
                  "expected the divergence from the reference either in the advantage or in the "
                  "loss; found kl_to_go beside the regulariser kl");
    }
    const auto* of = std::get_if<ReweightTransform>(&transform);
    if (of != nullptr && of->reweighting.temperature_low >= of->reweighting.temperature_high) {
      reader.fail("/advantage_transform",
                  "expected temperature_low below temperature_high; found no room between them");
    }
  }
}

bool compares_turns(const AdvantageTerm& term) { return !is<StructureTerm>(term); }

void check_terms(const Recipe& recipe, JsonReader& reader) {
  if (recipe.advantage_terms.empty()) {
    return;
  }
  const auto& terms = recipe.advantage_terms;
  if (is<Gspo>(recipe.objective.kind)) {
    reader.fail("/advantage_terms",
                "expected no terms of turns or tokens beside gspo, which has one ratio and one "
                "advantage for a row; found some");
  }
  const bool of_turns = std::any_of(terms.begin(), terms.end(), compares_turns);
  if (of_turns && !is<OutcomeCredit>(recipe.credit)) {
    reader.fail("/advantage_terms",
                "expected the credit outcome below terms of turns, which add to what a whole "
                "rollout earned; found another credit");
  }
}

void warn_terms(Recipe& recipe) {
  for (const AdvantageTerm& term : recipe.advantage_terms) {
    const auto* gain = std::get_if<InformationTerm>(&term);
    if (gain != nullptr && gain->beta == 0) {
      recipe.warnings.emplace_back("advantage term information_gain: a no-op with beta 0");
    }
  }
}

void warn_rewards(Recipe& recipe) {
  const bool centred = compares_groups(recipe) && !is<LifecycleReturn>(recipe.credit) &&
                       !is<TrajectorySum>(recipe.credit) && !is<TurnReturn>(recipe.credit);
  const bool whitened =
      std::any_of(recipe.advantage_transform.begin(), recipe.advantage_transform.end(), is_whiten);
  for (const RewardTransform& transform : recipe.reward) {
    const auto* scale = std::get_if<RewardScale>(&transform);
    if (scale == nullptr) {
      continue;
    }
    const bool bounded = std::isfinite(scale->low) || std::isfinite(scale->high);
    if (bounded) {
      continue;
    }
    if (scale->scale != 1 && (divides_by_std(recipe) || whitened)) {
      recipe.warnings.emplace_back(
          "reward scale: a no-op, since the advantage is divided by a standard deviation");
    }
    if (scale->shift != 0 && centred) {
      recipe.warnings.emplace_back(
          "reward shift: a no-op, since the advantage subtracts the group's mean");
    }
    if (scale->scale == 1 && scale->shift == 0) {
      recipe.warnings.emplace_back("reward scale: a no-op with scale 1, shift 0 and no bounds");
    }
  }
}

void warn_rest(Recipe& recipe) {
  auto& warnings = recipe.warnings;
  for (const RewardTransform& transform : recipe.reward) {
    const auto* penalty = std::get_if<KlPenalty>(&transform);
    if (penalty != nullptr && penalty->coefficient == 0) {
      warnings.emplace_back("reward kl_penalty: a no-op with coefficient 0");
    }
  }
  if (recipe.regularisers.kl.has_value() && recipe.regularisers.kl->coefficient == 0) {
    warnings.emplace_back("regulariser kl: a no-op with coefficient 0");
  }
  const auto& kl = recipe.regularisers.kl;
  if (kl.has_value() && kl->estimator == KlEstimator::k1 && !kl->straight_through) {
    warnings.emplace_back(
        "regulariser kl: the gradient of k1 has mean zero; its value is right, its pull is noise "
        "(choose k2, k3 or \"gradient\": \"k2\")");
  }
  if (is<Gspo>(recipe.objective.kind) &&
      recipe.aggregation.kind != AggregationKind::seq_mean_token_mean) {
    warnings.emplace_back(
        "aggregation: gspo has one ratio per row; other than with seq_mean_token_mean, long rows "
        "weigh more");
  }
}

/// "info_gain" stands for the gains or for the log-probs that they are made of.
std::vector<std::string> arrays_for_term(const AdvantageTerm& term) {
  if (is<StructureTerm>(term)) {
    return {"mask", "structure"};
  }
  if (is<InformationTerm>(term)) {
    return {"mask", "turn", "group", "reward", "info_gain"};
  }
  if (is<AnchorStateTerm>(term)) {
    return {"mask", "turn", "group", "turn_reward", "anchor"};
  }
  return {"mask", "turn", "group", "turn_reward"};
}

}  // namespace

void check_recipe(Recipe& recipe, JsonReader& reader) {
  check_credit(recipe, reader);
  check_reward(recipe, reader);
  check_objective(recipe, reader);
  check_transforms(recipe, reader);
  check_terms(recipe, reader);
  warn_terms(recipe);
  warn_rewards(recipe);
  warn_rest(recipe);
}

bool Recipe::needs_group() const {
  return compares_groups(*this) || is<LifecycleReturn>(credit) || is<TrajectorySum>(credit) ||
         filter.std_min > 0 || filter.all_truncated ||
         std::any_of(advantage_terms.begin(), advantage_terms.end(), compares_turns);
}

bool Recipe::needs_batch() const {
  const auto* of = std::get_if<GroupNormalised>(&advantage);
  const auto reads_batch = [](const AdvantageTransform& transform) {
    return !is<KlToGo>(transform);
  };
  const auto is_bounded = [](const AdvantageTerm& term) {
    const auto* gain = std::get_if<InformationTerm>(&term);
    return gain != nullptr && gain->bounded;
  };
  return (of != nullptr && of->over_batch) ||
         std::any_of(advantage_transform.begin(), advantage_transform.end(), reads_batch) ||
         std::any_of(advantage_terms.begin(), advantage_terms.end(), is_bounded);
}

std::vector<std::string> arrays_for_advantages(const Recipe& recipe) {
  std::vector<std::string> names;
  const auto* tokens = std::get_if<TokenReturn>(&recipe.credit);
  const bool by_turn = rewards_are_of_turns(recipe);
  names.emplace_back(by_turn ? "turn_reward" : "reward");
  if (recipe.needs_group()) {
    names.emplace_back("group");
  }
  if (is<LifecycleReturn>(recipe.credit) || is<TrajectorySum>(recipe.credit)) {
    names.insert(names.end(), {"lifecycle", "position", "kind"});
  }
  bool counts_tokens = tokens != nullptr;
  for (const AdvantageTransform& transform : recipe.advantage_transform) {
    const auto* whiten = std::get_if<WhitenTransform>(&transform);
    counts_tokens |= whiten == nullptr || whiten->per_token;
    if (const auto* divergence = std::get_if<KlToGo>(&transform)) {
      const bool is_rollout = divergence->policy == Anchor::rollout;
      names.insert(names.end(), {is_rollout ? "logp_rollout" : "logp_old", "logp_ref"});
    }
  }
  for (const RewardTransform& transform : recipe.reward) {
    if (is<Overlong>(transform)) {
      counts_tokens = true;
    } else if (is<KlPenalty>(transform)) {
      names.insert(names.end(), {"mask", "logp_old", "logp_ref"});
    }
  }
  if (counts_tokens) {
    names.emplace_back("mask");
  }
  if (by_turn) {
    names.emplace_back("turn");
  }
  if (recipe.filter.truncated || recipe.filter.all_truncated) {
    names.emplace_back("truncated");
  }
  if (recipe.filter.std_min > 0) {
    names.emplace_back(recipe.filter.of_last_turn ? "turn_reward" : "reward");
  }
  for (const AdvantageTerm& term : recipe.advantage_terms) {
    const std::vector<std::string> more = arrays_for_term(term);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

std::vector<std::string> arrays_for_weights(const Recipe& recipe) {
  if (!recipe.correction.has_value()) {
    return {"mask"};
  }
  return {"mask", "logp_old", "logp_rollout"};
}

std::vector<std::string> arrays_for_loss(const Recipe& recipe) {
  std::vector<std::string> names = arrays_for_weights(recipe);
  names.emplace_back("logp");
  if (!is<Reinforce>(recipe.objective.kind)) {
    names.emplace_back(recipe.objective.anchor == Anchor::old ? "logp_old" : "logp_rollout");
  }
  if (recipe.regularisers.kl.has_value()) {
    names.emplace_back("logp_ref");
  }
  if (recipe.regularisers.entropy_coefficient != 0) {
    names.emplace_back("entropy");
  }
  if (recipe.aggregation.kind == AggregationKind::turn_mean_token_sum) {
    names.emplace_back("turn");
  }
  return names;
}

}  // namespace turnhalle::algo
