#include <thread>

#include "agents/lm/bench_policy_torch.h"
#include "agents/lm/checkpoint.h"
#include "agents/lm/transformer_torch.h"
#include "apps/bench_rows.h"
#include "apps/commands/bench_policy.h"
#include "trainers/learner.h"

namespace turnhalle::app {
namespace {

// The demo's model: width 64, 4 layers, 4 heads, SwiGLU 192.
std::shared_ptr<lm::Transformer> demo_shape() {
  lm::ModelConfig config;
  config.vocab_size = 340;
  auto model = std::make_shared<lm::Transformer>(config);
  model->random_weights(RandomKey::from_seed(1));
  return model;
}

std::string command_of(const PolicyBenchOptions& options, int threads) {
  return "turnhalle bench policy" +
         (options.policy.empty() ? std::string() : " --policy " + options.policy) +
         " --conversations " + std::to_string(options.conversations) + " --prompt-tokens " +
         std::to_string(options.prompt_tokens) + " --new-tokens " +
         std::to_string(options.new_tokens) + " --sequences " + std::to_string(options.sequences) +
         " --shared-prompt " + std::to_string(options.shared_prompt) +
         " --runs " + std::to_string(options.runs) + " --threads " + std::to_string(threads);
}

}  // namespace

CommandResult run_bench_policy(const PolicyBenchOptions& options) {
  std::shared_ptr<lm::Transformer> model;
  if (options.policy.empty()) {
    model = demo_shape();
  } else {
    Result<std::shared_ptr<lm::Transformer>> loaded = lm::load_checkpoint(options.policy);
    if (!loaded) {
      return loaded.error();
    }
    model = *std::move(loaded);
  }
  const int threads = options.threads > 0
                          ? static_cast<int>(options.threads)
                          : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  set_arithmetic_threads(threads);
  lm::PolicyLoad load;
  load.conversations = options.conversations;
  load.prompt_tokens = options.prompt_tokens;
  load.new_tokens = options.new_tokens;
  load.sequences = options.sequences;
  load.shared_prompt = options.shared_prompt;
  load.runs = static_cast<int>(options.runs);
  const lm::PolicyRates rates = lm::measure_policy(model, load);
  BenchReport report{"bench policy", command_of(options, threads), {}};
  report.rows.push_back(summarise_runs("generated, with prefill", "tokens/s", rates.generated));
  report.rows.push_back(summarise_runs("decoded", "tokens/s", rates.decoded));
  report.rows.push_back(summarise_runs("trained", "tokens/s", rates.trained));
  report.rows.push_back(
      summarise_runs("counterfactuals, shared beginnings", "replies/s", rates.scored_sharing));
  report.rows.push_back(
      summarise_runs("counterfactuals, each by itself", "replies/s", rates.scored_apart));
  print_bench(report, options.output, options.csv);
  return 0;
}

}  // namespace turnhalle::app
