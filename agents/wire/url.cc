#include "agents/wire/url.h"

#include <algorithm>
#include <cstdint>

#include "core/text.h"

namespace turnhalle {
namespace {

Error bad_url(const std::string& expected, std::string_view found) {
  return {"", "expected " + expected + "; found " + in_quotes(found)};
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_host(std::string_view host, bool bracketed) {
  constexpr std::string_view kAddress = "0123456789abcdefABCDEF:.";
  const auto belongs = [bracketed, kAddress](char c) {
    return bracketed ? kAddress.find(c) != std::string_view::npos
                     : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), belongs);
}

bool is_port(std::string_view port) {
  std::int64_t number = 0;
  return port.size() <= 5 && parse_integer(port, number) && number >= 1 && number <= 65535;
}

const char* scheme_port(bool tls) { return tls ? "443" : "80"; }

}  // namespace

std::string HttpUrl::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == scheme_port(tls) ? name : name + ":" + port;
}

std::string HttpUrl::text() const {
  return (tls ? "https://" : "http://") + authority() + path;
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  HttpUrl url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) {
    return bad_url("a URL http://HOST:PORT/PATH or https://…", text);
  }
  std::string_view rest = text.substr(url.tls ? 8 : 7);
  if (!is_visible_ascii(rest) || rest.find_first_of("?#\"<>\\^`{|}") != std::string_view::npos) {
    return bad_url("a URL without query, blanks and special characters", text);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view place = rest.substr(0, slash);
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  if (place.find('@') != std::string_view::npos) {
    return {Error{"", "expected a URL without user and password (a key is given by its "
                      "environment variable, @key_env=NAME); found one with \"@\""}};
  }
  const bool bracketed = place.starts_with('[');
  const std::size_t end = bracketed ? place.find(']') : std::min(place.find(':'), place.size());
  if (end == std::string_view::npos) {
    return bad_url("a closing bracket after an IPv6 address", text);
  }
  url.host = place.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  place.remove_prefix(end + (bracketed ? 1 : 0));
  url.port = place.empty() ? scheme_port(url.tls) : std::string(place.substr(1));
  if (!is_host(url.host, bracketed)) {
    return bad_url("a URL with the name or address of a host", text);
  }
  if ((!place.empty() && place.front() != ':') || !is_port(url.port)) {
    return bad_url("a port from 1 to 65535", text);
  }
  return url;
}

}  // namespace turnhalle
