#include "agents/usage.h"

#include <algorithm>
#include <cmath>

namespace turnhalle {
namespace {

// The smallest value that at least `share` of the sorted values do not exceed.
double percentile(const std::vector<float>& sorted, double share) {
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
}

Json seconds_json(std::vector<float> seconds) {
  if (seconds.empty()) {
    return nullptr;
  }
  std::sort(seconds.begin(), seconds.end());
  double sum = 0.0;
  for (const float value : seconds) sum += static_cast<double>(value);
  return {{"mean", sum / static_cast<double>(seconds.size())},
          {"p50", percentile(seconds, 0.5)},
          {"p90", percentile(seconds, 0.9)},
          {"max", percentile(seconds, 1.0)}};
}

}  // namespace

void AgentUsage::add(const AgentUsage& other) {
  turns += other.turns;
  tries += other.tries;
  failures += other.failures;
  prompt_tokens += other.prompt_tokens;
  completion_tokens += other.completion_tokens;
  cached_tokens += other.cached_tokens;
  logprob_tokens += other.logprob_tokens;
  logprob_sum += other.logprob_sum;
  seconds += other.seconds;
  cost += other.cost;
}

std::vector<std::pair<std::string, double>> named_values(const AgentUsage& usage) {
  const auto number = [](std::int64_t value) { return static_cast<double>(value); };
  return {{"turns", number(usage.turns)},
          {"tries", number(usage.tries)},
          {"failures", number(usage.failures)},
          {"prompt_tokens", number(usage.prompt_tokens)},
          {"completion_tokens", number(usage.completion_tokens)},
          {"cached_tokens", number(usage.cached_tokens)},
          {"logprob_tokens", number(usage.logprob_tokens)},
          {"logprob_sum", usage.logprob_sum},
          {"seconds", usage.seconds},
          {"cost", usage.cost}};
}

void UsageLog::add(LifecycleIndex lifecycle, const AgentUsage& turn, const std::string& failure) {
  const std::lock_guard lock(mutex_);
  total_.add(turn);
  lifecycles_[lifecycle].add(turn);
  seconds_.push_back(static_cast<float>(turn.seconds));
  if (first_failure_.empty()) first_failure_ = failure;
}

AgentUsage UsageLog::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

AgentUsage UsageLog::take(LifecycleIndex lifecycle) {
  const std::lock_guard lock(mutex_);
  const auto found = lifecycles_.find(lifecycle);
  if (found == lifecycles_.end()) {
    return {};
  }
  const AgentUsage usage = found->second;
  lifecycles_.erase(found);
  return usage;
}

std::string UsageLog::first_failure() const {
  const std::lock_guard lock(mutex_);
  return first_failure_;
}

Json UsageLog::to_json() const {
  const std::lock_guard lock(mutex_);
  Json json = {{"turns", total_.turns},
               {"tries", total_.tries},
               {"failures", total_.failures},
               {"prompt_tokens", total_.prompt_tokens},
               {"completion_tokens", total_.completion_tokens},
               {"cached_tokens", total_.cached_tokens},
               {"mean_logprob", nullptr},
               {"cost", total_.cost},
               {"seconds_per_turn", seconds_json(seconds_)},
               {"first_failure", nullptr}};
  if (total_.logprob_tokens > 0) {
    json["mean_logprob"] = total_.logprob_sum / static_cast<double>(total_.logprob_tokens);
  }
  if (!first_failure_.empty()) json["first_failure"] = first_failure_;
  return json;
}

}  // namespace turnhalle
