#include "core/replay.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <utility>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kComparedBytesMax = 200;  // of a text that differs

std::string words(std::string_view text) { return std::string(text); }
std::string words(bool value) { return value ? "true" : "false"; }
std::string words(std::int64_t value) { return std::to_string(value); }
std::string words(double value) { return shortest(value); }
std::string words(SimTime time) { return std::to_string(time.ns) + " ns"; }
std::string words(const std::optional<double>& value) {
  return value ? shortest(*value) : "null";
}
std::string words(EpisodeKind kind) { return std::string(name_of(kind)); }
std::string words(Outcome outcome) { return std::string(name_of(outcome)); }
std::string words(const std::vector<RewardPart>& parts) {
  std::string text;
  for (const RewardPart& part : parts) {
    text += part.name + " " + shortest(part.value) + "; ";
  }
  return text;
}
std::string words(std::span<const Message> messages) {
  std::string text;
  for (const Message& message : messages) {
    text += std::string(name_of(message.role)) + ": " + message.content + "\n";
    for (const ToolCall& call : message.tool_calls) {
      text += call.id + " " + call.name + canonical(call.arguments) + "\n";
    }
    text += message.tool_call_id.empty() ? "" : "answers " + message.tool_call_id + "\n";
  }
  return text;
}
std::string words(const Event& event) {
  return std::to_string(event.time.ns) + " ns, sequence " + std::to_string(event.sequence) +
         ", kind " + std::to_string(event.kind) + ", payload " + hex(event.payload);
}

// Cuts what two texts have in common at the front, so that the difference is what is shown.
std::string from_difference(std::string_view text, std::size_t common) {
  const std::size_t begin = common > 40 ? common - 40 : 0;
  return (begin > 0 ? "…" : "") + shortened(to_utf8(text.substr(begin)), kComparedBytesMax);
}

// Where in a lifecycle something is compared.
struct Place {
  std::int64_t episode = -1;
  std::int64_t turn = -1;
  std::int64_t event = -1;
};

/// Compares what a world reports with one stored lifecycle. The first difference is kept: what
/// comes later follows from it.
class Comparison final {
 public:
  Comparison(const StoredLifecycle& stored, std::optional<std::int64_t> only_episode)
      : stored_(stored), only_episode_(only_episode) {}

  void start(std::int64_t episode, const EpisodeStart& found);
  void turn(const TurnRecord& found);
  void end(std::int64_t episode, const EpisodeEnd& found);
  void report(const Place& place, std::string_view what, std::string_view expected,
              std::string_view found);

  const std::optional<ReplayMismatch>& mismatch() const { return mismatch_; }

 private:
  template <class Value>
  void compare(const Place& place, std::string_view what, const Value& expected,
               const Value& found) {
    const std::string expected_words = words(expected);
    const std::string found_words = words(found);
    if (expected_words != found_words) {
      report(place, what, expected_words, found_words);
    }
  }
  const StoredEpisode* episode(std::int64_t number) const;

  const StoredLifecycle& stored_;
  std::optional<std::int64_t> only_episode_;
  std::optional<ReplayMismatch> mismatch_;
};

const StoredEpisode* Comparison::episode(std::int64_t number) const {
  const auto count = static_cast<std::int64_t>(stored_.episodes.size());
  return number < count ? &stored_.episodes[static_cast<std::size_t>(number)] : nullptr;
}

void Comparison::report(const Place& place, std::string_view what, std::string_view expected,
                        std::string_view found) {
  const bool meant = !only_episode_ || place.episode < 0 || place.episode == *only_episode_;
  if (mismatch_ || !meant) {
    return;
  }
  const auto differ = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  const auto common = static_cast<std::size_t>(differ.first - expected.begin());
  mismatch_ = ReplayMismatch{stored_.number,
                             place.episode,
                             place.turn,
                             place.event,
                             std::string(what),
                             from_difference(expected, common),
                             from_difference(found, common)};
}

void Comparison::start(std::int64_t number, const EpisodeStart& found) {
  const Place place{number};
  const StoredEpisode* stored = episode(number);
  if (stored == nullptr) {
    if (stored_.complete) {
      report(place, "episode", "the end of the lifecycle", "another episode");
    }
    return;
  }
  const EpisodeStart& expected = stored->start;
  compare(place, "kind", expected.kind, found.kind);
  compare(place, "position", expected.position, found.position);
  compare(place, "continues", expected.continues, found.continues);
  compare(place, "turns_max", expected.turns_max, found.turns_max);
  compare<std::string_view>(place, "context", expected.context, found.context);
  compare<std::span<const Message>>(place, "messages", expected.messages, found.messages);
}

void Comparison::turn(const TurnRecord& found) {
  Place place{found.episode, found.turn};
  const StoredEpisode* stored = episode(found.episode);
  if (stored == nullptr || found.turn >= static_cast<std::int64_t>(stored->turns.size())) {
    report(place, "turn", "the end of the episode", "another turn");
    return;
  }
  const StoredTurn& expected = stored->turns[static_cast<std::size_t>(found.turn)];
  compare<std::string_view>(place, "reply", expected.reply.text, found.reply.text);
  compare(place, "asked", expected.asked, found.asked);
  compare(place, "replied", expected.replied, found.replied);
  const std::size_t events = std::min(expected.events.size(), found.events.size());
  for (std::size_t i = 0; i < events; ++i) {
    place.event = static_cast<std::int64_t>(i);
    compare(place, "event", expected.events[i], found.events[i]);
  }
  place.event = -1;
  compare(place, "events", static_cast<std::int64_t>(expected.events.size()),
          static_cast<std::int64_t>(found.events.size()));
  compare<std::span<const Message>>(place, "tool_results", expected.result.tool_results,
                                    found.result.tool_results);
  compare<std::string_view>(place, "observation", expected.result.observation,
                            found.result.observation);
  compare(place, "outcome", expected.result.outcome, found.result.outcome);
  compare(place, "reward", expected.result.reward, found.result.reward + 0.0);
  compare(place, "reward_parts", expected.result.parts, found.result.parts);
  compare(place, "finished", expected.finished, found.finished);
}

void Comparison::end(std::int64_t number, const EpisodeEnd& found) {
  const Place place{number};
  const StoredEpisode* stored = episode(number);
  if (stored == nullptr || !stored->end) {
    return;  // the recording stops before
  }
  const EpisodeEnd& expected = *stored->end;
  compare(place, "outcome", expected.outcome, found.outcome);
  compare(place, "reward", expected.reward, found.reward);
  compare(place, "success", expected.success, found.success);
  compare(place, "reward_parts", expected.parts, found.parts);
  compare<std::string_view>(place, "feedback", expected.feedback, found.feedback);
}

class ComparingRecorder final : public Recorder {
 public:
  explicit ComparingRecorder(Comparison& comparison) : comparison_(comparison) {}
  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    comparison_.start(episode, start);
  }
  void turn_played(const TurnRecord& turn) override { comparison_.turn(turn); }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    comparison_.end(episode, end);
  }
  void lifecycle_ended() override {}

 private:
  Comparison& comparison_;
};

// The stored reply to the world's next turn, or null where the recording has none.
const AgentReply* reply_at(const StoredLifecycle& stored, std::int64_t episode,
                           std::int64_t turn) {
  if (episode >= static_cast<std::int64_t>(stored.episodes.size())) {
    return nullptr;
  }
  const auto& turns = stored.episodes[static_cast<std::size_t>(episode)].turns;
  return turn < static_cast<std::int64_t>(turns.size())
             ? &turns[static_cast<std::size_t>(turn)].reply
             : nullptr;
}

// Plays until the recording ends or something differs.
void play_again(World& world, const StoredLifecycle& stored, Comparison& comparison) {
  world.start();
  while (!world.finished() && !comparison.mismatch()) {
    const Conversation view = world.conversation();
    const AgentReply* reply = reply_at(stored, view.episode, view.turn);
    if (reply == nullptr) {
      const auto episode = static_cast<std::size_t>(view.episode);
      const bool has_end = episode < stored.episodes.size() && stored.episodes[episode].end;
      if (stored.complete || has_end) {
        comparison.report({view.episode, view.turn}, "turn", "the end of the episode",
                          "another turn");
      }
      return;
    }
    world.deliver(*reply);
  }
  if (world.finished() && !comparison.mismatch() &&
      world.episodes() != static_cast<std::int64_t>(stored.episodes.size())) {
    comparison.report({world.episodes()}, "episode", "another episode",
                      "the end of the lifecycle");
  }
}

void count(const StoredLifecycle& stored, const std::optional<std::int64_t>& only_episode,
           ReplayReport& report) {
  ++report.lifecycles;
  for (std::size_t i = 0; i < stored.episodes.size(); ++i) {
    if (only_episode && *only_episode != static_cast<std::int64_t>(i)) {
      continue;
    }
    ++report.episodes;
    report.turns += static_cast<std::int64_t>(stored.episodes[i].turns.size());
    for (const StoredTurn& turn : stored.episodes[i].turns) {
      report.events += static_cast<std::int64_t>(turn.events.size());
    }
  }
}

void add(ReplayReport& report, const std::optional<ReplayMismatch>& mismatch) {
  if (mismatch) {
    ++report.mismatches;
    if (!report.first_mismatch) {
      report.first_mismatch = mismatch;
    }
  }
}

ReplayMismatch from_damage(const Damage& damage) {
  return {damage.lifecycle, damage.episode, damage.turn, -1, "damage",
          "bytes as they were written", damage.what};
}

Status replay_one(const StoreReader& store, const LifecycleSummary& summary,
                  const ReplayWorldMaker& make, const ReplayOptions& options,
                  ReplayReport& report) {
  auto stored = store.lifecycle(summary.number);
  if (!stored) {
    add(report, ReplayMismatch{summary.number, -1, -1, -1, "damage", "a lifecycle that reads",
                               stored.error().message});
    return ok_status();
  }
  if (options.episode && *options.episode >= static_cast<std::int64_t>(stored->episodes.size())) {
    return options.lifecycle
               ? Status(Error{store.path(), "lifecycle " + std::to_string(summary.number) +
                                                " has no episode " +
                                                std::to_string(*options.episode)})
               : ok_status();
  }
  count(*stored, options.episode, report);
  if (!stored->damage.empty()) {
    add(report, from_damage(stored->damage.front()));
    return ok_status();
  }
  const auto run = static_cast<std::size_t>(summary.run.value);
  if (run >= store.runs().size()) {
    add(report, ReplayMismatch{summary.number, -1, -1, -1, "damage", "a run of the store",
                               "an unknown run"});
    return ok_status();
  }
  auto world = make(store.runs()[run], summary.index);
  if (!world) {
    return world.error();
  }
  Comparison comparison(*stored, options.episode);
  World again(std::move(world->lifecycle), world->options,
              std::make_unique<ComparingRecorder>(comparison));
  play_again(again, *stored, comparison);
  add(report, comparison.mismatch());
  return ok_status();
}

class ReplayAgent final : public Agent {
 public:
  explicit ReplayAgent(StoredLifecycle recording) : recording_(std::move(recording)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    const AgentReply* reply = reply_at(recording_, conversation.episode, conversation.turn);
    if (reply != nullptr) {
      co_return *reply;
    }
    AgentReply failed;
    failed.failure = ReplyFailure::agent;
    failed.failure_text = "The recording has no reply for this turn.";
    co_return failed;
  }

 private:
  StoredLifecycle recording_;
};

class ForkingAgent final : public Agent {
 public:
  ForkingAgent(std::shared_ptr<const StoredLifecycle> recording, ForkPoint point,
               std::unique_ptr<Agent> inner)
      : recording_(std::move(recording)), point_(point), inner_(std::move(inner)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    const bool before = conversation.episode != point_.episode
                            ? conversation.episode < point_.episode
                            : conversation.turn < point_.turn;
    const AgentReply* reply =
        before ? reply_at(*recording_, conversation.episode, conversation.turn) : nullptr;
    if (reply == nullptr) {
      co_return co_await inner_->act(conversation);
    }
    inner_->watch(conversation, *reply);
    co_return *reply;
  }

 private:
  std::shared_ptr<const StoredLifecycle> recording_;
  ForkPoint point_;
  std::unique_ptr<Agent> inner_;
};

class FailingAgent final : public Agent {
 public:
  explicit FailingAgent(std::string why) : why_(std::move(why)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation&) override {
    AgentReply failed;
    failed.failure = ReplyFailure::infrastructure;
    failed.failure_text = why_;
    co_return failed;
  }

 private:
  std::string why_;
};

}  // namespace

Json to_json(const ReplayReport& report) {
  Json json = {{"lifecycles", report.lifecycles}, {"episodes", report.episodes},
               {"turns", report.turns},           {"events", report.events},
               {"mismatches", report.mismatches}, {"first_mismatch", nullptr}};
  if (report.first_mismatch) {
    const ReplayMismatch& first = *report.first_mismatch;
    const auto or_null = [](std::int64_t value) { return value < 0 ? Json() : Json(value); };
    json["first_mismatch"] = {{"lifecycle", or_null(first.lifecycle)},
                              {"episode", or_null(first.episode)},
                              {"turn", or_null(first.turn)},
                              {"event", or_null(first.event)},
                              {"what", first.what},
                              {"expected", first.expected},
                              {"found", first.found}};
  }
  return json;
}

Result<ReplayReport> replay(const StoreReader& store, const ReplayWorldMaker& make,
                            const ReplayOptions& options) {
  const auto lifecycles = store.lifecycles();
  if (!lifecycles) {
    return lifecycles.error();
  }
  ReplayReport report;
  for (const Damage& damage : store.table_damage()) {
    add(report, from_damage(damage));
  }
  bool any = false;
  for (const LifecycleSummary& summary : *lifecycles) {
    if (options.lifecycle && *options.lifecycle != summary.number) {
      continue;
    }
    any = true;
    const Status status = replay_one(store, summary, make, options, report);
    if (!status) {
      return status.error();
    }
  }
  if (options.lifecycle && !any) {
    return Error{store.path(), "there is no lifecycle " + std::to_string(*options.lifecycle)};
  }
  return report;
}

std::unique_ptr<Agent> make_replay_agent(StoredLifecycle recording) {
  return std::make_unique<ReplayAgent>(std::move(recording));
}

AgentFactory make_forking_agents(std::shared_ptr<const StoredLifecycle> recording, ForkPoint point,
                                 AgentFactory inner) {
  return [recording = std::move(recording), point, inner = std::move(inner)](LifecycleIndex index) {
    return std::make_unique<ForkingAgent>(recording, point, inner(index));
  };
}

AgentFactory make_replay_agents(std::shared_ptr<const StoreReader> store) {
  return [store](LifecycleIndex index) -> std::unique_ptr<Agent> {
    const std::int64_t first = store->runs().empty() ? 0 : store->runs().front().first_lifecycle;
    auto recording = store->lifecycle(first + index.value);
    if (!recording) {
      return std::make_unique<FailingAgent>(recording.error().text());
    }
    if (!recording->damage.empty()) {
      return std::make_unique<FailingAgent>("The recording is damaged: " +
                                            recording->damage.front().what);
    }
    return make_replay_agent(std::move(*recording));
  };
}

}  // namespace turnhalle
