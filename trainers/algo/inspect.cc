#include "trainers/algo/inspect.h"

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "trainers/algo/batch_json.h"
#include "trainers/algo/compute.h"

namespace turnhalle::algo {
namespace {

template <class T>
Json ragged(std::span<const std::size_t> offset, const std::vector<T>& values) {
  Json rows = Json::array();
  for (std::size_t row = 0; row + 1 < offset.size(); ++row) {
    Json entries = Json::array();
    for (std::size_t t = offset[row]; t < offset[row + 1]; ++t) {
      entries.push_back(values[t]);
    }
    rows.push_back(std::move(entries));
  }
  return rows;
}

Error at_root(const JsonDocument& document, const Error& error) {
  return {error.where.empty() ? document.place("") : error.where, error.message};
}

Json group_json(const GroupReport& report, const Batch& batch) {
  const auto group = static_cast<std::size_t>(report.group);
  Json entry{{"mean", report.returns.mean},
             {"std", report.returns.std},
             {"n", report.returns.n},
             {"degenerate", report.degenerate},
             {"group", group < batch.group_name.size() ? Json(batch.group_name[group]) : Json()}};
  if (report.position >= 0) {
    entry["position"] = report.position;
    entry["kind"] = report.is_update ? "update_context" : "solve";
  }
  if (report.turn >= 0) {
    entry["turn"] = report.turn;
  }
  return entry;
}

/// The first token with a value that JSON cannot hold, as an error.
Status all_finite(const JsonDocument& document, const Batch& batch, const std::string& what,
                  std::span<const double> values) {
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      if (!std::isfinite(values[t])) {
        return Error{document.place(""), "expected a finite " + what + "; found " +
                                             std::to_string(values[t]) + " at row " +
                                             std::to_string(row) + ", token " +
                                             std::to_string(t - batch.offset[row])};
      }
    }
  }
  return ok_status();
}

/// Advantages of the batch if it brings any, else by the recipe.
Result<Advantages> advantages_of(const Recipe& recipe, const JsonDocument& document,
                                 const BatchFile& file) {
  if (file.has_advantage) {
    return given_advantages(file.batch, file.advantage);
  }
  Result<Advantages> advantages = compute_advantages(recipe, file.batch);
  if (!advantages.ok()) {
    return at_root(document, advantages.error());
  }
  return advantages;
}

}  // namespace

Result<Json> inspect_advantages(const Recipe& recipe, const JsonDocument& batch) {
  const Result<BatchFile> file = read_batch(batch);
  if (!file.ok()) {
    return file.error();
  }
  const Result<Advantages> advantages = compute_advantages(recipe, file->batch);
  if (!advantages.ok()) {
    return at_root(batch, advantages.error());
  }
  Json groups = Json::array();
  for (const GroupReport& report : advantages->groups) {
    groups.push_back(group_json(report, file->batch));
  }
  return Json{{"advantage", ragged(file->batch.offset, advantages->per_token)},
              {"per_turn", ragged(advantages->turn_offset, advantages->per_turn)},
              {"per_rollout", advantages->per_row},
              {"groups", std::move(groups)},
              {"metrics", advantages->metrics},
              {"warnings", recipe.warnings}};
}

Result<Json> inspect_loss(const Recipe& recipe, const JsonDocument& batch) {
  const Result<BatchFile> file = read_batch(batch);
  if (!file.ok()) {
    return file.error();
  }
  // Said first, since a batch without tokens' log-probs has no loss whatever its advantages.
  const Status status =
      require_arrays(file->batch, arrays_for_loss(recipe), "the recipe " + recipe.name);
  if (!status.ok()) {
    return at_root(batch, status.error());
  }
  const Result<Advantages> advantages = advantages_of(recipe, batch, *file);
  if (!advantages.ok()) {
    return advantages.error();
  }
  const Denominators denominators = global_denominators(file->batch, *advantages);
  const Result<ObjectiveResult> result =
      compute_objective(recipe, file->batch, *advantages, denominators);
  if (!result.ok()) {
    return at_root(batch, result.error());
  }
  const Status finite =
      all_finite(batch, file->batch, "gradient of the log-prob", result->grad_logp);
  if (!finite.ok()) {
    return finite.error();
  }
  if (!std::isfinite(result->loss)) {
    return Error{batch.place(""), "expected a finite loss; found " + std::to_string(result->loss)};
  }
  return Json{{"loss", result->loss},
              {"grad_logp", ragged(file->batch.offset, result->grad_logp)},
              {"grad_entropy", ragged(file->batch.offset, result->grad_entropy)},
              {"grad_value", ragged(file->batch.offset, result->grad_value)},
              {"metrics", result->metrics},
              {"warnings", recipe.warnings}};
}

Result<Json> inspect_weights(const Recipe& recipe, const JsonDocument& batch) {
  const Result<BatchFile> file = read_batch(batch);
  if (!file.ok()) {
    return file.error();
  }
  const Status status =
      require_arrays(file->batch, arrays_for_weights(recipe), "the recipe " + recipe.name);
  if (!status.ok()) {
    return at_root(batch, status.error());
  }
  const std::vector<double> none(file->batch.rows(), 0.0);
  const Advantages advantages = given_advantages(file->batch, none);
  const Result<Weights> weights = compute_weights(recipe, file->batch, advantages.mask);
  if (!weights.ok()) {
    return at_root(batch, weights.error());
  }
  return Json{{"weight", ragged(file->batch.offset, weights->weight)},
              {"keep", ragged(file->batch.offset, weights->keep)},
              {"metrics", weights->metrics},
              {"warnings", recipe.warnings}};
}

}  // namespace turnhalle::algo
