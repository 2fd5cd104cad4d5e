#include "trainers/new_policy.h"

#include <filesystem>

#include "agents/lm/bpe_trainer.h"
#include "agents/lm/chat_template.h"
#include "agents/lm/checkpoint.h"
#include "agents/lm/tokenizer.h"
#include "agents/lm/transformer_torch.h"
#include "agents/scripted.h"
#include "core/recorder.h"
#include "trainers/rollout.h"

namespace turnhalle {
namespace {

// Everything that is said to the agent and by it.
class TextRecorder final : public Recorder {
 public:
  explicit TextRecorder(std::string& text) : text_(text) {}
  void episode_started(std::int64_t, const EpisodeStart& start) override {
    for (const Message& message : start.messages) say(message.content);
  }
  void turn_played(const TurnRecord& turn) override {
    say(turn.reply.text);
    say(turn.result.observation);
  }
  void episode_ended(std::int64_t, const EpisodeEnd&) override {}
  void lifecycle_ended() override {}

 private:
  void say(std::string_view words) { (text_ += words) += '\n'; }
  std::string& text_;
};

// What the demonstrator's play looks like, on tasks of the train split.
Result<std::vector<std::string>> demonstrated_texts(const Experiment& experiment) {
  const Scenario& scenario = experiment.scenario;
  RolloutPlan plan;
  plan.seed = experiment.seed;
  plan.groups = 64;
  std::vector<std::string> texts(static_cast<std::size_t>(plan.groups));
  const AgentFactory agents = [&](LifecycleIndex) {
    return make_player_agent(scenario.family->make_player(experiment.warm_start.demonstrator));
  };
  const auto listener = [&](std::int64_t lifecycle) {
    return std::make_unique<TextRecorder>(texts[static_cast<std::size_t>(lifecycle)]);
  };
  if (const auto played = play_rollouts(scenario, plan, agents, nullptr, nullptr, listener);
      !played) {
    return played.error();
  }
  return texts;
}

/// A tokenizer.json, the template that goes with it, and the tokens that end a reply.
struct Vocabulary {
  std::string tokenizer;
  std::string chat_template = "plain";
  std::vector<std::string> stops;
};

// Compact wording brings its pieces; any other gets a byte-pair vocabulary of what is played.
Result<Vocabulary> make_vocabulary(const Experiment& experiment) {
  const ContextWords words = experiment.scenario.family->context_words();
  Vocabulary result;
  lm::VocabularyOptions options;
  Result<std::string> tokenizer = std::string();
  if (experiment.policy.vocabulary_size == 0) {
    if (words.chunks.empty()) {
      return Error{experiment.file, "expected /policy/from or /policy/vocabulary_size, because " +
                                        experiment.scenario.environment +
                                        " in this style has no vocabulary of its own; found none"};
    }
    options.special_tokens = {"<bos>"};
    options.beginning = "<bos>";
    options.chunk_tokens = words.chunks;
    result.stops = words.stops;
    tokenizer = lm::byte_vocabulary(options);
  } else {
    result.chat_template = "chatml";
    result.stops = {"<|im_end|>"};
    options.special_tokens = {"<|im_start|>", "<|im_end|>"};
    Result<std::vector<std::string>> texts = demonstrated_texts(experiment);
    if (!texts) {
      return texts.error();
    }
    const std::vector<std::string_view> views(texts->begin(), texts->end());
    lm::BpeTrainOptions training;
    training.vocabulary = options;
    training.vocabulary_size_max = experiment.policy.vocabulary_size;
    tokenizer = lm::train_bpe(views, training);
  }
  if (!tokenizer) {
    return tokenizer.error();
  }
  result.tokenizer = *std::move(tokenizer);
  return result;
}

// Writes the tokenizer's files and the config whose end-of-text ids stop a reply.
Status write_vocabulary(const Experiment& experiment, const std::string& folder,
                        lm::ModelConfig& config) {
  Result<Vocabulary> vocabulary = make_vocabulary(experiment);
  if (!vocabulary) {
    return vocabulary.error();
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (Status written = write_file(folder + "/tokenizer.json", vocabulary->tokenizer); !written) {
    return written;
  }
  if (vocabulary->chat_template != "plain") {
    const lm::ChatTemplate chat = lm::ChatTemplate::by_name(vocabulary->chat_template).value();
    if (Status written = write_file(folder + "/chat_template.jinja", chat.jinja()); !written) {
      return written;
    }
  }
  Result<lm::Tokenizer> tokenizer = lm::Tokenizer::load(folder);
  if (!tokenizer) {
    return tokenizer.error();
  }
  config.vocab_size = tokenizer->vocabulary_size();
  config.bos_token_id = tokenizer->id_of("<bos>").value_or(-1);
  for (const std::string& stop : vocabulary->stops) {
    config.eos_token_ids.push_back(tokenizer->id_of(stop).value_or(-1));
  }
  return write_file(folder + "/config.json", lm::to_json(config).dump(2) + "\n");
}

}  // namespace

Result<StartingPolicy> make_starting_policy(const Experiment& experiment,
                                            const std::string& folder) {
  StartingPolicy start;
  if (!experiment.policy.from.empty()) {
    start.tokenizer_folder = experiment.policy.from;
    Result<std::shared_ptr<lm::Transformer>> model = lm::load_checkpoint(experiment.policy.from);
    if (!model) {
      return model.error();
    }
    start.model = *std::move(model);
    return start;
  }
  start.tokenizer_folder = folder;
  lm::ModelConfig config = experiment.policy.config;
  if (Status written = write_vocabulary(experiment, folder, config); !written) {
    return written.error();
  }
  start.model = std::make_shared<lm::Transformer>(config);
  start.model->random_weights(RandomKey::from_seed(experiment.seed).split("weights"),
                              experiment.policy.embedding_range);
  return start;
}

}  // namespace turnhalle
