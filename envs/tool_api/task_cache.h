// The tasks that were drawn last, for all instances of a family: a group's rollouts play one
// task, and a restored episode has to find its own.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "envs/tool_api/tasks.h"

namespace turnhalle::tool_api {

/// Shared by threads. What it gives is what draw_task() gives; only the time differs.
class TaskCache {
 public:
  std::shared_ptr<const TaskInstance> get(const Pack& pack, RandomKey key, Variant variant) {
    const std::pair name(key, variant);
    {
      const std::lock_guard lock(mutex_);
      const auto found = tasks_.find(name);
      if (found != tasks_.end()) return found->second;
    }
    auto task = draw_task(pack, key, variant);
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= kTasksKept) tasks_.clear();
    tasks_.emplace(name, task);
    return task;
  }

 private:
  static constexpr std::size_t kTasksKept = 1024;
  std::mutex mutex_;
  std::map<std::pair<RandomKey, Variant>, std::shared_ptr<const TaskInstance>> tasks_;
};

}  // namespace turnhalle::tool_api
