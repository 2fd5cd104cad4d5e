// turnhalle-torch: the same commands, with the policy. People start turnhalle, which becomes this.
#include <array>
#include <memory>

#include "agents/lm/device.h"
#include "agents/lm/policy.h"
#include "apps/commands/bench_policy.h"
#include "apps/commands/commands.h"
#include "apps/commands/train.h"
#include "apps/policy_seam.h"
#include "apps/recording.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

constexpr int kNewTokensMax = 1 << 20;

Error bad_option(const AgentSpec& spec, const std::string& expected, const std::string& found) {
  return {"--agent " + spec.text, "expected " + expected + "; found " + in_quotes(found) + "."};
}

// policy:DIR@temperature=0.7@new_tokens=64@precision=auto@device=cpu
Result<lm::PolicyOptions> read_options(const AgentSpec& spec, bool deterministic) {
  lm::PolicyOptions options;
  options.deterministic = deterministic;
  const std::array<std::string, 4> known = {"temperature", "new_tokens", "precision", "device"};
  std::string precision = deterministic ? "float32" : "auto";
  for (const auto& [key, value] : spec.options) {
    if (key == "temperature") {
      if (!parse_double(value, options.temperature) || !(options.temperature >= 0.0)) {
        return bad_option(spec, "a temperature of at least 0", value);
      }
    } else if (key == "new_tokens") {
      std::int64_t count = 0;
      if (!parse_integer(value, count) || count < 1 || count > kNewTokensMax) {
        return bad_option(spec, "new_tokens from 1 to " + std::to_string(kNewTokensMax), value);
      }
      options.new_tokens_max = static_cast<int>(count);
    } else if (key == "precision") {
      precision = value;
    } else if (key == "device") {
      const Result<lm::Device> device = lm::choose_device(value);
      if (!device) {
        return bad_option(spec, device.error().message, value);
      }
      options.device = *device;
    } else {
      Error error = bad_option(spec, "an option temperature, new_tokens, precision or device", key);
      error.message += did_you_mean(key, known);
      return error;
    }
  }
  const std::optional<lm::Precision> chosen =
      lm::choose_precision(precision, options.device, /*explain=*/false);
  if (!chosen) {
    return bad_option(spec, "a precision auto, float32 or bfloat16", precision);
  }
  options.precision = *chosen;
  if (deterministic &&
      (options.precision != lm::Precision::float32 || options.device != lm::Device::cpu)) {
    return bad_option(spec, "float32 on the processor for a deterministic run",
                      "another precision or device");
  }
  return options;
}

}  // namespace

Result<PolicyAgents> make_policy_agents(const AgentSpec& spec, bool deterministic) {
  Result<lm::PolicyOptions> options = read_options(spec, deterministic);
  if (!options) {
    return options.error();
  }
  Result<std::shared_ptr<lm::Policy>> loaded = lm::Policy::load(spec.argument, *options);
  if (!loaded) {
    return loaded.error();
  }
  const std::shared_ptr<lm::Policy> policy = *loaded;
  return PolicyAgents{[policy](LifecycleIndex) { return policy->make_agent(); },
                      [policy] { return policy->pump(); }};
}

Status need_torch() { return ok_status(); }

}  // namespace turnhalle::app

int main(int count, char** words) {
  turnhalle::app::CommandLine line("A gym and trainer for multi-turn LLM agents.",
                                   turnhalle::app::program_version());
  turnhalle::app::add_commands(line);
  turnhalle::app::add_bench_policy(line, turnhalle::app::run_bench_policy);
  turnhalle::app::add_train(line);
  return line.run(count, words);
}
