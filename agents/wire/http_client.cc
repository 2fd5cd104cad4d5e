#include "agents/wire/http_client.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cmath>
#include <memory>

#include "core/text.h"

namespace turnhalle {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Tcp = asio::ip::tcp;
using Parser = http::response_parser<http::string_body>;
using TlsStream = asio::ssl::stream<beast::tcp_stream>;

constexpr std::chrono::milliseconds kStopLook{100};

HttpFault fault_of(const error_code& error) {
  if (error == beast::error::timeout) return HttpFault::deadline;
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return HttpFault::too_large;
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error == asio::error::eof || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe || error == asio::ssl::error::stream_truncated) {
    return HttpFault::closed;
  }
  return error.category() == asio::error::get_ssl_category() ? HttpFault::tls
                                                             : HttpFault::malformed;
}

std::string words_of(HttpFault fault, const HttpRequest& request, const error_code& error) {
  switch (fault) {
    case HttpFault::deadline:
      return "no complete response within " +
             shortest(static_cast<double>(request.limits.deadline.count()) / 1000.0) + " s";
    case HttpFault::closed: return "the connection was closed before the response was complete";
    case HttpFault::too_large:
      return "the response is larger than " + std::to_string(request.limits.body_bytes_max) +
             " bytes, or its header than " + std::to_string(request.limits.header_bytes_max);
    case HttpFault::malformed: return "the response is not HTTP (" + error.message() + ")";
    case HttpFault::look_up: return "the host is unknown (" + error.message() + ")";
    case HttpFault::tls: return "no TLS with the host (" + error.message() + ")";
    default: return one_line(error.message());
  }
}

// Closes the connection when the request is to be dropped. Shared by the request and the coroutine
// that looks; both run on the request's executor, one at a time. `stream` is null when the request
// is over.
struct Watch {
  explicit Watch(const asio::any_io_executor& executor)
      : timer(executor), resolver(executor), looked_up(executor) {}
  asio::steady_timer timer;
  Tcp::resolver resolver;
  asio::steady_timer looked_up;  // cancelled when a look-up is over or no longer wanted
  beast::tcp_stream* stream = nullptr;
  std::function<bool()> stopped;
  bool fired = false;
};

asio::awaitable<void> look_for_stop(std::shared_ptr<Watch> watch) {
  while (watch->stream != nullptr) {
    error_code cancelled;
    watch->timer.expires_after(kStopLook);
    co_await watch->timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (watch->stream != nullptr && watch->stopped()) {
      watch->fired = true;
      watch->looked_up.cancel();
      watch->stream->close();
      co_return;
    }
  }
}

// Ends the watch with the request, however that ends.
class WatchGuard {
 public:
  WatchGuard(std::shared_ptr<Watch> watch, beast::tcp_stream& stream,
             const std::function<bool()>& stopped)
      : watch_(std::move(watch)) {
    watch_->stream = &stream;
    watch_->stopped = stopped;
    if (stopped) {
      asio::co_spawn(stream.get_executor(), look_for_stop(watch_), asio::detached);
    }
  }
  ~WatchGuard() {
    watch_->stream = nullptr;
    watch_->timer.cancel();
  }
  WatchGuard(const WatchGuard&) = delete;
  WatchGuard& operator=(const WatchGuard&) = delete;

 private:
  std::shared_ptr<Watch> watch_;
};

std::string request_text(const HttpRequest& request) {
  std::string text = request.method + " " + request.base.path + request.path + " HTTP/1.1\r\n" +
                     "Host: " + request.base.authority() + "\r\n" +
                     "User-Agent: turnhalle\r\nConnection: close\r\n" +
                     "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + request.body;
}

// Bytes over a connection. What reads and writes HTTP knows no more of it, so that it is compiled
// once for both kinds.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, error_code& error) = 0;
  virtual asio::awaitable<void> write(std::string_view bytes, error_code& error) = 0;
};

template <class Stream>
class ConnectionOf final : public Connection {
 public:
  explicit ConnectionOf(Stream& stream) : stream_(stream) {}
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, error_code& error) override {
    co_return co_await stream_.async_read_some(into,
                                               asio::redirect_error(asio::use_awaitable, error));
  }
  asio::awaitable<void> write(std::string_view bytes, error_code& error) override {
    while (!bytes.empty() && !error) {
      const asio::const_buffer rest(bytes.data(), bytes.size());
      bytes.remove_prefix(co_await stream_.async_write_some(
          rest, asio::redirect_error(asio::use_awaitable, error)));
    }
  }

 private:
  Stream& stream_;
};

bool is_end(const error_code& error) {
  return error == asio::error::eof || error == asio::ssl::error::stream_truncated;
}

// Feeds the parser until the response is whole, or is not wanted any further.
asio::awaitable<error_code> read_response(Connection& connection, const HttpRequest& request,
                                          Parser& parser) {
  constexpr std::size_t kPiece = 16 << 10;
  parser.header_limit(request.limits.header_bytes_max);
  parser.body_limit(request.limits.body_bytes_max);
  parser.eager(true);
  beast::flat_buffer buffer(request.limits.header_bytes_max + 4 * kPiece);
  error_code error;
  while (!parser.is_done()) {
    if (buffer.size() + kPiece > buffer.max_size()) {
      co_return http::error::buffer_overflow;  // the head of a chunk that does not end
    }
    const asio::mutable_buffer space = buffer.prepare(kPiece);
    const std::size_t count = co_await connection.read_some(space, error);
    if (is_end(error)) {
      error = http::error::end_of_stream;
      if (parser.got_some()) parser.put_eof(error);
      co_return error;
    }
    if (error) co_return error;
    buffer.commit(count);
    buffer.consume(parser.put(buffer.data(), error));
    if (error == http::error::need_more) error = {};
    if (error) co_return error;
    if (request.complete && request.complete(parser.get().body())) break;
  }
  co_return error;
}

// Sends the request and reads the response into the parser.
asio::awaitable<error_code> converse(Connection& connection, const HttpRequest& request,
                                     Parser& parser) {
  error_code error;
  const std::string text = request_text(request);
  co_await connection.write(text, error);
  if (error) {
    co_return error;
  }
  co_return co_await read_response(connection, request, parser);
}

// Where the host is; an address needs no look-up.
// The system's look-up of a name cannot be called off: when it takes too long, the request goes
// on without it, and its end finds nobody.
asio::awaitable<Tcp::resolver::results_type> resolve(const std::shared_ptr<Watch>& watch,
                                                     const HttpRequest& request,
                                                     error_code& error) {
  const HttpUrl& url = request.base;
  error_code not_numeric;
  const auto address = asio::ip::make_address(url.host, not_numeric);
  std::int64_t port = 0;
  parse_integer(url.port, port);
  if (!not_numeric) {
    const Tcp::endpoint endpoint(address, static_cast<std::uint16_t>(port));
    co_return Tcp::resolver::results_type::create(endpoint, url.host, url.port);
  }
  struct Found {
    error_code error = asio::error::timed_out;
    Tcp::resolver::results_type endpoints;
  };
  const auto found = std::make_shared<Found>();
  watch->looked_up.expires_after(request.limits.deadline);
  watch->resolver.async_resolve(url.host, url.port,
                                [found, watch](error_code failed, auto endpoints) {
                                  *found = {failed, std::move(endpoints)};
                                  watch->looked_up.cancel();
                                });
  error_code ignored;
  co_await watch->looked_up.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  error = found->error;
  co_return found->endpoints;
}

// Connects; the fault says at which step it failed.
asio::awaitable<HttpFault> connect(beast::tcp_stream& stream, const std::shared_ptr<Watch>& watch,
                                   const HttpRequest& request, error_code& error) {
  const auto endpoints = co_await resolve(watch, request, error);
  if (error == asio::error::timed_out) {
    co_return HttpFault::deadline;
  }
  if (error) {
    co_return HttpFault::look_up;
  }
  co_await stream.async_connect(endpoints, asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    co_return HttpFault::none;
  }
  co_return error == beast::error::timeout ? HttpFault::deadline : HttpFault::connect;
}

asio::awaitable<error_code> shake_hands(TlsStream& stream, const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  const bool is_name = error.failed();  // addresses are not sent as the name of a server
  if (is_name && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {
    co_return error_code(asio::error::invalid_argument);
  }
  error = {};
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(host));
  co_await stream.async_handshake(asio::ssl::stream_base::client,
                                  asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string as_string(beast::string_view view) { return {view.data(), view.size()}; }

HttpResponse response_of(Parser& parser) {
  http::response<http::string_body> message = parser.release();
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  const std::string type = as_string(message[http::field::content_type]);
  response.content_type = lower(std::string(trim(type.substr(0, type.find(';')))));
  std::int64_t seconds = 0;
  const std::string after = as_string(message[http::field::retry_after]);
  if (parse_integer(trim(after), seconds) && seconds >= 0) {
    response.retry_after = std::chrono::seconds(std::min<std::int64_t>(seconds, 1'000'000));
  }
  response.body = std::move(message.body());
  return response;
}

// What a conversation that ended came to.
HttpResult finish(const HttpRequest& request, Parser& parser, const Watch& watch, HttpFault fault,
                  const error_code& error) {
  HttpResult result;
  if (watch.fired) {
    result.fault = HttpFault::stopped;
    result.error = "the run was stopped";
  } else if (fault != HttpFault::none) {
    result.fault = fault;
    result.error = words_of(fault, request, error);
  } else {
    result.response = response_of(parser);
  }
  return result;
}

asio::awaitable<HttpResult> plain_request(const HttpRequest& request) {
  const auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  const auto watch = std::make_shared<Watch>(executor);
  const WatchGuard guard(watch, stream, request.stopped);
  stream.expires_after(request.limits.deadline);
  Parser parser;
  error_code error;
  HttpFault fault = co_await connect(stream, watch, request, error);
  if (fault == HttpFault::none) {
    ConnectionOf<beast::tcp_stream> connection(stream);
    error = co_await converse(connection, request, parser);
    if (error) fault = fault_of(error);
  }
  co_return finish(request, parser, *watch, fault, error);
}

asio::awaitable<HttpResult> tls_request(const HttpRequest& request) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ssl::context context(asio::ssl::context::tls_client);
  error_code error;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  context.set_default_verify_paths(error);
  TlsStream stream(executor, context);
  beast::tcp_stream& lowest = stream.next_layer();
  const auto watch = std::make_shared<Watch>(executor);
  const WatchGuard guard(watch, lowest, request.stopped);
  lowest.expires_after(request.limits.deadline);
  Parser parser;
  HttpFault fault = co_await connect(lowest, watch, request, error);
  if (fault == HttpFault::none) {
    error = co_await shake_hands(stream, request.base.host);
    if (error) fault = error == beast::error::timeout ? HttpFault::deadline : HttpFault::tls;
  }
  if (fault == HttpFault::none) {
    ConnectionOf<TlsStream> connection(stream);
    error = co_await converse(connection, request, parser);
    if (error) fault = fault_of(error);
  }
  co_return finish(request, parser, *watch, fault, error);
}

bool is_transient(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

// Waits in small steps, so that a stopped run does not hang in a back-off.
asio::awaitable<void> pause(std::chrono::milliseconds span, const HttpRequest& request) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto end = Clock::now() + span;
  while (Clock::now() < end && !(request.stopped && request.stopped())) {
    timer.expires_at(std::min(end, Clock::now() + kStopLook));
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace

asio::awaitable<HttpResult> http_request(const HttpRequest& request) {
  if (request.base.tls) {
    co_return co_await tls_request(request);
  }
  co_return co_await plain_request(request);
}

std::optional<std::chrono::milliseconds> wait_before_retry(const HttpRetries& retries, int number,
                                                           const HttpResult& last,
                                                           RandomKey key) {
  const double doubled = static_cast<double>(retries.first.count()) * std::exp2(number);
  const double full = std::min(doubled, static_cast<double>(retries.longest.count()));
  const double drawn = full * (1.0 - 0.25 * uniform_at(key, static_cast<std::uint64_t>(number)));
  const std::chrono::milliseconds own(static_cast<std::int64_t>(drawn));
  const auto& asked = last.response.retry_after;
  if (!asked) {
    return own;
  }
  if (*asked > retries.retry_after_max) {
    return std::nullopt;
  }
  return std::max(own, std::chrono::duration_cast<std::chrono::milliseconds>(*asked));
}

bool worth_retrying(const HttpResult& result) {
  switch (result.fault) {
    case HttpFault::none: {
      const int status = result.response.status;
      return (status >= 200 && status < 300) || is_transient(status);
    }
    case HttpFault::connect:
    case HttpFault::deadline:
    case HttpFault::closed:
    case HttpFault::malformed: return true;
    case HttpFault::look_up:
    case HttpFault::tls:
    case HttpFault::too_large:
    case HttpFault::stopped: return false;
  }
  return false;
}

asio::awaitable<HttpOutcome> http_request_with_retries(
    const HttpRequest& request, const HttpRetries& retries, RandomKey key,
    const std::function<std::string(const HttpResponse&)>& complaint) {
  const auto begin = Clock::now();
  HttpOutcome outcome;
  while (true) {
    outcome.last = co_await http_request(request);
    ++outcome.tries;
    outcome.complaint = outcome.last.fault == HttpFault::none ? complaint(outcome.last.response)
                                                              : outcome.last.error;
    outcome.elapsed = Clock::now() - begin;
    if (outcome.complaint.empty() || outcome.tries > retries.count ||
        !worth_retrying(outcome.last)) {
      co_return outcome;
    }
    const auto wait = wait_before_retry(retries, outcome.tries - 1, outcome.last, key);
    if (!wait) {
      co_return outcome;
    }
    co_await pause(*wait, request);
    if (request.stopped && request.stopped()) {
      outcome.last.fault = HttpFault::stopped;
      co_return outcome;
    }
  }
}

}  // namespace turnhalle
