#include "agents/wire/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/text.h"

namespace turnhalle {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLook{100};      // between looks at deadline and stop
constexpr std::chrono::milliseconds kReapLook{5};    // between looks whether the child has ended
constexpr std::chrono::milliseconds kGrace{2'000};   // to end after its input is closed
constexpr std::size_t kTailBytes = 1'000;            // of standard error

}  // namespace

// Shared by the coroutines of one child (asking, reading standard error, looking at the deadline,
// reaping); all run on its executor, one at a time.
struct ChildProcess::State {
  State(const asio::any_io_executor& executor, pid_t leader, std::array<int, 3> ends)
      : pid(leader), input(executor, ends[0]), output(executor, ends[1]), errors(executor, ends[2]),
        timer(executor) {
    for (auto* end : {&input, &output, &errors}) end->non_blocking(true);
  }
  ~State() {
    if (!reaped) {
      kill_group();
      reap(0);
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void kill_group() const {
    if (!reaped) kill(-pid, SIGKILL);
  }

  // Takes the exit status; the group's other members are killed first, while the leader's number
  // cannot belong to anybody else.
  bool reap(int options) {
    siginfo_t info{};
    const int wait_options = WEXITED | WNOWAIT | (options & WNOHANG);
    int waited = 0;
    do {
      waited = waitid(P_PID, static_cast<id_t>(pid), &info, wait_options);
    } while (waited != 0 && errno == EINTR);
    if (waited == 0 && info.si_pid == 0) {
      return false;
    }
    kill_group();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    reaped = true;
    return true;
  }

  void keep_tail(std::string_view bytes) {
    tail += bytes;
    if (tail.size() > kTailBytes) tail.erase(0, tail.size() - kTailBytes);
  }

  pid_t pid;
  asio::posix::stream_descriptor input;   // of the child: written here
  asio::posix::stream_descriptor output;  // read here
  asio::posix::stream_descriptor errors;  // read here
  asio::steady_timer timer;
  std::string buffer;  // read, not yet a line
  std::string tail;    // of standard error
  std::uint64_t asking = 0;  // counts questions; a look that belongs to an earlier one ends
  ChildFault cut = ChildFault::none;  // why a question was broken off
  bool errors_ended = false;  // all of standard error was read
  bool reaped = false;
  int status = 0;
};

namespace {

using State = ChildProcess::State;

// Writing to a child that has gone raises SIGPIPE; it is held back here and taken away, so that
// the program's own rule for the signal stays.
ssize_t write_without_signal(int descriptor, std::string_view bytes) {
  sigset_t pipe_only, before, pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    sigtimedwait(&pipe_only, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

asio::awaitable<void> read_errors(std::shared_ptr<State> state) {
  std::array<char, 4096> bytes{};
  error_code error;
  while (!error) {
    const std::size_t count = co_await state->errors.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    state->keep_tail({bytes.data(), count});
  }
  state->errors_ended = true;
}

asio::awaitable<void> wait_for_end(State& state, std::chrono::milliseconds grace) {
  asio::steady_timer timer(state.timer.get_executor());
  const auto end = Clock::now() + grace;
  while (!state.reaped && !state.reap(WNOHANG)) {
    if (Clock::now() >= end) state.kill_group();
    error_code ignored;
    timer.expires_after(kReapLook);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// Until all that a child wrote before its end was read.
asio::awaitable<void> wait_for_last_words(State& state) {
  asio::steady_timer timer(state.timer.get_executor());
  const auto end = Clock::now() + kGrace;
  while (!state.errors_ended && Clock::now() < end) {
    error_code ignored;
    timer.expires_after(kReapLook);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<void> say_goodbye(std::shared_ptr<State> state, std::chrono::milliseconds grace) {
  error_code ignored;
  state->input.close(ignored);
  co_await wait_for_end(*state, grace);
  state->output.close(ignored);
  state->errors.close(ignored);
}

// Kills the child when the question takes too long or the run is stopped.
asio::awaitable<void> look_at(std::shared_ptr<State> state, Clock::time_point end,
                              std::function<bool()> stopped) {
  const std::uint64_t question = state->asking;
  while (state->asking == question) {
    error_code ignored;
    state->timer.expires_at(std::min(end, Clock::now() + kLook));
    co_await state->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (state->asking != question) {
      co_return;
    }
    const bool stop = stopped && stopped();
    if (stop || Clock::now() >= end) {
      state->cut = stop ? ChildFault::stopped : ChildFault::deadline;
      state->kill_group();
      state->input.cancel(ignored);
      state->output.cancel(ignored);
      co_return;
    }
  }
}

asio::awaitable<error_code> write_all(State& state, std::string_view bytes) {
  error_code error;
  while (!bytes.empty() && state.cut == ChildFault::none) {
    const ssize_t written = write_without_signal(state.input.native_handle(), bytes);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      co_await state.input.async_wait(asio::posix::stream_descriptor::wait_write,
                                       asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return error;
    } else if (errno != EINTR) {
      co_return error_code(errno, boost::system::system_category());
    }
  }
  co_return error;
}

// Reads until a line is complete; nothing when the output ended or a question was cut.
asio::awaitable<std::optional<std::string>> read_line(State& state, std::size_t bytes_max) {
  std::array<char, 16384> bytes{};
  std::size_t searched = 0;
  while (state.cut == ChildFault::none) {
    const std::size_t end = state.buffer.find('\n', searched);
    if (std::min(end, state.buffer.size()) > bytes_max) {
      state.cut = ChildFault::too_long;
      break;
    }
    if (end != std::string::npos) {
      std::string line = state.buffer.substr(0, end);
      state.buffer.erase(0, end + 1);
      co_return line;
    }
    searched = state.buffer.size();
    error_code error;
    const std::size_t count = co_await state.output.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    state.buffer.append(bytes.data(), count);
    if (error) break;
  }
  co_return std::nullopt;
}

std::string how_it_ended(const State& state) {
  if (WIFSIGNALED(state.status)) {
    return "was killed by signal " + std::to_string(WTERMSIG(state.status));
  }
  return "exited with status " + std::to_string(WEXITSTATUS(state.status));
}

// The end of what was said, in one line, from the beginning of a line where there is one.
std::string last_lines(const std::string& tail) {
  std::string text = to_utf8(tail);
  const std::size_t first = text.find('\n');
  if (tail.size() == kTailBytes && first + 1 < text.size()) text.erase(0, first + 1);
  std::string out;
  for (std::string_view rest = trim(text); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += (out.empty() ? "" : " | ") + one_line(trim(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string cut_words(const State& state, const ChildExchange& exchange) {
  std::string words;
  switch (state.cut) {
    case ChildFault::deadline:
      words = "gave no answer within " +
              shortest(static_cast<double>(exchange.deadline.count()) / 1000.0) +
              " s and was killed";
      break;
    case ChildFault::too_long:
      words = "wrote a line of more than " + std::to_string(exchange.answer_bytes_max) +
              " bytes and was killed";
      break;
    case ChildFault::stopped: return "was stopped";
    default: words = how_it_ended(state);
  }
  const std::string said = last_lines(state.tail);
  return said.empty() ? words : words + "; its last words: " + said;
}

struct Pipes {
  std::array<int, 2> input{-1, -1}, output{-1, -1}, errors{-1, -1};

  bool open() {
    return pipe2(input.data(), O_CLOEXEC) == 0 && pipe2(output.data(), O_CLOEXEC) == 0 &&
           pipe2(errors.data(), O_CLOEXEC) == 0;
  }
  void close_all() {
    for (const auto& ends : {input, output, errors}) {
      for (const int end : ends) {
        if (end >= 0) ::close(end);
      }
    }
  }
};

// 0 or an error number.
int spawn(const std::string& command, const Pipes& pipes, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes.input[0], 0);
  posix_spawn_file_actions_adddup2(&actions, pipes.output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes.errors[1], 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh", option = "-c", words = command;
  std::array<char*, 4> arguments = {shell.data(), option.data(), words.data(), nullptr};
  const int failed =
      posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(asio::any_io_executor executor,
                                                          const std::string& command) {
  Pipes pipes;
  pid_t pid = -1;
  const int failed = pipes.open() ? spawn(command, pipes, pid) : errno;
  if (failed != 0) {
    pipes.close_all();
    return Error{"", "no process could be started (" + std::string(std::strerror(failed)) + ")"};
  }
  for (const int end : {pipes.input[0], pipes.output[1], pipes.errors[1]}) ::close(end);
  auto state = std::make_shared<State>(
      executor, pid, std::array<int, 3>{pipes.input[1], pipes.output[0], pipes.errors[0]});
  asio::co_spawn(executor, read_errors(state), asio::detached);
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(state)));
}

ChildProcess::~ChildProcess() {
  const auto grace = state_->cut == ChildFault::none ? kGrace : std::chrono::milliseconds(0);
  asio::co_spawn(state_->timer.get_executor(), say_goodbye(state_, grace), asio::detached);
}

int ChildProcess::pid() const { return state_->pid; }

asio::awaitable<ChildAnswer> ChildProcess::ask(const ChildExchange& exchange) {
  const std::shared_ptr<State> state = state_;
  ++state->asking;
  asio::co_spawn(state->timer.get_executor(),
                 look_at(state, Clock::now() + exchange.deadline, exchange.stopped),
                 asio::detached);
  const std::string line = exchange.line + "\n";
  ChildAnswer answer;
  const error_code not_written = co_await write_all(*state, line);
  std::optional<std::string> read;
  if (!not_written) read = co_await read_line(*state, exchange.answer_bytes_max);
  ++state->asking;
  state->timer.cancel();
  if (read) {
    answer.line = *std::move(read);
    co_return answer;
  }
  answer.fault = state->cut == ChildFault::none ? ChildFault::ended : state->cut;
  if (answer.fault == ChildFault::ended) {
    state->cut = ChildFault::ended;
    co_await wait_for_end(*state, kGrace);
  } else {
    state->kill_group();
  }
  co_await wait_for_last_words(*state);
  answer.error = cut_words(*state, exchange);
  co_return answer;
}

}  // namespace turnhalle
