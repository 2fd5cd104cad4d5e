#include "trainers/new_policy.h"

#include <filesystem>

#include "agents/lm/bpe_trainer.h"
#include "agents/lm/checkpoint.h"
#include "agents/lm/tokenizer.h"
#include "agents/lm/transformer_torch.h"

namespace turnhalle {
namespace {

// Writes tokenizer.json and the config whose end-of-text ids stop a reply.
Status write_vocabulary(const Experiment& experiment, const std::string& folder,
                        lm::ModelConfig& config) {
  const ContextWords words = experiment.scenario.family->context_words();
  if (words.chunks.empty()) {
    return Error{experiment.file, "expected /policy/from, because " +
                                      experiment.scenario.environment +
                                      " in this style has no vocabulary for a new policy; found "
                                      "none"};
  }
  lm::VocabularyOptions options;
  options.special_tokens = {"<bos>"};
  options.chunk_tokens = words.chunks;
  options.beginning = "<bos>";
  Result<std::string> vocabulary = lm::byte_vocabulary(options);
  if (!vocabulary) {
    return vocabulary.error();
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (Status written = write_file(folder + "/tokenizer.json", *vocabulary); !written) {
    return written.error();
  }
  Result<lm::Tokenizer> tokenizer = lm::Tokenizer::load(folder);
  if (!tokenizer) {
    return tokenizer.error();
  }
  config.vocab_size = tokenizer->vocabulary_size();
  config.bos_token_id = tokenizer->id_of("<bos>").value_or(-1);
  for (const std::string& stop : words.stops) {
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
  start.model->random_weights(RandomKey::from_seed(experiment.seed).split("weights"));
  return start;
}

}  // namespace turnhalle
