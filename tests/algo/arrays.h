// Small helpers of the tests in this folder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/rng.h"
#include "trainers/algo/batch.h"
#include "trainers/algo/compute.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::algo {

using Doubles = std::vector<double>;
using Marks = std::vector<std::uint8_t>;

inline const double kLn2 = std::log(2.0);
inline const double kHalfRoot = 1 / std::sqrt(2.0);  ///< the unbiased z-score of two values

inline const char* recipes_folder() { return TURNHALLE_SOURCE_DIR "/scenarios/recipes"; }

inline void expect_near(std::span<const double> found, std::span<const double> expected,
                        double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], tolerance) << "at " << i;
  }
}

/// Groups out of one key per value; all values count.
inline Groups groups_of(const std::vector<std::int64_t>& key) {
  return make_groups(key, Marks(key.size(), 1));
}

inline Recipe recipe_of(const std::string& text_or_name) {
  Result<Recipe> recipe = load_recipe(text_or_name, recipes_folder());
  EXPECT_TRUE(recipe.ok()) << (recipe.ok() ? "" : recipe.error().text());
  return recipe.ok() ? *recipe : Recipe{};
}

/// Every recipe of the folder.
inline std::vector<Recipe> all_recipes() {
  const Result<std::vector<Recipe>> recipes = list_recipes(recipes_folder());
  EXPECT_TRUE(recipes.ok()) << (recipes.ok() ? "" : recipes.error().text());
  return recipes.ok() ? *recipes : std::vector<Recipe>{};
}

/// What a lifecycle or rollout batch is made of in random tests.
struct RandomBatch {
  std::uint64_t seed;
  std::size_t groups = 3;
  std::size_t lifecycles = 4;  ///< per group
  std::size_t tasks = 3;       ///< per lifecycle; 1 makes plain rollouts
  double drift = 0.3;          ///< scale of differences between log-probs
};

/// One row of a RandomBatch, appended to `batch`.
inline void append_row(Batch& batch, Random& random, const RandomBatch& of) {
  const std::int64_t turns = random.between(1, 3);
  batch.turn_offset.push_back(batch.turn_offset.back() + static_cast<std::size_t>(turns));
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    batch.turn_reward.push_back(static_cast<double>(random.between(0, 4)) / 4);
    batch.anchor.push_back(random.between(0, 2));
    const std::int64_t tokens = random.between(1, 4);
    for (std::int64_t t = 0; t < tokens; ++t) {
      const bool environment = t > 0 && random.chance(1, 4);
      batch.turn.push_back(environment ? -1 : static_cast<std::int32_t>(turn));
      batch.mask.push_back(environment ? 0 : 1);
      const double logp = -random.uniform(0.1, 2.0);
      batch.logp.push_back(logp);
      batch.logp_old.push_back(logp + of.drift * random.normal());
      batch.logp_rollout.push_back(batch.logp_old.back() + of.drift * random.normal());
      batch.logp_ref.push_back(logp + of.drift * random.normal());
      batch.logp_masked.push_back(logp + random.normal());
      batch.structure.push_back(static_cast<double>(random.between(-1, 1)));
      batch.entropy.push_back(random.uniform(0.1, 2.0));
      batch.value.push_back(random.normal());
    }
  }
  batch.offset.push_back(batch.mask.size());
  batch.reward.push_back(static_cast<double>(random.between(0, 8)) / 8);
  batch.has_reward.push_back(1);
  batch.truncated.push_back(0);
}

/// A batch with every array; rewards are eighths, so sums are exact.
inline Batch random_batch(const RandomBatch& of) {
  Random random(RandomKey::from_seed(of.seed).split("algo_test"));
  Batch batch;
  batch.turn_offset.push_back(0);
  for (std::size_t g = 0; g < of.groups; ++g) {
    batch.group_name.push_back("g" + std::to_string(g));
    for (std::size_t lifecycle = 0; lifecycle < of.lifecycles; ++lifecycle) {
      for (std::size_t episode = 0; episode < 2 * of.tasks - 1; ++episode) {
        append_row(batch, random, of);
        batch.group.push_back(static_cast<std::int64_t>(g));
        batch.lifecycle.push_back(static_cast<std::int64_t>(lifecycle));
        batch.position.push_back(static_cast<std::int64_t>((episode + 1) / 2));
        batch.is_update.push_back(episode % 2 == 1 ? 1 : 0);
      }
    }
  }
  return batch;
}

/// Loss of a whole batch at once.
inline ObjectiveResult whole_loss(const Recipe& recipe, const Batch& batch) {
  const Advantages advantages = *compute_advantages(recipe, batch);
  return *compute_objective(recipe, batch, advantages, global_denominators(batch, advantages));
}

}  // namespace turnhalle::algo
