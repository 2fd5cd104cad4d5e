// What an environment is when its reward must not be told to the agent.
#pragma once

namespace turnhalle {

/// Marks an environment whose rewards are measured against the hidden truth: the update of a
/// context is not shown them (Connect the Dots, released code, second version: PDE discovery).
class WithholdsReward {
 public:
  virtual ~WithholdsReward() = default;
};

}  // namespace turnhalle
