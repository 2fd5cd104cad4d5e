#include "core/world.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "core/check.h"
#include "core/text.h"
#include "core/tool_call_text.h"

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

// Where there are tools, calls that stand in the text become calls of the reply.
void take_calls_from_text(AgentReply& reply, std::int64_t turn) {
  reply.tool_calls = tool_calls_in(reply.text, "t" + std::to_string(turn) + ".");
  if (!reply.tool_calls.empty()) reply.text = without_tool_calls(reply.text);
}

Outcome outcome_of(ReplyFailure failure) {
  return failure == ReplyFailure::agent ? Outcome::agent_error : Outcome::infrastructure_error;
}

// The environment's own fault: the world ends.
StepResult broken(std::string why) {
  StepResult result;
  result.outcome = Outcome::environment_error;
  result.observation = std::move(why);
  return result;
}

std::string over(const char* limit, std::int64_t value) {
  return "The environment goes over limits." + std::string(limit) + " (" + std::to_string(value) +
         ").";
}

std::int64_t size_of(std::span<const Message> messages) {
  std::size_t bytes = 0;
  for (const Message& message : messages) bytes += message.content.size();
  return static_cast<std::int64_t>(bytes);
}
std::int64_t size_of(const AgentReply& reply) {
  return static_cast<std::int64_t>(reply.text.size());
}
std::int64_t size_of(const StepResult& result) {
  return size_of(std::span<const Message>(result.tool_results)) +
         static_cast<std::int64_t>(result.observation.size());
}

constexpr std::int64_t kTurnsBetweenLooks = 64;

std::int64_t state_bytes(const Lifecycle& lifecycle) {
  std::string bytes;
  ByteWriter out(bytes);
  lifecycle.snapshot(out);
  return static_cast<std::int64_t>(bytes.size());
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
  view.messages = *messages_;
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
  std::optional<EpisodeStart> start = lifecycle_->next_episode(*messages_);
  if (!start) {
    end_lifecycle();
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
  began_ = queue_.now();
  for (Timer& timer : start->timers) {
    queue_.after(timer.delay, timer.kind, std::move(timer.payload));
  }
  if (recorder_) recorder_->episode_started(episode_, *start);
  if (fresh_ && messages_shared_) {
    messages_ = std::make_shared<std::vector<Message>>();
    messages_shared_ = false;
  }
  std::vector<Message>& messages = own_messages();
  if (fresh_) messages.clear();
  episode_begin_ = messages.size();
  for (Message& message : start->messages) {
    messages.push_back(std::move(message));
  }
  message_bytes_ = size_of(messages);
}

void World::end_lifecycle() {
  finished_ = true;
  if (recorder_) recorder_->lifecycle_ended();
}

// The messages, to be changed: a copy of them when a fork reads the same ones. The copy is made
// even when the fork is gone, so that two threads never ask each other.
std::vector<Message>& World::own_messages() {
  if (messages_shared_) {
    messages_ = std::make_shared<std::vector<Message>>(*messages_);
    messages_shared_ = false;
  }
  return *messages_;
}

// Enters the faults of what came later into the turn's events, and adds the rest.
void World::take(StepResult& into, StepResult later) {
  std::uint64_t number = 0;
  for (std::string& fault : later.faults) {
    turn_events_.push_back({queue_.now(), number++, kFaultEvent, std::move(fault)});
  }
  merge(into, std::move(later));
}

// Runs the event that is due next. An empty queue, or one that never empties, breaks the episode.
void World::run_event(StepResult& result) {
  const std::int64_t events_max = options_.limits.events_per_turn_max;
  const bool flooded = std::ssize(turn_events_) >= events_max;
  if (queue_.empty() || flooded) {
    merge(result, broken(flooded ? over("events_per_turn_max", events_max)
                                 : "The environment waits for nothing."));
    return;
  }
  turn_events_.push_back(queue_.pop());
  const Event event = turn_events_.back();
  take(result, lifecycle_->advance(event, queue_));
}

// Runs events until somebody has to act or the episode is over.
StepResult World::settle(StepResult result) {
  while (result.outcome == Outcome::running && result.waiting) {
    run_event(result);
  }
  return result;
}

// What happens from the agent's being asked to the next turn or the end.
StepResult World::play_turn(const AgentReply& reply, SimTime arrival) {
  StepResult result;
  // Events that are due before the reply arrives happen first; the agent learns of them with
  // the observation that follows.
  while (result.outcome == Outcome::running && !queue_.empty() && queue_.next_time() <= arrival) {
    run_event(result);
  }
  if (result.outcome != Outcome::running) {
    return result;
  }
  queue_.pass(arrival - queue_.now());
  const SimDuration deadline = options_.limits.reply_deadline;
  if (reply.failure != ReplyFailure::none) {
    result.outcome = outcome_of(reply.failure);
    result.observation = reply.failure_text;
    return result;
  }
  if (deadline.ns > 0 && reply.latency > deadline) {
    result.outcome = Outcome::timeout;
    result.observation = "The reply came after its deadline.";
    return result;
  }
  take(result, lifecycle_->step(kAgentSeat, reply, queue_));
  return settle(std::move(result));
}

// Ends an episode that has used up its turns or its time, and a world that misbehaves.
void World::apply_limits(const AgentReply& reply, StepResult& result) const {
  if (result.outcome != Outcome::running) {
    return;
  }
  const WorldLimits& limits = options_.limits;
  const bool late = limits.episode_time.ns > 0 && queue_.now() - began_ > limits.episode_time;
  if (turn_ + 1 >= turns_max_ || late) {
    result.outcome = Outcome::truncated;
    return;
  }
  const std::int64_t bytes = message_bytes_ + size_of(reply) + size_of(result);
  if (turn_ + 1 >= limits.turns_max) {
    merge(result, broken(over("turns_max", limits.turns_max)));
  } else if (episode_ >= limits.episodes_max) {
    merge(result, broken(over("episodes_max", limits.episodes_max)));
  } else if (static_cast<std::int64_t>(queue_.size()) > limits.events_pending_max) {
    merge(result, broken(over("events_pending_max", limits.events_pending_max)));
  } else if (bytes > limits.conversation_bytes_max) {
    result.observation.clear();  // it is what is too long
    result.tool_results.clear();
    merge(result, broken(over("conversation_bytes_max", limits.conversation_bytes_max)));
  } else if (turn_ % kTurnsBetweenLooks == kTurnsBetweenLooks - 1 &&
             state_bytes(*lifecycle_) > limits.state_bytes_max) {
    merge(result, broken(over("state_bytes_max", limits.state_bytes_max)));
  }
}

void World::deliver(AgentReply reply) {
  check(started_ && !finished_, "only a running world takes a reply");
  make_readable(reply, options_.limits);
  const bool has_tools = kind_ == EpisodeKind::solve && !lifecycle_->spec().tools.empty();
  if (has_tools && reply.tool_calls.empty()) take_calls_from_text(reply, turn_);
  turn_events_.clear();
  const SimTime arrival = queue_.now() + reply.latency;
  StepResult result = play_turn(reply, arrival);
  apply_limits(reply, result);
  finish_turn(reply, result, arrival);
  message_bytes_ += size_of(reply);
  std::vector<Message>& messages = own_messages();
  messages.push_back({Role::assistant, std::move(reply.text), std::move(reply.tool_calls), {}});
  if (result.outcome != Outcome::running) {
    finish_episode(result.outcome);
    return;
  }
  message_bytes_ += size_of(result);
  for (Message& message : result.tool_results) {
    messages.push_back(std::move(message));
  }
  if (!result.observation.empty()) {
    messages.push_back({Role::user, std::move(result.observation), {}, {}});
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
  if (is_infrastructure(outcome)) {
    end_lifecycle();  // whatever the lifecycle thinks of it
  } else {
    begin_episode();
  }
}

std::unique_ptr<World> World::fork(const WorldOptions& options,
                                   std::unique_ptr<Recorder> recorder) {
  check(started_, "only a world that was started is forked");
  auto copy = std::make_unique<World>(lifecycle_->fork(), options, std::move(recorder));
  messages_shared_ = true;
  copy->messages_ = messages_;
  copy->messages_shared_ = true;
  copy->queue_ = queue_;
  copy->kind_ = kind_;
  copy->position_ = position_;
  copy->turns_max_ = turns_max_;
  copy->episode_ = episode_;
  copy->turn_ = turn_;
  copy->episode_begin_ = episode_begin_;
  copy->message_bytes_ = message_bytes_;
  copy->began_ = began_;
  copy->fresh_ = fresh_;
  copy->started_ = started_;
  copy->finished_ = finished_;
  copy->asked_ = asked_;
  return copy;
}

std::string World::snapshot() const {
  std::string bytes;
  ByteWriter out(bytes);
  lifecycle_->snapshot(out);
  queue_.snapshot(out);
  write_messages(out, *messages_);
  out.u8(static_cast<std::uint8_t>(kind_));
  out.i64(position_);
  out.i64(turns_max_);
  out.i64(episode_);
  out.i64(turn_);
  out.u64(episode_begin_);
  out.u8(static_cast<std::uint8_t>((fresh_ ? 1 : 0) | (started_ ? 2 : 0) | (finished_ ? 4 : 0)));
  out.i64(asked_.ns);
  if (options_.limits.episode_time.ns > 0) out.i64(began_.ns);
  return bytes;
}

bool World::restore(std::string_view bytes) {
  ByteReader in(bytes);
  if (!lifecycle_->restore(in) || !queue_.restore(in) || !read_messages(in, own_messages())) {
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
  if (options_.limits.episode_time.ns > 0) began_ = {in.i64()};
  message_bytes_ = size_of(*messages_);
  const bool counts = started_ && position_ >= 0 && turns_max_ >= 0 && episode_ >= -1 &&
                      turn_ >= 0 && episode_begin_ <= messages_->size();
  // Only what snapshot() writes is taken: whatever reads otherwise would go on to other bytes.
  return in.finished() && counts && snapshot() == bytes;
}

std::vector<std::unique_ptr<World>> branch(World& world, std::int64_t count) {
  std::vector<std::unique_ptr<World>> continuations;
  for (std::int64_t i = 0; i < count; ++i) {
    WorldOptions options = world.options();
    options.agent_key = branch_key(options.agent_key, i);
    continuations.push_back(world.fork(options, nullptr));
  }
  return continuations;
}

RandomKey branch_key(RandomKey key, std::int64_t number) {
  return number == 0 ? key : key.split("fork").split(static_cast<std::uint64_t>(number));
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
