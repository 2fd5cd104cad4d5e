// A chat-completions endpoint on a real socket, for tests: it answers well, or in one of the ways
// in which endpoints misbehave. One thread for each connection.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/json.h"

namespace turnhalle {

enum class Conduct {
  good,
  good_stream,     ///< server-sent events with [DONE]; the connection stays open afterwards
  slow,            ///< a good answer, a byte every 20 ms
  truncated,       ///< closes in the middle of the body
  invalid_json,    ///< a body that is not JSON
  error_500,       ///< status 500 with an error object
  wrong_ids,       ///< two tool calls with one id, a third with none
  huge,            ///< a body without end, of the right type
  closes,          ///< closes without a word
  endless_stream,  ///< events of a token each, for ever
  wrong_type,      ///< a page of HTML with status 200
  never,           ///< reads the request and says nothing
  busy,            ///< status 429, Retry-After: 0
  busy_long,       ///< status 429, Retry-After: 3600
  unauthorised,    ///< status 401, with the key it was sent in the message
  not_http,        ///< a line that is not HTTP
  many_headers,    ///< a header of a megabyte
  cut_stream,      ///< events that end, properly closed, before the reply does
};

struct SeenRequest {
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in lower case
  Json body;
};

class TestEndpoint {
 public:
  /// How request number 0, 1, … is treated, and the message and finish reason of good answers:
  /// {"message": {…}, "finish_reason": "stop", …more keys of the choice}.
  using Script = std::function<Conduct(std::int64_t request)>;
  using Answer = std::function<Json(const Json& request)>;

  explicit TestEndpoint(Script script, Answer answer = says("5"));
  /// Treats every request the same.
  explicit TestEndpoint(Conduct conduct, Answer answer = says("5"));
  ~TestEndpoint();
  TestEndpoint(const TestEndpoint&) = delete;
  TestEndpoint& operator=(const TestEndpoint&) = delete;

  /// An answer of text.
  static Answer says(std::string text);

  int port() const { return port_; }
  /// "http://127.0.0.1:PORT/v1"
  std::string base() const;
  std::vector<SeenRequest> requests() const;
  /// The most requests that were in the works at one time.
  int most_at_once() const { return most_; }
  /// Each good answer takes so long.
  void set_delay_ms(int value) { delay_ms_ = value; }

 private:
  struct Acceptor;
  friend class EndpointSession;
  Script script_;
  Answer answer_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> delay_ms_{0};
  std::atomic<int> now_{0};
  std::atomic<int> most_{0};
  int port_ = 0;
  mutable std::mutex mutex_;  // guards requests_
  std::vector<SeenRequest> requests_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace turnhalle
