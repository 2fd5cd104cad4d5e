#include "core/env_check_state.h"

#include <array>
#include <atomic>
#include <thread>
#include <utility>

namespace turnhalle::env_check {
namespace {

std::string bytes_of(const Setting& setting, const RunSeed& seed, std::int64_t index) {
  std::string bytes;
  const auto world = setting.world(
      seed, index, make_canonical_recorder([&bytes](std::string all) { bytes = std::move(all); }));
  const auto player = setting.player("random");
  world->start();
  while (!world->finished()) {
    world->deliver(reply_of(*player, world->conversation()));
  }
  return bytes;
}

std::string at_turn(const World& world) {
  if (world.finished()) return " at the end";
  const Conversation view = world.conversation();
  return " at episode " + std::to_string(view.episode) + " turn " + std::to_string(view.turn);
}

// Plays one episode of a bare environment for at most `turns`; returns its texts.
std::string play_episode(Environment& environment, Player& player, const Task& task,
                         std::int64_t turns) {
  EventQueue queue;
  const Opening opening = environment.reset(task);
  for (const Timer& timer : opening.timers) {
    queue.after(timer.delay, timer.kind, timer.payload);
  }
  std::vector<Message> messages = {{Role::system, opening.system, {}, {}},
                                   {Role::user, opening.user, {}, {}}};
  std::string texts = opening.system + "\n" + opening.user;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    AgentReply reply;
    reply.text = player.play({environment.unwrapped(), messages, EpisodeKind::solve,
                              task.position, turn},
                             task.task.split("check").split(static_cast<std::uint64_t>(turn)));
    StepResult result = environment.step(kAgentSeat, reply, queue);
    texts += "\n" + result.observation;
    while (result.waiting && result.outcome == Outcome::running && !queue.empty()) {
      result = environment.advance(queue.pop(), queue);
      texts += "\n" + result.observation;
    }
    if (result.outcome != Outcome::running) break;
    messages.push_back({Role::assistant, std::move(reply.text), {}, {}});
    messages.push_back({Role::user, result.observation, {}, {}});
  }
  return texts;
}

std::string state_of(const Environment& environment) {
  std::string bytes;
  ByteWriter out(bytes);
  environment.snapshot(out);
  return bytes;
}

bool is_checkpoint(std::size_t turn) { return turn <= 10 || (turn & (turn - 1)) == 0; }

Finding check_snapshot_at(const Setting& setting, const World& world, std::int64_t index) {
  const std::string bytes = world.snapshot();
  const auto copy = setting.world(setting.seed(), index);
  if (!copy->restore(bytes)) return "a state is not read back" + at_turn(world);
  if (copy->snapshot() != bytes) return "a state read back differs" + at_turn(world);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
    if (setting.world(setting.seed(), index)->restore(bytes.substr(0, size))) {
      return "a state cut to " + std::to_string(size) + " bytes is read" + at_turn(world);
    }
  }
  return "";
}

// A world that stands before reply `turn` must follow its parent's states when given its replies.
Finding check_fork_at(const Setting& setting, std::unique_ptr<World> fork,
                      const std::vector<std::string>& states,
                      const std::vector<AgentReply>& replies, std::size_t turn) {
  const auto other = setting.world(setting.seed(), 0);
  if (!other->restore(states[turn])) return "a fork is not read";
  const auto player = setting.player("random");
  for (std::size_t i = turn; i < replies.size(); ++i) {
    fork->deliver(replies[i]);
    if (!other->finished()) {
      AgentReply changed;
      changed.text = i == turn ? "something else" : reply_of(*player, other->conversation()).text;
      other->deliver(std::move(changed));
    }
    if (fork->snapshot() != states[i + 1]) {
      return "a fork before turn " + std::to_string(turn) + " parts from its parent after " +
             std::to_string(i - turn + 1) + " turns";
    }
  }
  return "";
}

}  // namespace

std::unique_ptr<World> Setting::world(const RunSeed& seed, std::int64_t index,
                                      std::unique_ptr<Recorder> recorder) const {
  const LifecycleIndex lifecycle{index};
  return std::make_unique<World>(make_lifecycle(scenario, seed, lifecycle),
                                 WorldOptions{lifecycle, seed.agent(lifecycle), scenario.limits},
                                 std::move(recorder));
}

Task task_of(std::uint64_t seed, std::uint64_t number) {
  const RandomKey key = RandomKey::from_seed(seed).split("conformance");
  return {key.split("hidden"), key.split("task").split(number), 0};
}

Finding check_repeatable(const Setting& setting) {
  const std::string first = bytes_of(setting, setting.seed(), 0);
  if (first != bytes_of(setting, setting.seed(), 0)) return "two runs of one seed differ";
  bool differs = false;
  for (std::uint64_t other = 1; other <= 8; ++other) {
    differs =
        differs || first != bytes_of(setting, {setting.options.seed + other, Split::test, 0}, 0);
  }
  return differs ? "" : "eight other seeds give the same bytes";
}

Finding check_threads(const Setting& setting) {
  const auto count = static_cast<std::size_t>(4 * setting.options.lifecycles);
  std::vector<std::string> alone(count);
  std::vector<std::string> together(count);
  for (std::size_t i = 0; i < count; ++i) {
    alone[i] = bytes_of(setting, setting.seed(), static_cast<std::int64_t>(i));
  }
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < count; i = next++) {
        together[i] = bytes_of(setting, setting.seed(), static_cast<std::int64_t>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < count; ++i) {
    if (alone[i] != together[i]) return "lifecycle " + std::to_string(i) + " differs";
  }
  return "";
}

Finding check_neighbours(const Setting& setting) {
  std::array<std::string, 2> bytes;
  std::array<std::unique_ptr<World>, 2> worlds;
  std::array<std::unique_ptr<Player>, 2> players;
  for (std::size_t i = 0; i < 2; ++i) {
    worlds[i] = setting.world(
        setting.seed(), static_cast<std::int64_t>(i),
        make_canonical_recorder([&bytes, i](std::string all) { bytes[i] = std::move(all); }));
    players[i] = setting.player("random");
    worlds[i]->start();
  }
  while (!worlds[0]->finished() || !worlds[1]->finished()) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (!worlds[i]->finished()) {
        worlds[i]->deliver(reply_of(*players[i], worlds[i]->conversation()));
      }
    }
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (bytes[i] != bytes_of(setting, setting.seed(), static_cast<std::int64_t>(i))) {
      return "a world changes when another is played beside it";
    }
  }
  return "";
}

Finding check_fresh(const Setting& setting) {
  const auto used = setting.scenario.family->make();
  for (std::int64_t i = 0; i < setting.options.episodes_before; ++i) {
    const auto player = setting.player("random");
    play_episode(*used, *player, task_of(setting.options.seed, 100 + static_cast<std::uint64_t>(i)),
                 i % 4);
  }
  const Task task = task_of(setting.options.seed, 0);
  const auto fresh = setting.scenario.family->make();
  const std::int64_t turns = setting.scenario.family->spec().turns_max;
  const std::string expected = play_episode(*fresh, *setting.player("random"), task, turns);
  if (play_episode(*used, *setting.player("random"), task, turns) != expected) {
    return "an episode depends on those before it";
  }
  return state_of(*used) == state_of(*fresh) ? "" : "a state keeps something of earlier episodes";
}

Finding check_ended(const Setting& setting) {
  for (std::uint64_t number = 0; number < 16; ++number) {
    const auto environment = setting.scenario.family->make();
    const auto player = setting.player("random");
    play_episode(*environment, *player, task_of(setting.options.seed, number),
                 setting.scenario.family->spec().turns_max);
    const std::string before = state_of(*environment);
    EventQueue queue;
    for (const char* text : {"", "anything", "<answer>Direction 1</answer>", "1"}) {
      AgentReply reply;
      reply.text = text;
      const StepResult result = environment->step(kAgentSeat, reply, queue);
      if (result.outcome == Outcome::running || result.reward != 0.0 || !queue.empty() ||
          state_of(*environment) != before) {
        return "a reply after the end of task " + std::to_string(number) + " changes something";
      }
    }
  }
  return "";
}

Finding check_snapshots(const Setting& setting) {
  for (std::int64_t index = 0; index < setting.options.lifecycles; ++index) {
    const auto world = setting.world(setting.seed(), index);
    const auto player = setting.player("random");
    world->start();
    for (std::size_t turn = 0; !world->finished(); ++turn) {
      if (is_checkpoint(turn)) {
        if (Finding finding = check_snapshot_at(setting, *world, index); !finding.empty()) {
          return finding;
        }
      }
      world->deliver(reply_of(*player, world->conversation()));
    }
  }
  return "";
}

Finding check_forks(const Setting& setting) {
  const auto world = setting.world(setting.seed(), 0);
  const auto player = setting.player("random");
  std::vector<std::string> states;
  std::vector<AgentReply> replies;
  std::vector<std::unique_ptr<World>> forks;
  world->start();
  while (!world->finished()) {
    forks.push_back(world->fork(world->options(), nullptr));
    states.push_back(world->snapshot());
    replies.push_back(reply_of(*player, world->conversation()));
    world->deliver(replies.back());
  }
  states.push_back(world->snapshot());
  for (std::size_t turn = 0; turn < replies.size(); ++turn) {
    if (!is_checkpoint(turn)) continue;
    auto restored = setting.world(setting.seed(), 0);
    if (!restored->restore(states[turn])) return "a fork is not read";
    for (std::unique_ptr<World>* fork : {&restored, &forks[turn]}) {
      Finding finding = check_fork_at(setting, std::move(*fork), states, replies, turn);
      if (!finding.empty()) return finding;
    }
  }
  return "";
}

}  // namespace turnhalle::env_check
