// Simulation: whole runs with drawn conditions, judged by checkers that share no code with what
// they judge.
//
// A seed draws a scenario, an agent, latencies, exogenous events and a mix of faults in which
// some kinds are switched off and others are frequent. The run is played on one thread and again
// on several, played again from its recorded replies, forked and saved in the middle. What must
// hold is in simulation.cc, one function for each rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/fault.h"

namespace turnhalle::simulation {

/// A mistake that is put in on purpose: the checkers must find it.
enum class Plant : std::uint8_t {
  none,
  reward_for_a_crash,  ///< a lifecycle gives an environment's error the reward 0
  shared_state,        ///< worlds share a counter
  forgotten_state,     ///< a snapshot leaves something out
  silent_fault,        ///< a fault is not entered into the ledger
};
inline constexpr int kPlants = 5;
std::string name_of(Plant plant);

struct Failure {
  std::uint64_t seed = 0;
  std::string rule;    ///< which did not hold
  std::string detail;  ///< where, and under which conditions
  std::string repeat;  ///< a command line that does it again
};

/// Runs one seed; nothing when all rules hold. `root` is the folder with scenarios/.
std::optional<Failure> run_seed(const std::string& root, std::uint64_t seed,
                                Plant plant = Plant::none);

/// One environment (its first scenario, random play) under one kind of fault in half of the turns,
/// on 1, 2 and 4 threads, with nothing else that takes time: then the ledger is also compared with
/// how many actions reached the environment and how long turns last. The fault must occur.
std::optional<Failure> run_fault(const std::string& root, const std::string& environment,
                                 FaultKind kind, Plant plant = Plant::none);

}  // namespace turnhalle::simulation
