// An experiment: scenario + policy + recipe + budget, in one JSON file.
//
// scenarios/README.md explains the file; `turnhalle schema experiment` describes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agents/lm/model_config.h"
#include "core/scenario.h"
#include "trainers/algo/recipe.h"
#include "trainers/learner.h"

namespace turnhalle {

/// Where the policy comes from: a checkpoint folder, or fresh weights with a vocabulary.
struct PolicySource {
  std::string from;                  ///< folder; empty for a new policy
  lm::ModelConfig config;            ///< of a new policy; the vocabulary's size follows
  /// Of a byte-pair vocabulary learned from the demonstrator's play; 0: the environment's pieces.
  std::int64_t vocabulary_size = 0;
  double embedding_range = 0.0;      ///< deviation of a new embedding; 0: initializer_range
  std::int64_t new_tokens_max = 32;  ///< per reply
  std::string precision = "float32";  ///< of matrix products; "auto": measured when a run starts
  bool freeze_embedding = false;     ///< leave the embedding (and a tied head) as it is
  std::int64_t freeze_layers = 0;    ///< and so many of the lowest layers
};

/// Learning-rate schedule: linear warm-up, flat, then linear decay to 0 from `decay_from` (a share
/// of the steps; 1: never).
struct Schedule {
  double peak = 1e-3;
  std::int64_t warmup_steps = 0;
  double decay_from = 1.0;

  double at(std::int64_t step, std::int64_t steps) const;
};

/// Imitation of a stated demonstrator, on fresh tasks every step.
struct WarmStart {
  std::string demonstrator = "demonstrator";
  std::int64_t steps = 0;
  std::int64_t lifecycles_per_step = 24;
  Schedule schedule;
  OptimizerKind optimizer = OptimizerKind::adamw;
  double weight_decay = 0.01;
  double beta2 = 0.95;
  /// Weight of predicting what the world says after the first reply; replies weigh 1.
  double observation_weight = 0.3;
};

struct Reinforcement {
  algo::Recipe recipe;
  std::int64_t steps = 0;
  std::int64_t groups_per_step = 32;
  std::int64_t group_size = 8;
  Schedule schedule;
  OptimizerKind optimizer = OptimizerKind::adamw;
  double temperature = 1.0;
  /// How often groups that the recipe's filter takes out are replaced by new ones; 0: never.
  std::int64_t refill_rounds = 0;
  /// What stands for feedback that the policy is not shown (recipes with information gain).
  std::string placeholder = "No information found.";
  /// Rollouts of a group that go into the store with what each turn earned, at every evaluation.
  std::int64_t recorded = 2;
};

struct Evaluation {
  std::int64_t lifecycles = 100;  ///< of the test split
  std::int64_t every = 20;        ///< steps; also before the first and after the last
  std::int64_t recorded = 8;      ///< lifecycles of each evaluation that go into the store
};

struct Experiment {
  std::string name;
  std::string file;
  Scenario scenario;
  PolicySource policy;
  std::uint64_t seed = 0;
  WarmStart warm_start;
  Reinforcement reinforcement;
  Evaluation evaluation;
  std::int64_t checkpoint_every = 20;
  std::int64_t tokens_per_micro_batch = 8000;
  std::int64_t bad_steps_max = 5;  ///< consecutive non-finite steps before the run stops
  Json document;                   ///< as resolved: scenario and recipe by content

  std::int64_t steps() const { return warm_start.steps + reinforcement.steps; }
};

/// Folders that names in an experiment refer to.
struct ExperimentPlaces {
  std::string recipes;  ///< scenarios/recipes
};

/// Reads an experiment. Paths of scenario and policy are relative to the file. `changes` are
/// "/pointer=value" overrides, applied before reading.
Result<Experiment> read_experiment(const std::string& path, std::span<const std::string> changes,
                                   const EnvironmentRegistry& registry,
                                   const ExperimentPlaces& places);
Json experiment_schema();

}  // namespace turnhalle
