#include "apps/signals.h"

#include <unistd.h>

#include <csignal>
#include <utility>

namespace turnhalle::app {
namespace {

std::atomic<bool> stopping{false};
std::atomic<int> signal_number{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may touch lock-free atomics only");

extern "C" void on_stop_signal(int number) {
  if (stopping.exchange(true)) {
    _exit(128 + number);
  }
  signal_number = number;
}

class StoppableAgent final : public Agent {
 public:
  explicit StoppableAgent(std::unique_ptr<Agent> agent) : agent_(std::move(agent)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    if (stopping.load(std::memory_order_relaxed)) {
      AgentReply reply;
      reply.failure = ReplyFailure::interrupted;
      co_return reply;
    }
    co_return co_await agent_->act(conversation);
  }

 private:
  std::unique_ptr<Agent> agent_;
};

}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a read from the terminal must return
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& stop_flag() { return stopping; }

void ask_to_stop() { stopping = true; }

int stop_exit_code() { return signal_number == 0 ? 0 : 128 + signal_number; }

const char* stop_signal_name() { return signal_number == SIGTERM ? "SIGTERM" : "SIGINT"; }

AgentFactory stoppable(AgentFactory inner) {
  return [inner = std::move(inner)](LifecycleIndex index) -> std::unique_ptr<Agent> {
    return std::make_unique<StoppableAgent>(inner(index));
  };
}

}  // namespace turnhalle::app
