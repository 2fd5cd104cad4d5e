// One request: bodies in every framing, limits, and https. A server over TLS that is trusted
// answers; one that nobody vouches for, or of another name, does not (the certificate is made here
// and trusted by SSL_CERT_FILE).
#include "agents/wire/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "tests/test_folder.h"

namespace turnhalle {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

void add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  ASSERT_NE(extension, nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// A certificate that signs itself, for an hour, and its key, as two files.
void write_certificate(const TestFolder& folder, const char* names) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string common = "turnhalle test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, names);
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> pem(
      std::fopen(folder.file("certificate").c_str(), "w"), close);
  PEM_write_X509(pem.get(), certificate.get());
  const std::unique_ptr<std::FILE, decltype(close)> secret(
      std::fopen(folder.file("key").c_str(), "w"), close);
  PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

// Answers one request over TLS with its own body.
class TlsServer {
 public:
  explicit TlsServer(const TestFolder& folder) {
    tls_.use_certificate_file(folder.file("certificate"), asio::ssl::context::pem);
    tls_.use_private_key_file(folder.file("key"), asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  // Knocks, in case that nobody came.
  ~TlsServer() {
    asio::io_context context;
    error_code ignored;
    Tcp::socket(context).connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  int port() const { return port_; }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    error_code error;
    asio::ssl::stream<Tcp::socket> stream(acceptor_.accept(), tls_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(stream, buffer, request, error);
    http::response<http::string_body> response(http::status::ok, 11);
    response.set(http::field::content_type, "application/json");
    response.body() = request.body();
    response.prepare_payload();
    http::write(stream, response, error);
  }

  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  Tcp::acceptor acceptor_{context_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  int port_ = acceptor_.local_endpoint().port();
  std::thread thread_;
};

HttpResult ask(const std::string& url) {
  HttpRequest request;
  request.base = parse_http_url(url).value();
  request.path = "/";
  request.body = "{\"a\": 1}";
  request.limits = {.deadline = std::chrono::milliseconds(20'000), .body_bytes_max = 10'000};
  HttpResult result;
  asio::io_context context;
  asio::co_spawn(context, http_request(request),
                 [&](std::exception_ptr failure, HttpResult given) {
                   EXPECT_EQ(failure, nullptr);
                   result = std::move(given);
                 });
  context.run();
  return result;
}

// Reads a request and writes `reply`, a byte at a time, as it is; then closes.
class RawServer {
 public:
  explicit RawServer(std::string reply) : thread_([this, reply = std::move(reply)] {
    error_code error;
    Tcp::socket socket = acceptor_.accept();
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(socket, buffer, request, error);
    socket.set_option(Tcp::no_delay(true), error);
    for (std::size_t i = 0; i < reply.size() && !error; ++i) {
      asio::write(socket, asio::buffer(&reply[i], 1), error);
    }
  }) {}
  ~RawServer() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  asio::io_context context_;
  Tcp::acceptor acceptor_{context_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  int port_ = acceptor_.local_endpoint().port();
  std::thread thread_;
};

HttpResult answered(const std::string& reply) {
  const RawServer server(reply);
  return ask(server.url());
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\n";

TEST(HttpRequest, ReadsBodiesInEveryFraming) {
  const std::string head = kOk;
  for (const std::string& reply :
       {head + "Content-Length: 5\r\n\r\nhello",
        head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        head + "\r\nhello",
        std::string("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")}) {
    const HttpResult result = answered(reply);
    EXPECT_EQ(result.fault, HttpFault::none) << result.error << "\n" << reply;
    EXPECT_EQ(result.response.status, 200);
    EXPECT_EQ(result.response.content_type, "text/plain");
    EXPECT_EQ(result.response.body, "hello") << reply;
  }
}

TEST(HttpRequest, TellsWhatWasCutOff) {
  const std::string head = kOk;
  for (const std::string& reply :
       {std::string(), std::string("HTTP/1.1 2"), head, head + "Content-Length: 5\r\n\r\nhell",
        head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n"}) {
    EXPECT_EQ(answered(reply).fault, HttpFault::closed) << reply;
  }
}

TEST(HttpRequest, RefusesMoreThanItsLimits) {
  const std::string head = kOk;
  EXPECT_EQ(answered(head + "Content-Length: 10001\r\n\r\n").fault, HttpFault::too_large);
  EXPECT_EQ(answered(head + "\r\n" + std::string(10'001, 'x')).fault, HttpFault::too_large);
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(answered(chunked + "fffff\r\n" + std::string(10'001, 'x')).fault,
            HttpFault::too_large);
  EXPECT_NE(answered(chunked + "1;" + std::string(120'000, 'x')).fault, HttpFault::none);
  EXPECT_EQ(answered(head + "X: " + std::string(40'000, 'x') + "\r\n\r\n").fault,
            HttpFault::too_large);
}

TEST(HttpRequest, FollowsNoRedirectAndReadsRetryAfter) {
  const HttpResult moved = answered(
      "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(moved.response.status, 301);
  const auto after = [](const std::string& value) {
    return answered("HTTP/1.1 429 Busy\r\nRetry-After: " + value + "\r\nContent-Length: 0\r\n\r\n")
        .response.retry_after;
  };
  EXPECT_EQ(after("7"), std::chrono::seconds(7));
  EXPECT_FALSE(after("-7"));
  EXPECT_FALSE(after("Wed, 21 Oct 2015 07:28:00 GMT"));
}

TEST(HttpRequest, OfWhatIsNotHttpIsMalformed) {
  // A server that hangs up with the request unread may take its words with it.
  EXPECT_THAT(answered("220 mail.example.com ESMTP\r\n").fault,
              testing::AnyOf(HttpFault::malformed, HttpFault::closed));
  EXPECT_EQ(answered(std::string(kOk) + "Content-Length: x\r\n\r\n").fault,
            HttpFault::malformed);
}

class Https : public testing::Test {
 protected:
  void trust(const std::string& file) { setenv("SSL_CERT_FILE", file.c_str(), 1); }
  void TearDown() override { unsetenv("SSL_CERT_FILE"); }
  TestFolder folder_;
};

TEST_F(Https, AsksAServerThatIsTrusted) {
  write_certificate(folder_, "IP:127.0.0.1,DNS:localhost");
  trust(folder_.file("certificate"));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const TlsServer server(folder_);
    const HttpResult result =
        ask("https://" + std::string(host) + ":" + std::to_string(server.port()));
    EXPECT_EQ(result.fault, HttpFault::none) << result.error;
    EXPECT_EQ(result.response.status, 200);
    EXPECT_EQ(result.response.body, "{\"a\": 1}");
  }
}

TEST_F(Https, RefusesOneThatNobodyVouchesFor) {
  write_certificate(folder_, "IP:127.0.0.1");
  trust(folder_.file("no such file"));
  const TlsServer server(folder_);
  const HttpResult result = ask(server.url());
  EXPECT_EQ(result.fault, HttpFault::tls);
  EXPECT_THAT(result.error, testing::HasSubstr("certificate"));
  EXPECT_FALSE(worth_retrying(result));
}

TEST_F(Https, RefusesOneOfAnotherName) {
  write_certificate(folder_, "DNS:example.com");
  trust(folder_.file("certificate"));
  const TlsServer server(folder_);
  EXPECT_EQ(ask(server.url()).fault, HttpFault::tls);
}

}  // namespace
}  // namespace turnhalle
