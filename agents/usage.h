// What agents outside this process took: requests, tokens, real time and money. Not part of a
// trajectory: two runs with equal replies have the same digest whatever they cost.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/json.h"

namespace turnhalle {

/// Of one turn, or summed over several.
struct AgentUsage {
  std::int64_t turns = 0;     ///< replies asked for
  std::int64_t tries = 0;     ///< requests that were sent for them
  std::int64_t failures = 0;  ///< turns without a reply: infrastructure outcomes
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< of the prompts
  std::int64_t logprob_tokens = 0;
  double logprob_sum = 0.0;  ///< of those tokens
  double seconds = 0.0;      ///< of real time, retries and waits between them included
  double cost = 0.0;         ///< by the prices that the agent's name states

  void add(const AgentUsage& other);
};
/// Names as in the store's metrics, without their prefix "agent/".
std::vector<std::pair<std::string, double>> named_values(const AgentUsage& usage);

/// Gathers usage by lifecycle. Thread-safe.
class UsageLog {
 public:
  /// One turn; `failure` says why it has no reply.
  void add(LifecycleIndex lifecycle, const AgentUsage& turn, const std::string& failure);
  AgentUsage total() const;
  /// What a lifecycle took; it is forgotten by this call.
  AgentUsage take(LifecycleIndex lifecycle);
  /// The first failure in words; "" when there was none.
  std::string first_failure() const;
  /// The total, and the seconds of a turn: mean, median, 90th and 100th percentile.
  Json to_json() const;

 private:
  mutable std::mutex mutex_;  // guards what follows
  AgentUsage total_;
  std::map<LifecycleIndex, AgentUsage> lifecycles_;
  std::vector<float> seconds_;  // one for each turn
  std::string first_failure_;
};

}  // namespace turnhalle
