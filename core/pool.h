// Plays many worlds on a few threads, with the same results for any number of threads.
//
// Nothing is shared between worlds, so a result cannot depend on who ran beside it. Each world is
// driven by a coroutine on its own strand; at most `in_flight` worlds exist at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "core/agent.h"
#include "core/result.h"
#include "core/world.h"

namespace turnhalle {

struct PoolOptions {
  int threads = 1;
  int in_flight = 64;
  /// Set from outside to stop: worlds end their turn in flight and are left there.
  const std::atomic<bool>* stop = nullptr;
  /// Work that is done when no world can go on, such as one step of a policy's engine; returns
  /// whether it did something. With a pump everything runs on the calling thread.
  std::function<bool()> pump;
};

struct PoolTask {
  std::function<std::unique_ptr<World>(LifecycleIndex)> make_world;
  AgentFactory make_agent;
  /// A world came to its end; called from any thread, for different worlds at the same time.
  std::function<void(World&, LifecycleIndex)> finished;
};

/// Plays the lifecycles named in `indices`. An exception inside a world stops the pool and is
/// returned as an error that names the lifecycle. Returns whether all were played.
Result<bool> play_all(std::span<const LifecycleIndex> indices, const PoolTask& task,
                      const PoolOptions& options);

}  // namespace turnhalle
