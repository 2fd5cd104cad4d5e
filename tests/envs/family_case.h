// What tests of single environments share: a family of some options, a key for each number, and
// a step by words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/event_queue.h"
#include "tests/envs/read_options.h"

namespace turnhalle {

inline std::shared_ptr<const EnvironmentFamily> family_of(const EnvironmentEntry& entry,
                                                          const std::string& options = "{}",
                                                          PromptStyle style = PromptStyle::paper) {
  return read_options(entry, options, style).value();
}

inline RandomKey key_of(std::uint64_t number) { return RandomKey::from_seed(7).split(number); }

/// A step of the agent whose reply has no tool calls.
inline StepResult say(Environment& environment, const std::string& text) {
  EventQueue queue;
  AgentReply reply;
  reply.text = text;
  return environment.step(kAgentSeat, reply, queue);
}

}  // namespace turnhalle
