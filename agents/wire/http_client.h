// One HTTP request with a deadline, limits on sizes, and retries; a coroutine that holds no thread.
//
// Each request has a connection of its own (Connection: close), so that no idle connection is held
// from a server between turns. Certificates are checked against the system's authorities
// (SSL_CERT_FILE names others). Redirects are not followed. Name look-ups end by the system's own
// time limits, whatever the deadline says.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/wire/url.h"
#include "core/rng.h"

namespace turnhalle {

struct HttpLimits {
  std::chrono::milliseconds deadline{60'000};  ///< from connecting to the last byte
  std::uint32_t header_bytes_max = 32 << 10;
  std::size_t body_bytes_max = std::size_t{8} << 20;
};

struct HttpRequest {
  std::string method = "POST";
  HttpUrl base;
  std::string path;  ///< appended to the base's: "/chat/completions"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  HttpLimits limits;
  /// Asked after each piece of the body: true ends the reading. May be empty.
  std::function<bool(std::string_view body)> complete;
  /// Asked ten times a second: true drops the request. May be empty.
  std::function<bool()> stopped;
};

struct HttpResponse {
  int status = 0;
  std::string content_type;  ///< without parameters, in lower case
  std::optional<std::chrono::seconds> retry_after;
  std::string body;
};

/// What became of one try.
enum class HttpFault : std::uint8_t {
  none,       ///< a response came, of whatever status
  look_up,    ///< the host's name is unknown
  connect,    ///< refused or unreachable
  tls,        ///< no trust, or no common protocol
  deadline,   ///< not complete in time
  closed,     ///< the connection ended before the response did
  too_large,  ///< the response exceeds a limit
  malformed,  ///< what came is not HTTP
  stopped,    ///< by HttpRequest::stopped
};

struct HttpResult {
  HttpFault fault = HttpFault::none;
  std::string error;  ///< in words, when fault ≠ none
  HttpResponse response;
};

/// One try.
boost::asio::awaitable<HttpResult> http_request(const HttpRequest& request);

/// Waiting times between tries: first · 2^n, at most longest, less up to a quarter that a key
/// draws, so that many clients do not come back together. A server's Retry-After is kept instead
/// where it is longer.
struct HttpRetries {
  int count = 2;  ///< tries after the first
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds longest{8'000};
  std::chrono::milliseconds retry_after_max{60'000};  ///< a server that says longer is given up
};

/// The wait before try number `number` + 2; nothing when the server asks for too long a wait.
std::optional<std::chrono::milliseconds> wait_before_retry(const HttpRetries& retries, int number,
                                                           const HttpResult& last, RandomKey key);

/// Whether another try may help: everything but responses that say that the request is wrong,
/// responses over a limit, distrust and unknown hosts.
bool worth_retrying(const HttpResult& result);

struct HttpOutcome {
  HttpResult last;
  std::string complaint;  ///< of the last response; "" when it was good
  int tries = 0;
  std::chrono::nanoseconds elapsed{0};  ///< over all tries and waits
};

/// Tries until a response is good, which `complaint` says by returning "", or no try is left. A
/// complaint about a response of status 200 is worth another try.
boost::asio::awaitable<HttpOutcome> http_request_with_retries(
    const HttpRequest& request, const HttpRetries& retries, RandomKey key,
    const std::function<std::string(const HttpResponse&)>& complaint);

}  // namespace turnhalle
