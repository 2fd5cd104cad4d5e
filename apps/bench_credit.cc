#include "apps/bench_credit.h"

#include <utility>

#include "apps/data_folder.h"
#include "apps/progress.h"
#include "core/rng.h"
#include "trainers/algo/compute.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::app {
namespace {

constexpr std::int64_t kGroupSize = 8;
constexpr std::int64_t kEpisodes = 7;  // 4 tasks and the updates between them
constexpr std::int64_t kTurns = 3;
constexpr std::int64_t kTokens = 16;  // of a turn

void append_token(algo::Batch& batch, Random& random, std::int64_t turn) {
  batch.turn.push_back(static_cast<std::int32_t>(turn));
  batch.mask.push_back(1);
  const double logp = -random.uniform(0.1, 2.0);
  batch.logp.push_back(logp);
  batch.logp_old.push_back(logp + 0.01 * random.normal());
  batch.logp_rollout.push_back(batch.logp_old.back() + 0.001 * random.normal());
  batch.logp_ref.push_back(logp + 0.1 * random.normal());
  batch.logp_masked.push_back(logp + 0.5 * random.normal());
  batch.structure.push_back(static_cast<double>(random.between(-1, 1)));
  batch.entropy.push_back(random.uniform(0.1, 2.0));
  batch.value.push_back(random.normal());
}

void append_episode(algo::Batch& batch, Random& random) {
  for (std::int64_t turn = 0; turn < kTurns; ++turn) {
    batch.turn_reward.push_back(static_cast<double>(random.between(0, 4)) / 4);
    batch.anchor.push_back(random.between(0, 2));
    for (std::int64_t token = 0; token < kTokens; ++token) append_token(batch, random, turn);
  }
  batch.turn_offset.push_back(batch.turn_reward.size());
  batch.offset.push_back(batch.mask.size());
  batch.reward.push_back(static_cast<double>(random.between(0, 8)) / 8);
  batch.has_reward.push_back(1);
  batch.truncated.push_back(0);
}

algo::Batch make_batch(std::int64_t tokens) {
  Random random(RandomKey::from_seed(0).split("bench credit"));
  algo::Batch batch;
  batch.turn_offset.push_back(0);
  for (std::int64_t group = 0; static_cast<std::int64_t>(batch.tokens()) < tokens; ++group) {
    for (std::int64_t lifecycle = 0; lifecycle < kGroupSize; ++lifecycle) {
      for (std::int64_t episode = 0; episode < kEpisodes; ++episode) {
        append_episode(batch, random);
        batch.group.push_back(group);
        batch.lifecycle.push_back(lifecycle);
        batch.position.push_back((episode + 1) / 2);
        batch.is_update.push_back(episode % 2 == 1 ? 1 : 0);
      }
    }
  }
  return batch;
}

Status measure(const algo::Recipe& recipe, const algo::Batch& batch, std::int64_t runs,
               std::vector<BenchRow>& rows) {
  std::vector<double> credit, loss;
  for (std::int64_t run = 0; run <= runs; ++run) {
    const double begin = wall_seconds();
    const Result<algo::Advantages> advantages = algo::compute_advantages(recipe, batch);
    if (!advantages) {
      return advantages.error();
    }
    const double credited = wall_seconds();
    const Result<algo::ObjectiveResult> objective = algo::compute_objective(
        recipe, batch, *advantages, algo::global_denominators(batch, *advantages));
    if (!objective) {
      return objective.error();
    }
    if (run == 0) continue;  // it warms up
    credit.push_back(1e3 * (credited - begin));
    loss.push_back(1e3 * (wall_seconds() - credited));
  }
  rows.push_back(summarise_runs(recipe.name + ", advantages", "ms", std::move(credit)));
  rows.push_back(summarise_runs(recipe.name + ", loss and gradient", "ms", std::move(loss)));
  return ok_status();
}

}  // namespace

Result<std::vector<BenchRow>> bench_credit(const CreditBenchOptions& options) {
  const std::string folder = data_folder("scenarios/recipes");
  std::vector<algo::Recipe> recipes;
  if (options.recipe.empty()) {
    Result<std::vector<algo::Recipe>> all = algo::list_recipes(folder);
    if (!all) {
      return all.error();
    }
    recipes = *std::move(all);
  } else {
    Result<algo::Recipe> one = algo::load_recipe(options.recipe, folder);
    if (!one) {
      return one.error();
    }
    recipes.push_back(*std::move(one));
  }
  const algo::Batch batch = make_batch(options.tokens);
  std::vector<BenchRow> rows;
  for (const algo::Recipe& recipe : recipes) {
    if (Status measured = measure(recipe, batch, options.runs, rows); !measured) {
      return measured.error();
    }
  }
  return rows;
}

}  // namespace turnhalle::app
