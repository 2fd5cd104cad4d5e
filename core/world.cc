#include "core/world.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// Adds what a later step or event brought about to what came before it in the same turn.
void merge(StepResult& into, StepResult later) {
  if (into.observation.empty()) {
    into.observation = std::move(later.observation);
  } else if (!later.observation.empty()) {
    into.observation += "\n" + later.observation;
  }
  for (Message& message : later.tool_results) {
    into.tool_results.push_back(std::move(message));
  }
  for (RewardPart& part : later.parts) {
    into.parts.push_back(std::move(part));
  }
  into.outcome = later.outcome;
  into.reward += later.reward;
  into.waiting = later.waiting;
}

void make_readable(AgentReply& reply, const WorldLimits& limits) {
  if (static_cast<std::int64_t>(reply.text.size()) > limits.reply_bytes_max) [[unlikely]] {
    reply.text.resize(static_cast<std::size_t>(limits.reply_bytes_max));
  }
  if (!is_utf8(reply.text)) [[unlikely]] {
    reply.text = to_utf8(reply.text);
  }
}

Outcome outcome_of(ReplyFailure failure) {
  return failure == ReplyFailure::agent ? Outcome::agent_error : Outcome::infrastructure_error;
}

void write_messages(ByteWriter& out, const std::vector<Message>& messages) {
  out.u64(messages.size());
  for (const Message& message : messages) {
    out.u8(static_cast<std::uint8_t>(message.role));
    out.string(message.content);
    out.string(message.tool_call_id);
    out.u64(message.tool_calls.size());
    for (const ToolCall& call : message.tool_calls) {
      out.string(call.id);
      out.string(call.name);
      out.string(canonical(call.arguments));
    }
  }
}

bool read_messages(ByteReader& in, std::vector<Message>& messages) {
  messages.clear();
  const std::uint64_t count = in.u64();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Message message;
    message.role = static_cast<Role>(in.u8());
    message.content = in.string();
    message.tool_call_id = in.string();
    const std::uint64_t calls = in.u64();
    for (std::uint64_t j = 0; j < calls && in.ok(); ++j) {
      ToolCall call;
      call.id = in.string();
      call.name = in.string();
      call.arguments = Json::parse(in.string(), nullptr, /*allow_exceptions=*/false);
      message.tool_calls.push_back(std::move(call));
    }
    messages.push_back(std::move(message));
  }
  return in.ok();
}

}  // namespace

World::World(std::unique_ptr<Lifecycle> lifecycle, WorldOptions options,
             std::unique_ptr<Recorder> recorder)
    : lifecycle_(std::move(lifecycle)), options_(options), recorder_(std::move(recorder)) {}

void World::start() {
  check(!started_, "a world is started once");
  started_ = true;
  begin_episode();
}

Conversation World::conversation() const {
  check(started_ && !finished_, "only a running world has a turn to play");
  Conversation view;
  view.messages = messages_;
  view.lifecycle = options_.index;
  view.episode = episode_;
  view.kind = kind_;
  view.position = position_;
  view.turn = turn_;
  view.episode_begin = episode_begin_;
  view.fresh = fresh_;
  view.key = options_.agent_key.split(static_cast<std::uint64_t>(episode_))
                 .split(static_cast<std::uint64_t>(turn_));
  view.world = lifecycle_.get();
  return view;
}

void World::begin_episode() {
  std::optional<EpisodeStart> start = lifecycle_->next_episode(messages_);
  if (!start) {
    finished_ = true;
    if (recorder_) recorder_->lifecycle_ended();
    return;
  }
  ++episode_;
  turn_ = 0;
  kind_ = start->kind;
  position_ = start->position;
  turns_max_ = start->turns_max;
  fresh_ = !start->continues;
  queue_.clear();
  asked_ = queue_.now();
  if (recorder_) recorder_->episode_started(episode_, *start);
  if (fresh_) {
    messages_.clear();
  }
  episode_begin_ = messages_.size();
  for (Message& message : start->messages) {
    messages_.push_back(std::move(message));
  }
}

// Runs the event that is due next. An empty queue, or one that never empties, breaks the episode.
void World::run_event(StepResult& result) {
  const bool flooded =
      static_cast<std::int64_t>(turn_events_.size()) >= options_.limits.events_per_turn_max;
  if (queue_.empty() || flooded) {
    StepResult broken;
    broken.outcome = Outcome::environment_error;
    broken.observation = flooded ? "The environment floods its event queue."
                                 : "The environment waits for nothing.";
    merge(result, std::move(broken));
    return;
  }
  turn_events_.push_back(queue_.pop());
  merge(result, lifecycle_->advance(turn_events_.back(), queue_));
}

// Runs events until somebody has to act or the episode is over.
StepResult World::settle(StepResult result) {
  while (result.outcome == Outcome::running && result.waiting) {
    run_event(result);
  }
  return result;
}

void World::deliver(AgentReply reply) {
  check(started_ && !finished_, "only a running world takes a reply");
  make_readable(reply, options_.limits);
  turn_events_.clear();
  const SimTime arrival = queue_.now() + reply.latency;
  StepResult result;
  // Events that are due before the reply arrives happen first; the agent learns of them with
  // the observation that follows.
  while (result.outcome == Outcome::running && !queue_.empty() && queue_.next_time() <= arrival) {
    run_event(result);
  }
  if (result.outcome == Outcome::running) {
    queue_.pass(arrival - queue_.now());
    const SimDuration deadline = options_.limits.reply_deadline;
    if (reply.failure != ReplyFailure::none) {
      result.outcome = outcome_of(reply.failure);
      result.observation = reply.failure_text;
    } else if (deadline.ns > 0 && reply.latency > deadline) {
      result.outcome = Outcome::timeout;
      result.observation = "The reply came after its deadline.";
    } else if (result.observation.empty() && turn_events_.empty()) {
      result = settle(lifecycle_->step(kAgentSeat, reply, queue_));
    } else {
      merge(result, lifecycle_->step(kAgentSeat, reply, queue_));
      result = settle(std::move(result));
    }
  }
  if (result.outcome == Outcome::running && turn_ + 1 >= turns_max_) {
    result.outcome = Outcome::truncated;
  }
  finish_turn(reply, result, arrival);
  messages_.push_back({Role::assistant, std::move(reply.text), std::move(reply.tool_calls), {}});
  if (result.outcome != Outcome::running) {
    finish_episode(result.outcome);
    return;
  }
  for (Message& message : result.tool_results) {
    messages_.push_back(std::move(message));
  }
  if (!result.observation.empty()) {
    messages_.push_back({Role::user, std::move(result.observation), {}, {}});
  }
  ++turn_;
  asked_ = queue_.now();
}

void World::finish_turn(const AgentReply& reply, const StepResult& result, SimTime replied) {
  if (recorder_) {
    recorder_->turn_played(
        {episode_, turn_, reply, result, asked_, replied, queue_.now(), turn_events_});
  }
}

void World::finish_episode(Outcome outcome) {
  const EpisodeEnd end = lifecycle_->end_episode(outcome, turn_ + 1);
  if (recorder_) recorder_->episode_ended(episode_, end);
  begin_episode();
}

std::string World::snapshot() const {
  std::string bytes;
  ByteWriter out(bytes);
  lifecycle_->snapshot(out);
  queue_.snapshot(out);
  write_messages(out, messages_);
  out.u8(static_cast<std::uint8_t>(kind_));
  out.i64(position_);
  out.i64(turns_max_);
  out.i64(episode_);
  out.i64(turn_);
  out.u64(episode_begin_);
  out.u8(static_cast<std::uint8_t>((fresh_ ? 1 : 0) | (started_ ? 2 : 0) | (finished_ ? 4 : 0)));
  out.i64(asked_.ns);
  return bytes;
}

bool World::restore(std::string_view bytes) {
  ByteReader in(bytes);
  if (!lifecycle_->restore(in) || !queue_.restore(in) || !read_messages(in, messages_)) {
    return false;
  }
  kind_ = static_cast<EpisodeKind>(in.u8());
  position_ = in.i64();
  turns_max_ = in.i64();
  episode_ = in.i64();
  turn_ = in.i64();
  episode_begin_ = in.u64();
  const std::uint8_t flags = in.u8();
  fresh_ = (flags & 1) != 0;
  started_ = (flags & 2) != 0;
  finished_ = (flags & 4) != 0;
  asked_ = {in.i64()};
  return in.finished() && episode_begin_ <= messages_.size();
}

boost::asio::awaitable<void> play(World& world, Agent& agent, std::function<bool()> stop) {
  while (!world.finished() && !(stop && stop())) {
    AgentReply reply = co_await agent.act(world.conversation());
    if (reply.failure == ReplyFailure::interrupted) {
      co_return;  // the turn in flight is dropped, not recorded
    }
    world.deliver(std::move(reply));
  }
}

}  // namespace turnhalle
