// What the tests of training share: a small experiment.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"
#include "envs/all.h"
#include "tests/test_folder.h"
#include "trainers/experiment.h"

namespace turnhalle {

inline std::string source_file(const std::string& path) {
  return std::string(TURNHALLE_SOURCE_DIR) + "/" + path;
}

inline const EnvironmentRegistry& environments() {
  static const EnvironmentRegistry all = all_environments();
  return all;
}

inline constexpr int kWarmSteps = 24;
inline constexpr int kSteps = kWarmSteps + 4;

/// A policy of a few thousand weights that learns to speak by imitation, so that rewards differ in
/// the four steps of reinforcement.
inline Json small_experiment() {
  return {{"kind", "experiment"},
          {"version", 1},
          {"scenario", source_file("scenarios/frozen_lake_obscure_easy_compact.json")},
          {"seed", 3},
          {"policy",
           {{"hidden_size", 16},
            {"num_hidden_layers", 1},
            {"num_attention_heads", 2},
            {"intermediate_size", 32},
            {"max_position_embeddings", 512},
            {"initializer_range", 0.08},
            {"new_tokens_max", 12}}},
          {"warm_start",
           {{"steps", kWarmSteps}, {"lifecycles_per_step", 6}, {"learning_rate", 0.03}}},
          {"reinforcement",
           {{"recipe", "connect_the_dots_no_reweight"},
            {"steps", 4},
            {"groups_per_step", 2},
            {"group_size", 4},
            {"learning_rate", 0.003}}},
          {"evaluation", {{"lifecycles", 4}, {"every", 2}, {"recorded", 1}}},
          {"checkpoint_every", 1},
          {"tokens_per_micro_batch", 1000}};
}

/// Writes the document into `folder` and reads it back as an experiment.
inline Result<Experiment> read_written(const TestFolder& folder, const Json& document,
                                       std::span<const std::string> changes = {}) {
  const std::string path = folder.file("experiment.json");
  if (Status written = write_file(path, document.dump(2)); !written) {
    return written.error();
  }
  return read_experiment(path, changes, environments(), {source_file("scenarios/recipes")});
}

inline Experiment make_experiment(const Json& document = small_experiment()) {
  const TestFolder folder;
  return read_written(folder, document).value();
}

inline std::string bytes_of_file(const std::string& path) { return read_file(path).value(); }

}  // namespace turnhalle
