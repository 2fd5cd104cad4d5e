#include "trainers/run_folder.h"

#include <cstdio>
#include <filesystem>

#include "agents/lm/checkpoint.h"
#include "core/text.h"

namespace turnhalle {
namespace {

namespace fs = std::filesystem;

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return Error{path, "cannot be made: " + error.message()};
  }
  return ok_status();
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step_%06lld", static_cast<long long>(step));
  return name;
}

Result<RunFolder> RunFolder::open(const std::string& path, const Json& experiment, bool resume) {
  RunFolder folder;
  folder.path_ = path;
  const std::string experiment_file = path + "/experiment.json";
  if (fs::exists(experiment_file)) {
    Result<JsonDocument> stored = read_json(experiment_file);
    if (!stored) {
      return stored.error();
    }
    if (stored->root != experiment) {
      return Error{path, "expected the folder of this experiment; found one of another experiment "
                         "(choose another --run folder)"};
    }
  } else if (fs::exists(path) && !fs::is_empty(path)) {
    return Error{path, "expected a new or empty folder, or that of a run; found other files"};
  }
  if (fs::exists(path + "/latest")) {
    Result<std::string> name = read_file(path + "/latest");
    if (!name) {
      return name.error();
    }
    folder.latest_ = path + "/" + std::string(trim(*name));
    if (!resume) {
      return Error{path, "expected a new folder; found a run with checkpoints (--resume goes on "
                         "with it)"};
    }
  }
  if (Status made = make_folder(path); !made) {
    return made.error();
  }
  if (!fs::exists(experiment_file)) {
    if (Status written = write_file(experiment_file, experiment.dump(2) + "\n"); !written) {
      return written.error();
    }
  }
  return folder;
}

Result<TrainerState> RunFolder::read_state() const {
  TrainerState state;
  if (!latest_) {
    return state;
  }
  Result<JsonDocument> document = read_json(*latest_ + "/trainer.json");
  if (!document) {
    return document.error();
  }
  JsonReader reader(*document);
  JsonObject root = reader.object();
  state.step = root.integer("step", {0});
  state.weight_version = root.integer("weight_version", {0});
  state.bad_steps = root.integer("bad_steps", {0});
  state.bad_steps_total = root.integer("bad_steps_total", {0});
  root.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  return state;
}

Status RunFolder::write_checkpoint(const lm::Transformer& model, const Learner& learner,
                                   const std::string& tokenizer_folder,
                                   const TrainerState& state) {
  const std::string name = checkpoint_name(state.step);
  const std::string temporary = path_ + "/." + name + ".partial";
  std::error_code error;
  fs::remove_all(temporary, error);
  if (Status made = make_folder(temporary); !made) {
    return made;
  }
  if (Status saved = lm::save_checkpoint(model, temporary + "/hf", tokenizer_folder); !saved) {
    return saved;
  }
  if (Status saved = learner.save_optimizer(temporary + "/optimizer.safetensors"); !saved) {
    return saved;
  }
  const Json content = {{"step", state.step},
                        {"weight_version", state.weight_version},
                        {"bad_steps", state.bad_steps},
                        {"bad_steps_total", state.bad_steps_total}};
  if (Status written = write_file(temporary + "/trainer.json", content.dump(2) + "\n"); !written) {
    return written;
  }
  const std::string final_path = path_ + "/" + name;
  fs::remove_all(final_path, error);
  fs::rename(temporary, final_path, error);
  if (error) {
    return Error{final_path, "cannot be written: " + error.message()};
  }
  if (Status moved = write_file(path_ + "/latest", name + "\n"); !moved) {
    return moved;
  }
  latest_ = final_path;
  return ok_status();
}

std::vector<Json> RunFolder::read_evaluations(std::int64_t step) const {
  std::vector<Json> kept;
  Result<JsonDocument> document = read_json(path_ + "/evaluations.json");
  if (!document || !document->root.is_array()) {
    return kept;
  }
  for (const Json& evaluation : document->root) {
    if (evaluation.value("step", std::int64_t{0}) <= step) kept.push_back(evaluation);
  }
  return kept;
}

Status RunFolder::write_evaluations(const std::vector<Json>& evaluations) const {
  return write_file(path_ + "/evaluations.json", Json(evaluations).dump(1) + "\n");
}

}  // namespace turnhalle
