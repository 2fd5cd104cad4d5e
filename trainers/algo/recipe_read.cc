// From JSON to a Recipe. Defaults stand in recipe.h; here stand the names, the ranges and what
// "compat" changes.
#include <cmath>
#include <utility>

#include "trainers/algo/recipe_part.h"

namespace turnhalle::algo {
namespace {

constexpr NumberRange positive{1e-12, 1e12};
constexpr NumberRange not_negative{0, 1e12};
constexpr NumberRange share{0, 1};

constexpr std::array<Named<StdKind>, 3> std_kinds{
    {{"none", StdKind::none}, {"population", StdKind::population}, {"bessel", StdKind::bessel}}};
constexpr std::array<Named<Singleton>, 2> singletons{
    {{"zero", Singleton::zero}, {"raw", Singleton::raw}}};
constexpr std::array<Named<KlEstimator>, 4> kl_estimators{{{"k1", KlEstimator::k1},
                                                           {"k2", KlEstimator::k2},
                                                           {"k3", KlEstimator::k3},
                                                           {"abs", KlEstimator::abs}}};

void read_filter(JsonReader& reader, JsonObject& root, Filter& filter) {
  for (JsonObject& element : root.objects("filter", false)) {
    RecipePart part(reader, std::move(element));
    const std::string kind =
        part.kind({"zero_variance", "truncated", "low_spread", "all_truncated"});
    if (kind == "truncated") {
      filter.truncated = true;
    } else if (kind == "all_truncated") {
      filter.all_truncated = true;
    } else if (kind == "low_spread") {
      constexpr std::array<Named<bool>, 2> scores{{{"outcome", false}, {"last_turn", true}}};
      filter.std_min = part.needed("std_min", positive);
      filter.of_last_turn = part.choice("score", scores, false);
    } else {
      filter.zero_variance = true;
      filter.tolerance = part.number("tolerance", not_negative, filter.tolerance);
    }
    part.finish();
  }
}

KlLimits read_kl_limits(RecipePart& part) {
  const bool verl = part.compat() == Compat::verl;
  return {part.number("input_max", positive, verl ? 20 : unlimited),
          part.number("output_max", positive, verl ? 10 : unlimited)};
}

void read_reward(JsonReader& reader, JsonObject& root, std::vector<RewardTransform>& transforms) {
  for (JsonObject& element : root.objects("reward", false)) {
    RecipePart part(reader, std::move(element));
    const std::string kind = part.kind({"scale", "overlong", "kl_penalty"});
    if (kind == "scale") {
      transforms.emplace_back(RewardScale{part.number("scale", positive, 1),
                                          part.number("shift", {-1e12, 1e12}, 0),
                                          part.number("low", {-1e12, 1e12}, -unlimited),
                                          part.number("high", {-1e12, 1e12}, unlimited)});
    } else if (kind == "overlong") {
      constexpr std::array<Named<OverlongForm>, 2> forms{
          {{"bounded", OverlongForm::bounded}, {"unbounded", OverlongForm::unbounded}}};
      const OverlongForm usual =
          part.compat() == Compat::verl ? OverlongForm::unbounded : OverlongForm::bounded;
      transforms.emplace_back(
          Overlong{part.choice("form", forms, usual), part.needed("length_max", {1, 1e9}),
                   part.needed("buffer", {1, 1e9}), part.number("factor", not_negative, 1)});
    } else if (kind == "kl_penalty") {
      const auto estimator = part.choice("estimator", kl_estimators, KlEstimator::k1);
      const double coefficient = part.needed("coefficient", not_negative);
      transforms.emplace_back(KlPenalty{estimator, coefficient, read_kl_limits(part)});
    }
    part.finish();
  }
}

/// Estimators that come with a credit of their own, unless the recipe names one.
std::string usual_credit(const std::string& advantage) {
  if (advantage == "trloo") {
    return "turn_return";
  }
  return advantage == "reinforce_plus_plus" ? "token_return" : "outcome";
}

void read_credit(JsonReader& reader, JsonObject& root, const std::string& advantage,
                 Credit& credit) {
  RecipePart part(reader, root, "credit");
  const std::string kind =
      part.kind({"outcome", "connect_the_dots", "trajectory_sum", "turn_return", "token_return"},
                usual_credit(advantage));
  const bool is_tied = usual_credit(advantage) != "outcome";
  if (is_tied && reader.ok() && kind != usual_credit(advantage)) {
    reader.fail("/advantage", "expected the credit " + usual_credit(advantage) + " beside " +
                                  advantage + "; found the credit " + kind);
  }
  if (kind == "connect_the_dots") {
    constexpr std::array<Named<ReturnStyle>, 3> styles{
        {{"mean", ReturnStyle::mean},
         {"sliding_window_mean", ReturnStyle::sliding_window_mean},
         {"discounted", ReturnStyle::discounted}}};
    LifecycleReturn style{part.choice("return", styles, ReturnStyle::mean), 1, 1};
    if (style.style == ReturnStyle::sliding_window_mean) {
      style.window = static_cast<std::size_t>(part.needed_integer("window", {1, 1'000'000}));
    } else if (style.style == ReturnStyle::discounted) {
      style.gamma = part.needed("gamma", share);
    }
    credit = style;
  } else if (kind == "trajectory_sum") {
    credit = TrajectorySum{part.number("decay", share, TrajectorySum{}.decay)};
  } else if (kind == "turn_return") {
    constexpr std::array<Named<bool>, 2> compared{{{"equal_turns", false}, {"all_turns", true}}};
    credit = TurnReturn{part.number("gamma", share, TurnReturn{}.gamma),
                        part.boolean("void_turns", TurnReturn{}.void_turns),
                        part.choice("compare", compared, TurnReturn{}.all_turns)};
  } else if (kind == "token_return") {
    constexpr std::array<Named<RewardSource>, 2> sources{
        {{"outcome", RewardSource::outcome}, {"turn", RewardSource::turn}}};
    credit = TokenReturn{part.number("gamma", share, TokenReturn{}.gamma),
                         part.choice("source", sources, TokenReturn{}.source)};
  }
  part.finish();
}

GroupNormalised read_group_normalised(RecipePart& part) {
  const Compat compat = part.compat();
  GroupNormalised of;
  Normalisation& usual = of.normalisation;
  usual.eps = compat == Compat::trl ? 1e-4 : usual.eps;
  usual.singleton = compat == Compat::verl ? Singleton::raw : usual.singleton;
  usual.std = part.choice("std", std_kinds, usual.std);
  usual.eps = part.number("eps", share, usual.eps);
  usual.singleton = part.choice("singleton", singletons, usual.singleton);
  usual.tolerance = part.number("tolerance", not_negative, usual.tolerance);
  constexpr std::array<Named<bool>, 2> scopes{{{"group", false}, {"batch", true}}};
  of.over_batch = part.choice("scale", scopes, of.over_batch);
  return of;
}

/// The estimator's name, needed before the credit is read.
std::string read_advantage(JsonReader& reader, JsonObject& root, Recipe& recipe) {
  RecipePart part(reader, root, "advantage");
  const std::string kind = part.kind({"none", "group_mean", "dr_grpo", "grpo", "rloo", "trloo",
                                      "reinforce_plus_plus", "reinforce_plus_plus_baseline"},
                                     "none");
  const Compat compat = part.compat();
  const bool raw_single =
      compat == Compat::verl || (kind == "trloo" && compat == Compat::turnhalle);
  const Singleton usual = raw_single ? Singleton::raw : Singleton::zero;
  if (kind == "grpo") {
    recipe.advantage = read_group_normalised(part);
  } else if (kind == "rloo" || kind == "trloo") {
    recipe.advantage = LeaveOneOut{part.choice("singleton", singletons, usual)};
  } else if (kind == "group_mean" || kind == "dr_grpo") {
    recipe.advantage = GroupMean{part.choice("singleton", singletons, usual)};
  } else if (kind == "reinforce_plus_plus_baseline") {
    recipe.advantage = GroupMean{part.choice("singleton", singletons, usual)};
    recipe.advantage_transform.emplace_back(WhitenTransform{});
  } else if (kind == "reinforce_plus_plus") {
    recipe.advantage_transform.emplace_back(WhitenTransform{});
  }
  part.finish();
  return kind;
}

void read_advantage_transform(JsonReader& reader, JsonObject& root, Recipe& recipe) {
  for (JsonObject& element : root.objects("advantage_transform", false)) {
    RecipePart part(reader, std::move(element));
    const std::string kind = part.kind({"whiten", "adaptive_reweight", "kl_to_go"});
    if (kind == "whiten") {
      constexpr std::array<Named<WhitenForm>, 2> forms{
          {{"variance_eps", WhitenForm::variance_eps}, {"std_eps", WhitenForm::std_eps}}};
      constexpr std::array<Named<bool>, 2> overs{{{"tokens", true}, {"units", false}}};
      WhitenTransform whiten;
      const bool trl = part.compat() == Compat::trl;
      whiten.whitening.form =
          part.choice("form", forms, trl ? WhitenForm::std_eps : whiten.whitening.form);
      whiten.whitening.eps = part.number("eps", share, trl ? 1e-4 : whiten.whitening.eps);
      whiten.whitening.centre = part.boolean("centre", whiten.whitening.centre);
      whiten.per_token = part.choice("over", overs, !trl);
      recipe.advantage_transform.emplace_back(whiten);
    } else if (kind == "adaptive_reweight") {
      constexpr std::array<Named<ReweightScope>, 2> scopes{
          {{"batch", ReweightScope::batch}, {"group", ReweightScope::group}}};
      ReweightTransform reweight;
      Reweighting& of = reweight.reweighting;
      of.temperature_low = part.number("temperature_low", positive, of.temperature_low);
      of.temperature_high = part.number("temperature_high", positive, of.temperature_high);
      of.width = part.number("width", positive, of.width);
      of.iterations_max = part.integer("iterations_max", {1, 1000}, of.iterations_max);
      reweight.scope = part.choice("scope", scopes, reweight.scope);
      recipe.advantage_transform.emplace_back(reweight);
    } else if (kind == "kl_to_go") {
      constexpr std::array<Named<Anchor>, 2> policies{
          {{"old", Anchor::old}, {"rollout", Anchor::rollout}}};
      KlToGo of;
      of.penalty.estimator = part.choice("estimator", kl_estimators, KlEstimator::k1);
      of.penalty.coefficient = part.needed("coefficient", not_negative);
      of.penalty.limits = read_kl_limits(part);
      of.policy = part.choice("policy", policies, of.policy);
      recipe.advantage_transform.emplace_back(of);
    }
    part.finish();
  }
}

/// Constants of a z-score inside a term.
Normalisation read_term_normalisation(RecipePart& part, Normalisation of) {
  of.std = part.choice("std", std_kinds, of.std);
  of.eps = part.number("eps", share, of.eps);
  of.singleton = part.choice("singleton", singletons, of.singleton);
  of.tolerance = part.number("tolerance", not_negative, of.tolerance);
  return of;
}

InformationTerm read_information_term(RecipePart& part) {
  constexpr std::array<Named<VarianceGate>, 3> gates{{{"none", VarianceGate::none},
                                                      {"sigmoid", VarianceGate::sigmoid},
                                                      {"exponential", VarianceGate::exponential}}};
  constexpr std::array<Named<GainSign>, 3> signs{{{"signed", GainSign::as_is},
                                                  {"positive", GainSign::positive},
                                                  {"absolute", GainSign::absolute}}};
  constexpr std::array<Named<bool>, 2> overs{{{"turns", false}, {"tokens", true}}};
  InformationTerm of;
  of.beta = part.number("beta", not_negative, of.beta);
  of.gate = part.choice("gate", gates, of.gate);
  of.temperature = part.number("temperature", positive, of.temperature);
  of.sign = part.choice("sign", signs, of.sign);
  of.normalise = part.boolean("normalise", of.normalise);
  of.over_tokens = part.choice("over", overs, of.over_tokens);
  of.bounded = part.boolean("bounded", of.bounded);
  of.eps = part.number("eps", share, of.eps);
  return of;
}

void read_advantage_terms(JsonReader& reader, JsonObject& root, Recipe& recipe) {
  for (JsonObject& element : root.objects("advantage_terms", false)) {
    RecipePart part(reader, std::move(element));
    const std::string kind =
        part.kind({"anchor_state", "turn_reward", "information_gain", "structure"});
    if (kind == "anchor_state") {
      AnchorStateTerm of;
      of.weight = part.number("weight", not_negative, of.weight);
      of.gamma = part.number("gamma", share, of.gamma);
      of.normalisation = read_term_normalisation(part, of.normalisation);
      recipe.advantage_terms.emplace_back(of);
    } else if (kind == "turn_reward") {
      TurnRewardTerm of;
      of.weight = part.number("weight", not_negative, of.weight);
      of.gamma = part.number("gamma", share, of.gamma);
      of.normalisation = read_term_normalisation(part, of.normalisation);
      recipe.advantage_terms.emplace_back(of);
    } else if (kind == "information_gain") {
      recipe.advantage_terms.emplace_back(read_information_term(part));
    } else if (kind == "structure") {
      recipe.advantage_terms.emplace_back(
          StructureTerm{part.number("weight", not_negative, StructureTerm{}.weight)});
    }
    part.finish();
  }
}

void read_correction(JsonReader& reader, JsonObject& root, std::optional<Correction>& correction) {
  RecipePart part(reader, root, "correction");
  const std::string kind = part.kind({"none", "token_truncate", "token_mask", "sequence_truncate",
                                      "sequence_mask", "geometric_truncate", "geometric_mask"},
                                     "none");
  if (kind != "none") {
    const bool trl = part.compat() == Compat::trl;
    constexpr std::array<Named<CorrectionWeight>, 2> weights{
        {{"ratio", CorrectionWeight::ratio}, {"one", CorrectionWeight::one}}};
    Correction of{};
    of.level = kind.starts_with("token")      ? CorrectionLevel::token
               : kind.starts_with("sequence") ? CorrectionLevel::sequence
                                              : CorrectionLevel::geometric;
    of.mode = kind.ends_with("mask") ? CorrectionMode::mask : CorrectionMode::truncate;
    of.weight = part.choice("weight", weights, CorrectionWeight::ratio);
    of.low = part.number("low", not_negative, 0);
    of.high = part.number("high", positive, trl ? 3 : 2);
    of.log_ratio_max = part.number("log_ratio_max", positive, trl ? unlimited : 20);
    of.veto = part.number("veto", share, 0);
    constexpr std::array<Named<bool>, 2> scopes{{{"row", false}, {"turn", true}}};
    of.veto_turn = part.choice("veto_scope", scopes, false);
    correction = of;
  }
  part.finish();
}

PpoClip read_ppo_clip(RecipePart& part) {
  const Compat compat = part.compat();
  return {part.number("clip_low", share, 0.2), part.number("clip_high", not_negative, 0.2),
          part.number("dual_clip", positive, compat == Compat::verl ? 3 : unlimited),
          part.number("log_ratio_max", positive, compat == Compat::trl ? unlimited : 20)};
}

Cispo read_cispo(RecipePart& part) {
  const Compat compat = part.compat();
  const bool verl = compat == Compat::verl;
  return {part.number("ratio_low", not_negative, verl ? 0.8 : 0),
          part.number("ratio_high", positive, verl ? 1.28 : 5),
          part.number("log_ratio_max", positive, compat == Compat::trl ? unlimited : 20)};
}

void read_objective(JsonReader& reader, JsonObject& root, Objective& objective) {
  RecipePart part(reader, root, "objective");
  const std::string kind =
      part.kind({"reinforce", "rec_one_side", "ppo_clip", "gspo", "cispo", "sapo"}, "reinforce");
  Anchor usual = Anchor::old;
  if (kind == "rec_one_side") {
    objective.kind =
        RecOneSide{part.number("clip_low", share, 0.2), part.number("clip_high", not_negative, 0.2),
                   part.boolean("importance_weight", false)};
    usual = Anchor::rollout;
  } else if (kind == "ppo_clip") {
    objective.kind = read_ppo_clip(part);
  } else if (kind == "gspo") {
    objective.kind =
        Gspo{part.number("clip_low", share, 3e-4), part.number("clip_high", not_negative, 4e-4),
             part.number("log_ratio_max", positive, part.compat() == Compat::trl ? unlimited : 10)};
  } else if (kind == "cispo") {
    objective.kind = read_cispo(part);
  } else if (kind == "sapo") {
    objective.kind = Sapo{
        part.number("tau_positive", positive, 1.0), part.number("tau_negative", positive, 1.05),
        part.number("log_ratio_max", positive, part.compat() == Compat::trl ? unlimited : 20)};
  }
  if (kind != "reinforce") {
    constexpr std::array<Named<Anchor>, 2> anchors{
        {{"old", Anchor::old}, {"rollout", Anchor::rollout}}};
    objective.anchor = part.choice("anchor", anchors, usual);
  }
  part.finish();
}

void read_aggregation(JsonReader& reader, JsonObject& root, Aggregation& aggregation) {
  RecipePart part(reader, root, "aggregation");
  constexpr std::array<Named<AggregationKind>, 6> kinds{
      {{"token_mean", AggregationKind::token_mean},
       {"seq_mean_token_mean", AggregationKind::seq_mean_token_mean},
       {"seq_mean_token_sum", AggregationKind::seq_mean_token_sum},
       {"turn_mean_token_sum", AggregationKind::turn_mean_token_sum},
       {"constant", AggregationKind::constant},
       {"token_sum", AggregationKind::token_sum}}};
  std::vector<std::string> names;
  for (const auto& option : kinds) {
    names.emplace_back(option.name);
  }
  const std::string kind = part.kind(names, "token_mean");
  for (const auto& option : kinds) {
    if (kind == option.name) {
      aggregation.kind = option.value;
    }
  }
  constexpr std::array<Named<EmptyRows>, 2> rules{
      {{"count", EmptyRows::count}, {"skip", EmptyRows::skip}}};
  const bool trl = part.compat() == Compat::trl;
  aggregation.empty_rows =
      part.choice("empty_rows", rules, trl ? EmptyRows::count : aggregation.empty_rows);
  if (aggregation.kind == AggregationKind::constant) {
    aggregation.constant = part.needed("length", {1, 1e9});
  } else if (aggregation.kind == AggregationKind::turn_mean_token_sum) {
    aggregation.constant = part.number("scale", positive, 1);
  }
  part.finish();
}

void read_regularisers(JsonReader& reader, JsonObject& root, Regularisers& regularisers) {
  for (JsonObject& element : root.objects("regularisers", false)) {
    RecipePart part(reader, std::move(element));
    if (part.kind({"kl", "entropy"}) == "entropy") {
      regularisers.entropy_coefficient = part.needed("coefficient", {-1e12, 1e12});
    } else {
      constexpr std::array<Named<bool>, 2> gradients{{{"own", false}, {"k2", true}}};
      KlLoss kl;
      kl.estimator = part.choice("estimator", kl_estimators, kl.estimator);
      kl.coefficient = part.needed("coefficient", not_negative);
      kl.limits = read_kl_limits(part);
      kl.straight_through = part.choice("gradient", gradients, kl.straight_through);
      regularisers.kl = kl;
    }
    part.finish();
  }
}

void read_update(JsonReader& reader, JsonObject& root, Update& update) {
  RecipePart part(reader, root, "update");
  update.epochs = part.integer("epochs", {1, 1000}, update.epochs);
  update.mini_batches = part.integer("mini_batches", {1, 100000}, update.mini_batches);
  update.learning_rate = part.number("learning_rate", {0, 10}, update.learning_rate);
  update.beta1 = part.number("beta1", share, update.beta1);
  update.beta2 = part.number("beta2", share, update.beta2);
  update.adam_eps = part.number("adam_eps", share, update.adam_eps);
  update.weight_decay = part.number("weight_decay", {0, 10}, update.weight_decay);
  update.gradient_norm_max =
      part.number("gradient_norm_max", not_negative, update.gradient_norm_max);
  update.warmup_steps = part.integer("warmup_steps", {0, 1'000'000'000}, update.warmup_steps);
  part.finish();
}

}  // namespace

Result<Recipe> read_recipe(const JsonDocument& document) {
  JsonReader reader(document);
  JsonObject root = reader.object();
  Recipe recipe;
  const std::vector<std::string> kinds{"recipe"};
  root.one_of("kind", kinds, "recipe");
  root.integer("version", {1, 1}, 1);
  recipe.name = root.string("name", "inline");
  recipe.summary = root.string("summary", "");
  recipe.paper = root.string("paper", "");
  root.ignore("notes");
  root.ignore("$schema");
  read_filter(reader, root, recipe.filter);
  read_reward(reader, root, recipe.reward);
  const std::string advantage = read_advantage(reader, root, recipe);
  read_credit(reader, root, advantage, recipe.credit);
  read_advantage_transform(reader, root, recipe);
  read_advantage_terms(reader, root, recipe);
  read_correction(reader, root, recipe.correction);
  read_objective(reader, root, recipe.objective);
  read_aggregation(reader, root, recipe.aggregation);
  read_regularisers(reader, root, recipe.regularisers);
  read_update(reader, root, recipe.update);
  root.finish();
  if (reader.ok()) {
    check_recipe(recipe, reader);
  }
  if (!reader.ok()) {
    return reader.error();
  }
  return recipe;
}

}  // namespace turnhalle::algo
