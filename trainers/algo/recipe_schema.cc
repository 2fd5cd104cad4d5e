#include <string>
#include <utility>
#include <vector>

#include "trainers/algo/recipe.h"

namespace turnhalle::algo {
namespace {

// The ranges are those of recipe_read.cc; a test compares them.
Json number_between(double low, double high) {
  return {{"type", "number"}, {"minimum", low}, {"maximum", high}};
}
Json positive_number() { return number_between(1e-12, 1e12); }
Json non_negative_number() { return number_between(0, 1e12); }
Json any_number() { return number_between(-1e12, 1e12); }
Json integer(int low, int high) {
  return {{"type", "integer"}, {"minimum", low}, {"maximum", high}};
}
Json boolean() { return {{"type", "boolean"}}; }
Json one_of(const std::vector<std::string>& names) { return {{"enum", names}}; }
Json compat() { return one_of({"trl", "verl"}); }
Json singleton() { return one_of({"zero", "raw"}); }
Json estimator() { return one_of({"k1", "k2", "k3", "abs"}); }
Json anchor() { return one_of({"old", "rollout"}); }

/// One kind of part: its constants and which of them must be there.
struct Kind {
  std::string name;
  Json constants;
  std::vector<std::string> required;
};

Json kind_object(const Kind& kind) {
  Json properties = kind.constants.is_null() ? Json::object() : kind.constants;
  properties["kind"] = {{"const", kind.name}};
  properties["origin"] = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  std::vector<std::string> required = kind.required;
  required.emplace_back("kind");
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", required},
          {"additionalProperties", false}};
}

/// A slot that holds one part, as an object or by its kind alone.
Json slot(const std::vector<Kind>& kinds) {
  Json choices = Json::array();
  std::vector<std::string> plain;
  for (const Kind& kind : kinds) {
    choices.push_back(kind_object(kind));
    if (kind.required.empty()) {
      plain.push_back(kind.name);
    }
  }
  choices.push_back(one_of(plain));
  return {{"oneOf", std::move(choices)}};
}

/// A slot that is a list of parts.
Json list(const std::vector<Kind>& kinds) {
  Json choices = Json::array();
  for (const Kind& kind : kinds) {
    choices.push_back(kind_object(kind));
  }
  return {{"type", "array"}, {"items", {{"oneOf", std::move(choices)}}}};
}

Json reward_slot() {
  return list({{"scale",
                {{"scale", positive_number()},
                 {"shift", any_number()},
                 {"low", any_number()},
                 {"high", any_number()}},
                {}},
               {"overlong",
                {{"form", one_of({"bounded", "unbounded"})},
                 {"length_max", number_between(1, 1e9)},
                 {"buffer", number_between(1, 1e9)},
                 {"factor", non_negative_number()},
                 {"compat", compat()}},
                {"length_max", "buffer"}},
               {"kl_penalty",
                {{"estimator", estimator()},
                 {"coefficient", non_negative_number()},
                 {"input_max", positive_number()},
                 {"output_max", positive_number()},
                 {"compat", compat()}},
                {"coefficient"}}});
}

Json credit_slot() {
  const Json gamma = number_between(0, 1);
  return slot({{"outcome", {}, {}},
               {"connect_the_dots",
                {{"return", one_of({"mean", "sliding_window_mean", "discounted"})},
                 {"window", integer(1, 1'000'000)},
                 {"gamma", gamma}},
                {}},
               {"trajectory_sum", {{"decay", gamma}}, {}},
               {"turn_return",
                {{"gamma", gamma},
                 {"void_turns", boolean()},
                 {"compare", one_of({"equal_turns", "all_turns"})}},
                {}},
               {"token_return", {{"gamma", gamma}, {"source", one_of({"outcome", "turn"})}}, {}}});
}

Json advantage_slot() {
  const Json with_singleton = {{"singleton", singleton()}, {"compat", compat()}};
  return slot({{"none", {{"compat", compat()}}, {}},
               {"group_mean", with_singleton, {}},
               {"dr_grpo", with_singleton, {}},
               {"grpo",
                {{"std", one_of({"none", "population", "bessel"})},
                 {"eps", number_between(0, 1)},
                 {"singleton", singleton()},
                 {"tolerance", non_negative_number()},
                 {"scale", one_of({"group", "batch"})},
                 {"compat", compat()}},
                {}},
               {"rloo", with_singleton, {}},
               {"trloo", with_singleton, {}},
               {"reinforce_plus_plus", {{"compat", compat()}}, {}},
               {"reinforce_plus_plus_baseline", with_singleton, {}}});
}

Json transform_slot() {
  return list({{"whiten",
                {{"form", one_of({"variance_eps", "std_eps"})},
                 {"eps", number_between(0, 1)},
                 {"centre", boolean()},
                 {"over", one_of({"tokens", "units"})},
                 {"compat", compat()}},
                {}},
               {"adaptive_reweight",
                {{"temperature_low", positive_number()},
                 {"temperature_high", positive_number()},
                 {"width", positive_number()},
                 {"iterations_max", integer(1, 1000)},
                 {"scope", one_of({"batch", "group"})}},
                {}},
               {"kl_to_go",
                {{"estimator", estimator()},
                 {"coefficient", non_negative_number()},
                 {"input_max", positive_number()},
                 {"output_max", positive_number()},
                 {"policy", one_of({"old", "rollout"})},
                 {"compat", compat()}},
                {"coefficient"}}});
}

Json terms_slot() {
  const Json of_turns = {{"weight", non_negative_number()},
                         {"gamma", number_between(0, 1)},
                         {"std", one_of({"none", "population", "bessel"})},
                         {"eps", number_between(0, 1)},
                         {"singleton", singleton()},
                         {"tolerance", non_negative_number()}};
  return list({{"anchor_state", of_turns, {}},
               {"turn_reward", of_turns, {}},
               {"information_gain",
                {{"beta", non_negative_number()},
                 {"gate", one_of({"none", "sigmoid", "exponential"})},
                 {"temperature", positive_number()},
                 {"sign", one_of({"signed", "positive", "absolute"})},
                 {"normalise", boolean()},
                 {"over", one_of({"turns", "tokens"})},
                 {"bounded", boolean()},
                 {"eps", number_between(0, 1)}},
                {}},
               {"structure", {{"weight", non_negative_number()}}, {}}});
}

Json filter_slot() {
  return list({{"zero_variance", {{"tolerance", non_negative_number()}}, {}},
               {"truncated", {}, {}},
               {"all_truncated", {}, {}},
               {"low_spread",
                {{"std_min", positive_number()}, {"score", one_of({"outcome", "last_turn"})}},
                {"std_min"}}});
}

Json correction_slot() {
  const Json constants = {{"low", non_negative_number()},
                          {"high", positive_number()},
                          {"log_ratio_max", positive_number()},
                          {"veto", number_between(0, 1)},
                          {"compat", compat()},
                          {"weight", one_of({"ratio", "one"})},
                          {"veto_scope", one_of({"row", "turn"})}};
  std::vector<Kind> kinds{{"none", {}, {}}};
  for (const std::string level : {"token", "sequence", "geometric"}) {
    kinds.push_back({level + "_truncate", constants, {}});
    kinds.push_back({level + "_mask", constants, {}});
  }
  return slot(kinds);
}

Json objective_slot() {
  const Json low = number_between(0, 1);
  return slot({{"reinforce", {}, {}},
               {"rec_one_side",
                {{"clip_low", low},
                 {"clip_high", non_negative_number()},
                 {"importance_weight", boolean()},
                 {"anchor", anchor()}},
                {}},
               {"ppo_clip",
                {{"clip_low", low},
                 {"clip_high", non_negative_number()},
                 {"dual_clip", positive_number()},
                 {"log_ratio_max", positive_number()},
                 {"anchor", anchor()},
                 {"compat", compat()}},
                {}},
               {"gspo",
                {{"clip_low", low},
                 {"clip_high", non_negative_number()},
                 {"log_ratio_max", positive_number()},
                 {"anchor", anchor()},
                 {"compat", compat()}},
                {}},
               {"cispo",
                {{"ratio_low", non_negative_number()},
                 {"ratio_high", positive_number()},
                 {"log_ratio_max", positive_number()},
                 {"anchor", anchor()},
                 {"compat", compat()}},
                {}},
               {"sapo",
                {{"tau_positive", positive_number()},
                 {"tau_negative", positive_number()},
                 {"log_ratio_max", positive_number()},
                 {"anchor", anchor()},
                 {"compat", compat()}},
                {}}});
}

Json aggregation_slot() {
  Json rule = {{"empty_rows", one_of({"count", "skip"})}, {"compat", compat()}};
  std::vector<Kind> kinds;
  for (const char* kind :
       {"token_mean", "seq_mean_token_mean", "seq_mean_token_sum", "token_sum"}) {
    kinds.push_back({kind, rule, {}});
  }
  rule["scale"] = positive_number();
  kinds.push_back({"turn_mean_token_sum", rule, {}});
  rule.erase("scale");
  rule["length"] = number_between(1, 1e9);
  kinds.push_back({"constant", rule, {"length"}});
  return slot(kinds);
}

Json regularisers_slot() {
  return list({{"kl",
                {{"estimator", estimator()},
                 {"coefficient", non_negative_number()},
                 {"input_max", positive_number()},
                 {"output_max", positive_number()},
                 {"gradient", one_of({"own", "k2"})},
                 {"compat", compat()}},
                {"coefficient"}},
               {"entropy", {{"coefficient", any_number()}}, {"coefficient"}}});
}

Json update_slot() {
  Json update = kind_object({"",
                             {{"epochs", integer(1, 1000)},
                              {"mini_batches", integer(1, 100'000)},
                              {"learning_rate", number_between(0, 10)},
                              {"beta1", number_between(0, 1)},
                              {"beta2", number_between(0, 1)},
                              {"adam_eps", number_between(0, 1)},
                              {"weight_decay", number_between(0, 10)},
                              {"gradient_norm_max", non_negative_number()},
                              {"warmup_steps", integer(0, 1'000'000'000)}},
                             {}});
  update["properties"].erase("kind");
  update.erase("required");
  return update;
}

}  // namespace

Json recipe_schema() {
  const Json text = {{"type", "string"}};
  Json properties = {{"$schema", text},
                     {"kind", {{"const", "recipe"}}},
                     {"version", {{"const", 1}}},
                     {"name", text},
                     {"summary", text},
                     {"paper", text},
                     {"notes", Json::object()},
                     {"filter", filter_slot()},
                     {"reward", reward_slot()},
                     {"credit", credit_slot()},
                     {"advantage", advantage_slot()},
                     {"advantage_transform", transform_slot()},
                     {"advantage_terms", terms_slot()},
                     {"correction", correction_slot()},
                     {"objective", objective_slot()},
                     {"aggregation", aggregation_slot()},
                     {"regularisers", regularisers_slot()},
                     {"update", update_slot()}};
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Turnhalle recipe"},
          {"type", "object"},
          {"required", {"kind", "version"}},
          {"additionalProperties", false},
          {"properties", std::move(properties)}};
}

}  // namespace turnhalle::algo
