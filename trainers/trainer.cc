#include "trainers/trainer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "agents/lm/checkpoint.h"
#include "agents/lm/transformer_torch.h"
#include "core/store.h"
#include "core/text.h"
#include "trainers/evaluation.h"
#include "trainers/new_policy.h"
#include "trainers/run_folder.h"
#include "trainers/steps.h"

namespace turnhalle {
namespace {

namespace fs = std::filesystem;

bool needs_reference(const algo::Recipe& recipe) {
  std::vector<std::string> arrays = algo::arrays_for_loss(recipe);
  const std::vector<std::string> more = algo::arrays_for_advantages(recipe);
  arrays.insert(arrays.end(), more.begin(), more.end());
  return std::find(arrays.begin(), arrays.end(), "logp_ref") != arrays.end();
}

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

// The two or three numbers that say how a step went.
std::string step_line(const StepReport& report) {
  std::string line;
  for (const char* name : {"actor/sft_loss", "critic/rewards/mean", "critic/score/mean",
                           "actor/entropy", "actor/grad_norm"}) {
    const auto found = report.metrics.find(name);
    if (found == report.metrics.end()) continue;
    const std::string label(name);
    line +=
        (line.empty() ? "" : "  ") + label.substr(label.find('/') + 1) + " " + fixed(found->second);
  }
  return line;
}

lm::PolicyOptions policy_options(const Experiment& experiment, lm::Precision precision) {
  lm::PolicyOptions options;
  options.precision = precision;
  options.temperature = experiment.reinforcement.temperature;
  options.new_tokens_max = static_cast<int>(experiment.policy.new_tokens_max);
  return options;
}

LearnerOptions learner_options(const Experiment& experiment, lm::Precision precision, int threads) {
  LearnerOptions options;
  options.workers = threads;
  options.precision = precision;
  options.freeze_embedding = experiment.policy.freeze_embedding;
  options.freeze_layers = experiment.policy.freeze_layers;
  return options;
}

class Trainer {
 public:
  Trainer(const Experiment& experiment, const TrainOptions& options, RunFolder folder)
      : experiment_(experiment), options_(options), folder_(std::move(folder)) {}

  Status prepare() {
    set_arithmetic_threads(options_.threads);
    Result<TrainerState> state = folder_.read_state();
    if (!state) {
      return state.error();
    }
    state_ = *state;
    Result<StartingPolicy> start = make_starting_policy(experiment_, folder_.path() + "/policy");
    if (!start) {
      return start.error();
    }
    start_ = *std::move(start);
    precision_ = *lm::choose_precision(experiment_.policy.precision, options_.device, true);
    if (folder_.latest()) {
      if (Status loaded = lm::load_weights(*folder_.latest() + "/hf", *start_.model); !loaded) {
        return loaded;
      }
    }
    if (options_.device == lm::Device::cuda) start_.model->move_to(at::kCUDA);
    learner_ =
        Learner::make(start_.model, learner_options(experiment_, precision_, options_.threads));
    if (folder_.latest()) {
      const std::string moments = *folder_.latest() + "/optimizer.safetensors";
      if (Status loaded = learner_->load_optimizer(moments); !loaded) {
        return loaded;
      }
    }
    Result<std::shared_ptr<lm::Policy>> policy = lm::Policy::around(
        start_.model, start_.tokenizer_folder, policy_options(experiment_, precision_));
    if (!policy) {
      return policy.error();
    }
    policy_ = *std::move(policy);
    return open_logs();
  }

  Result<TrainReport> run() {
    TrainReport report;
    report.steps = state_.step;
    evaluations_ = folder_.read_evaluations(state_.step);
    if (evaluations_.empty()) {
      if (Status evaluated = evaluate(); !evaluated) return evaluated.error();
    }
    while (state_.step < experiment_.steps() && !stopping()) {
      if (Status stepped = one_step(); !stepped) return stepped.error();
      if (stopping()) break;
      if (Status kept = keep(); !kept) return kept.error();
    }
    report.interrupted = stopping();
    report.steps = state_.step;
    report.checkpoint = folder_.latest().value_or("");
    report.evaluations = evaluations_;
    if (Status closed = store_->close(); !closed) return closed.error();
    return report;
  }

 private:
  bool stopping() const { return options_.stop != nullptr && *options_.stop; }
  bool imitating() const { return state_.step < experiment_.warm_start.steps; }

  // The store comes first: it holds the lock that keeps a second process away from the metrics,
  // which are cut off at the last checkpoint.
  Status open_logs() {
    const std::string path = folder_.path() + "/store.sqlite";
    Result<std::unique_ptr<Store>> store =
        fs::exists(path) ? Store::open_for_append(path) : Store::create(path, run_info("train"));
    if (!store) {
      return store.error();
    }
    store_ = *std::move(store);
    Result<std::unique_ptr<MetricsLog>> log = MetricsLog::open(folder_.path(), state_.step);
    if (!log) {
      return log.error();
    }
    log_ = *std::move(log);
    return keep_lines_until(folder_.path() + "/credit.jsonl", state_.step);
  }

  RunInfo run_info(const std::string& command) const {
    RunInfo info;
    info.id = command + "-" + std::to_string(state_.step);
    info.command = command;
    info.scenario = experiment_.scenario.document;
    info.scenario_name = experiment_.scenario.name;
    info.environment = experiment_.scenario.environment;
    info.split = std::string(name_of(command == "train" ? Split::train : Split::test));
    info.seed = command == "train" ? experiment_.seed : 0;
    info.agent = "policy:" + checkpoint_name(state_.step);
    info.program = options_.program;
    info.lifecycles = command == "train" ? 1 : experiment_.evaluation.lifecycles;
    return info;
  }

  Status one_step() {
    // Each phase begins with fresh moments; so does a run that is resumed at its first step.
    const std::int64_t rl_step = state_.step - experiment_.warm_start.steps;
    if (rl_step == 0) {
      learner_->reset_optimizer();
    }
    if (rl_step >= 0) {
      if (Status made = make_reference(rl_step); !made) return made;
    }
    StepContext context{experiment_, *policy_, *learner_, reference_.get(), options_.stop};
    if (rl_step >= 0 && rl_step % experiment_.evaluation.every == 0) {
      context.recorder = [this](std::int64_t trial, LifecycleIndex index) {
        return rollout_recorder(trial, index);
      };
    }
    Result<StepReport> report =
        imitating() ? imitation_step(context, state_.step) : reinforcement_step(context, rl_step);
    if (!report) {
      return report.error();
    }
    if (report->interrupted) {
      return ok_status();
    }
    return finish_step(*report);
  }

  // Records a rollout of the step that is made now as a run of the store by itself, so that it is
  // replayed like any other: trial `trial` of lifecycle `index` of the training split.
  std::unique_ptr<Recorder> rollout_recorder(std::int64_t trial, LifecycleIndex index) {
    if (trial >= experiment_.reinforcement.recorded) return nullptr;
    RunInfo info = run_info("train");
    info.id = "rollout-" + std::to_string(state_.step + 1) + "-" + std::to_string(trial);
    info.trial = trial;
    info.lifecycles = index.value + 1;
    const Result<RunNumber> run = store_->add_run(info);
    return run ? store_->recorder(*run, index) : nullptr;  // the store keeps its error
  }

  Status finish_step(StepReport& report) {
    const std::string phase = imitating() ? "imitate" : "reinforce";
    ++state_.step;
    ++state_.weight_version;
    state_.bad_steps = report.skipped ? state_.bad_steps + 1 : 0;
    state_.bad_steps_total += report.skipped ? 1 : 0;
    if (report.skipped && state_.bad_steps >= experiment_.bad_steps_max) {
      return Error{folder_.path(), "step " + std::to_string(state_.step) + ": the gradient of " +
                                       report.bad_tensor + " is not finite, for the " +
                                       std::to_string(state_.bad_steps) + "th step in a row"};
    }
    // The engine holds a copy of the weights; between imitation steps nobody plays.
    if (!imitating() || state_.step == experiment_.warm_start.steps || evaluation_due()) {
      policy_->engine().weights_changed(state_.weight_version);
    }
    report.metrics["training/global_step"] = static_cast<double>(state_.step);
    report.metrics["training/skipped_steps"] = static_cast<double>(state_.bad_steps_total);
    add_trl_aliases(report.metrics);
    if (Status written = log_->write(state_.step, phase, report.metrics); !written) {
      return written;
    }
    if (Status written = append_lines(folder_.path() + "/credit.jsonl", report.credit); !written) {
      return written;
    }
    for (const auto& [name, value] : report.metrics) store_->metric(state_.step, name, value);
    say(phase, step_line(report));
    return store_->status();
  }

  // Evaluation and checkpoint, when they are due.
  Status keep() {
    const bool last = state_.step == experiment_.steps();
    if (evaluation_due()) {
      if (Status evaluated = evaluate(); !evaluated || stopping()) return evaluated;
    }
    if (last || state_.step % experiment_.checkpoint_every == 0 ||
        state_.step == experiment_.warm_start.steps) {
      if (Status written =
              folder_.write_checkpoint(*start_.model, *learner_, start_.tokenizer_folder, state_);
          !written) {
        return written;
      }
      store_->checkpoint({state_.step, state_.weight_version, checkpoint_name(state_.step), ""});
    }
    return ok_status();
  }

  bool evaluation_due() const {
    const std::int64_t step = state_.step;
    const std::int64_t warm = experiment_.warm_start.steps;
    if (step == experiment_.steps() || step == warm) return true;
    return step > warm && (step - warm) % experiment_.evaluation.every == 0;
  }

  Status evaluate() {
    say("evaluate", "");
    Result<RunNumber> run = store_->add_run(run_info("eval"));
    if (!run) {
      return run.error();
    }
    RolloutPlan plan;
    plan.split = Split::test;
    plan.groups = experiment_.evaluation.lifecycles;
    policy_->set_temperature(experiment_.reinforcement.temperature);
    Result<std::vector<LifecycleRollout>> rollouts = play_rollouts(
        experiment_.scenario, plan, [&](LifecycleIndex) { return policy_->make_agent(); },
        [&] { return policy_->pump(); }, options_.stop,
        [&](std::int64_t index) -> std::unique_ptr<Recorder> {
          return index < experiment_.evaluation.recorded
                     ? store_->recorder(*run, LifecycleIndex{index})
                     : nullptr;
        });
    if (!rollouts) {
      return rollouts.error();
    }
    if (stopping()) {
      return ok_status();
    }
    evaluations_.push_back(to_json(summarise(state_.step, *rollouts)));
    return folder_.write_evaluations(evaluations_);
  }

  // The policy as it was when reinforcement began, kept in the folder for resumed runs.
  Status make_reference(std::int64_t rl_step) {
    if (reference_ != nullptr || !needs_reference(experiment_.reinforcement.recipe)) {
      return ok_status();
    }
    const std::string folder = folder_.path() + "/reference";
    if (rl_step == 0) {
      if (Status saved = lm::save_checkpoint(*start_.model, folder, ""); !saved) return saved;
    }
    Result<std::shared_ptr<lm::Transformer>> model = lm::load_checkpoint(folder);
    if (!model) {
      return model.error();
    }
    if (options_.device == lm::Device::cuda) (*model)->move_to(at::kCUDA);
    reference_ = Learner::make(*std::move(model),
                               learner_options(experiment_, precision_, options_.threads));
    return ok_status();
  }

  void say(const std::string& phase, const std::string& text) const {
    if (!options_.progress) return;
    // Each phase counts its own steps, so that the rate tells the time left.
    const std::int64_t warm = experiment_.warm_start.steps;
    const bool first = phase == "imitate" || state_.step <= warm;
    options_.progress({phase, first ? state_.step : state_.step - warm,
                       first ? warm : experiment_.steps() - warm, text});
  }

  const Experiment& experiment_;
  const TrainOptions& options_;
  RunFolder folder_;
  TrainerState state_;
  StartingPolicy start_;
  lm::Precision precision_ = lm::Precision::float32;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Learner> reference_;
  std::shared_ptr<lm::Policy> policy_;
  std::unique_ptr<MetricsLog> log_;
  std::unique_ptr<Store> store_;
  std::vector<Json> evaluations_;
};

// A large model's arithmetic would take longer than a check may: one of its layers, of the same
// width and with the same vocabulary, goes the same way.
std::shared_ptr<lm::Transformer> stand_in_for(const std::shared_ptr<lm::Transformer>& model) {
  constexpr std::int64_t kParametersMax = 5'000'000;
  if (parameter_count(*model) <= kParametersMax) {
    return model;
  }
  lm::ModelConfig config = model->config();
  config.num_hidden_layers = 1;
  return std::make_shared<lm::Transformer>(config);
}

}  // namespace

Result<TrainReport> train(const Experiment& experiment, const TrainOptions& options) {
  Result<RunFolder> folder = RunFolder::open(options.folder, experiment.document, options.resume);
  if (!folder) {
    return folder.error();
  }
  Trainer trainer(experiment, options, *std::move(folder));
  if (Status prepared = trainer.prepare(); !prepared) {
    return prepared.error();
  }
  if (options.began) options.began();
  return trainer.run();
}

Result<Json> dry_run(const Experiment& experiment, const std::string& scratch, int threads) {
  set_arithmetic_threads(threads);
  Experiment small = experiment;
  small.warm_start.steps = std::min<std::int64_t>(experiment.warm_start.steps, 1);
  small.warm_start.lifecycles_per_step = 1;
  small.reinforcement.steps = std::min<std::int64_t>(experiment.reinforcement.steps, 1);
  small.reinforcement.groups_per_step = 1;
  small.reinforcement.group_size = std::min<std::int64_t>(experiment.reinforcement.group_size, 2);
  Result<StartingPolicy> start = make_starting_policy(small, scratch);
  if (!start) {
    return start.error();
  }
  const std::shared_ptr<lm::Transformer> model = stand_in_for(start->model);
  const LearnerOptions options = learner_options(experiment, lm::Precision::float32, threads);
  const std::unique_ptr<Learner> learner = Learner::make(model, options);
  Result<std::shared_ptr<lm::Policy>> policy = lm::Policy::around(
      model, start->tokenizer_folder, policy_options(small, lm::Precision::float32));
  if (!policy) {
    return policy.error();
  }
  std::unique_ptr<Learner> reference;
  if (needs_reference(experiment.reinforcement.recipe)) {
    reference = Learner::make(model, options);
  }
  const StepContext context{small, **policy, *learner, reference.get(), nullptr};
  Json result = {{"parameters", parameter_count(*start->model)},
                 {"weights_and_optimiser_bytes", parameter_count(*start->model) * 16}};
  if (small.warm_start.steps > 0) {
    Result<StepReport> report = imitation_step(context, 0);
    if (!report) return report.error();
    result["imitation_tokens_per_lifecycle"] = report->metrics["perf/total_num_tokens"];
  }
  (*policy)->engine().weights_changed(1);
  if (small.reinforcement.steps > 0) {
    Result<StepReport> report = reinforcement_step(context, 0);
    if (!report) return report.error();
    result["reinforcement_tokens_per_step"] = report->metrics["perf/total_num_tokens"];
  }
  return result;
}

}  // namespace turnhalle
