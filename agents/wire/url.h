// Where an HTTP endpoint is: http://HOST[:PORT][/PATH] or https://….
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace turnhalle {

struct HttpUrl {
  bool tls = false;
  std::string host;  ///< a name or an address; IPv6 without its brackets
  std::string port;  ///< decimal; of the scheme when the URL names none
  std::string path;  ///< "" or "/v1": no slash at the end

  /// What the Host header holds: the port only where it is not the scheme's.
  std::string authority() const;
  std::string text() const;
};

/// Refuses other schemes, users and passwords (which would be recorded), queries, fragments, and
/// characters that do not belong into a URL.
Result<HttpUrl> parse_http_url(std::string_view text);

}  // namespace turnhalle
