// SHA-256 (FIPS 180-4), by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace turnhalle {

/// A digest of the bytes given so far. Asking for it does not end it: more bytes may follow.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256& other);
  Sha256(Sha256&&) noexcept = default;
  Sha256& operator=(Sha256&&) noexcept = default;
  ~Sha256() = default;

  Sha256& update(std::string_view bytes);
  /// The digest of everything given so far.
  std::array<std::uint8_t, 32> finish() const;
  /// The same as 64 lower-case hexadecimal digits.
  std::string hexdigest() const;

 private:
  struct Release {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Release> context_;
};

/// The digest of one text in hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace turnhalle
