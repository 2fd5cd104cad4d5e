// A child process that is spoken to in lines: one written to its standard input, one read from its
// standard output. Coroutines that hold no thread; never a zombie.
//
// The command is a shell's (/bin/sh -c) and the leader of a process group of its own: a signal
// that stops the program does not reach it. It gets no descriptor beside the three standard ones.
// What it writes to standard error is read all the time, and its end is kept for messages.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace turnhalle {

enum class ChildFault : std::uint8_t {
  none,
  ended,      ///< it exited, crashed, or closed its output
  deadline,   ///< no line in time; it was killed
  too_long,   ///< a line over the limit; it was killed
  stopped,    ///< by ChildExchange::stopped; it was killed
};

struct ChildExchange {
  std::string line;  ///< what is said, without its line break
  std::chrono::milliseconds deadline{60'000};  ///< from writing to the whole answer
  std::size_t answer_bytes_max = std::size_t{1} << 20;
  std::function<bool()> stopped;  ///< asked ten times a second; may be empty
};

struct ChildAnswer {
  ChildFault fault = ChildFault::none;
  std::string line;
  std::string error;  ///< in words, with the end of standard error, when fault ≠ none
};

class ChildProcess {
 public:
  /// Starts the command; everything of the child runs on `executor`, which must run one thing at
  /// a time (a strand). An error when the system has no process or descriptor left.
  static Result<std::unique_ptr<ChildProcess>> start(boost::asio::any_io_executor executor,
                                                     const std::string& command);
  /// Closes the child's input and leaves two seconds to end; then its group is killed. Does not
  /// wait: a coroutine on the executor goes on until the child is reaped.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Says a line and waits for the answer. After a fault nothing more may be said.
  boost::asio::awaitable<ChildAnswer> ask(const ChildExchange& exchange);
  /// Of the group's leader.
  int pid() const;

  struct State;

 private:
  explicit ChildProcess(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace turnhalle
