#include "tests/agents/wire/test_endpoint.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <thread>
#include <utility>

namespace turnhalle {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

// One connection, one request.
class EndpointSession {
 public:
  EndpointSession(TestEndpoint& endpoint, Tcp::socket socket)
      : endpoint_(endpoint), socket_(std::move(socket)) {}

  void run() {
    const int now = ++endpoint_.now_;
    int most = endpoint_.most_;
    while (now > most && !endpoint_.most_.compare_exchange_weak(most, now)) {
    }
    serve();
    leave();
    error_code ignored;
    socket_.shutdown(Tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

 private:
  // A request is over for its client, who may send the next one, when the last byte is sent.
  void leave() {
    if (counted_) --endpoint_.now_;
    counted_ = false;
  }
  void serve() {
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    error_code error;
    http::read(socket_, buffer, request, error);
    if (error) return;
    SeenRequest seen;
    seen.target = std::string(request.target());
    for (const auto& field : request) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
      });
      seen.headers[name] = std::string(field.value());
    }
    seen.body = Json::parse(request.body(), nullptr, false);
    std::int64_t number = 0;
    {
      const std::lock_guard lock(endpoint_.mutex_);
      number = static_cast<std::int64_t>(endpoint_.requests_.size());
      endpoint_.requests_.push_back(seen);
    }
    treat(endpoint_.script_(number), seen);
  }

  void treat(Conduct conduct, const SeenRequest& seen) {
    switch (conduct) {
      case Conduct::good: wait(endpoint_.delay_ms_); return send(200, kJson, whole(seen.body));
      case Conduct::good_stream: return send_stream(seen.body);
      case Conduct::slow: return drip(response(200, kJson, whole(seen.body)));
      case Conduct::truncated: {
        const std::string all = response(200, kJson, whole(seen.body));
        write(all.substr(0, all.size() - 20));
        return;
      }
      case Conduct::invalid_json: return send(200, kJson, "{\"choices\": [");
      case Conduct::error_500: return send(500, kJson, R"({"error": {"message": "it broke"}})");
      case Conduct::wrong_ids: return send_wrong_ids();
      case Conduct::huge: return send_for_ever(kJson, "{\"choices\": [\"", "xxxxxxxxxxxxxxxx");
      case Conduct::closes: return;
      case Conduct::endless_stream: return send_for_ever(kEvents, "", event("a", nullptr));
      case Conduct::wrong_type: return send(200, "text/html; charset=utf-8", "<p>Hello</p>");
      case Conduct::never: return wait_for_close();
      case Conduct::busy: return send(429, kJson, "{}", "Retry-After: 0\r\n");
      case Conduct::busy_long: return send(429, kJson, "{}", "Retry-After: 3600\r\n");
      case Conduct::unauthorised: return send_unauthorised(seen);
      case Conduct::not_http: static_cast<void>(write("SSH-2.0-OpenSSH_9.2\r\n")); return;
      case Conduct::many_headers:
        return send(200, kJson, "{}", "X-Filler: " + std::string(1 << 20, 'x') + "\r\n");
      case Conduct::cut_stream: return send(200, kEvents, event("a", nullptr));
    }
  }

  static constexpr const char* kJson = "application/json";
  static constexpr const char* kEvents = "text/event-stream";

  Json choice(const Json& request) const {
    Json choice = endpoint_.answer_(request);
    choice["index"] = 0;
    return choice;
  }
  std::string whole(const Json& request) const {
    const Json usage = {{"prompt_tokens", 11}, {"completion_tokens", 7}, {"total_tokens", 18}};
    Json body = {{"id", "x"}, {"object", "chat.completion"}, {"usage", usage}};
    body["choices"] = Json::array({choice(request)});
    // Keys that servers put at the top of the response.
    if (body["choices"][0].contains("prompt_token_ids")) {
      body["prompt_token_ids"] = body["choices"][0]["prompt_token_ids"];
      body["choices"][0].erase("prompt_token_ids");
    }
    return body.dump();
  }
  static std::string response(int status, const std::string& type, const std::string& body,
                              const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Words\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
  }
  static std::string event(const Json& content, const Json& reason) {
    const Json choice = {
        {"index", 0}, {"delta", {{"content", content}}}, {"finish_reason", reason}};
    return "data: " + Json{{"choices", Json::array({choice})}}.dump() + "\n\n";
  }

  bool write(const std::string& bytes) {
    error_code error;
    asio::write(socket_, asio::buffer(bytes), error);
    return !error;
  }
  void send(int status, const std::string& type, const std::string& body,
            const std::string& headers = "") {
    leave();
    write(response(status, type, body, headers));
  }
  void send_stream(const Json& request) {
    const std::string text = choice(request)["message"]["content"];
    std::string body = ": a comment\n\n";
    for (const char c : text) body += event(std::string(1, c), nullptr);
    body += event(nullptr, "stop");
    body += "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 11, "
            "\"completion_tokens\": 7}}\n\n";
    write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n" + body);
    wait(endpoint_.delay_ms_);
    write("data: [DONE]\n\n");
    wait_for_close();
  }
  void send_wrong_ids() {
    const auto call = [](const Json& id, const char* arguments) {
      Json json = {{"type", "function"},
                   {"function", {{"name", "put"}, {"arguments", arguments}}}};
      if (!id.is_null()) json["id"] = id;
      return json;
    };
    const Json calls = {call("a", "{\"item\": \"tea\"}"), call("a", "{\"item\": \"salt\"}"),
                        call(nullptr, "{\"item\": ")};
    const Json message = {{"role", "assistant"}, {"content", "5"}, {"tool_calls", calls}};
    Json body;
    body["choices"] = {{{"index", 0}, {"message", message}, {"finish_reason", "tool_calls"}}};
    send(200, kJson, body.dump());
  }
  void send_for_ever(const std::string& type, const std::string& begin, const std::string& piece) {
    if (!write("HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n\r\n" + begin)) return;
    std::string pieces;
    while (pieces.size() < 4096) pieces += piece;
    while (!endpoint_.stopping_ && write(pieces)) {
      if (type == kEvents) wait(5);
    }
  }
  void send_unauthorised(const SeenRequest& seen) {
    const auto key = seen.headers.find("authorization");
    const Json error = {
        {"message", "no such key: " + (key == seen.headers.end() ? "" : key->second)}};
    send(401, kJson, Json{{"error", error}}.dump());
  }
  void drip(const std::string& bytes) {
    for (std::size_t i = 0; i < bytes.size() && !endpoint_.stopping_; ++i) {
      if (!write(bytes.substr(i, 1))) return;
      wait(20);
    }
  }
  static void wait(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }
  void wait_for_close() {
    char byte = 0;
    while (!endpoint_.stopping_ &&
           recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
      wait(2);
    }
  }

  TestEndpoint& endpoint_;
  Tcp::socket socket_;
  bool counted_ = true;
};

struct TestEndpoint::Acceptor {
  asio::io_context context;
  Tcp::acceptor acceptor{context, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::thread thread;
  std::vector<std::thread> sessions;  // of the accepting thread until it is joined
};

TestEndpoint::TestEndpoint(Script script, Answer answer)
    : script_(std::move(script)),
      answer_(std::move(answer)),
      acceptor_(std::make_unique<Acceptor>()) {
  port_ = acceptor_->acceptor.local_endpoint().port();
  acceptor_->thread = std::thread([this] {
    while (!stopping_) {
      error_code error;
      Tcp::socket socket = acceptor_->acceptor.accept(error);
      if (error || stopping_) continue;
      acceptor_->sessions.emplace_back(
          [this, shared = std::make_shared<Tcp::socket>(std::move(socket))] {
            EndpointSession(*this, std::move(*shared)).run();
          });
    }
  });
}

TestEndpoint::TestEndpoint(Conduct conduct, Answer answer)
    : TestEndpoint([conduct](std::int64_t) { return conduct; }, std::move(answer)) {}

TestEndpoint::~TestEndpoint() {
  stopping_ = true;
  error_code ignored;
  Tcp::socket wake(acceptor_->context);  // ends the accept that waits
  wake.connect(Tcp::endpoint(asio::ip::address_v4::loopback(),
                             static_cast<std::uint16_t>(port_)), ignored);
  acceptor_->thread.join();
  for (std::thread& session : acceptor_->sessions) session.join();
}

TestEndpoint::Answer TestEndpoint::says(std::string text) {
  return [text](const Json&) {
    return Json{{"message", {{"role", "assistant"}, {"content", text}}},
                {"finish_reason", "stop"}};
  };
}

std::string TestEndpoint::base() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
}

std::vector<SeenRequest> TestEndpoint::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace turnhalle
