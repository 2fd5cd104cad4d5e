#include "core/sha256.h"

#include <openssl/evp.h>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {

void Sha256::Release::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
        "SHA-256 can be started");
}

Sha256::Sha256(const Sha256& other) : context_(EVP_MD_CTX_new()) {
  check(context_ != nullptr && EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1,
        "SHA-256 can be copied");
}

Sha256& Sha256::operator=(const Sha256& other) { return *this = Sha256(other); }

Sha256& Sha256::update(std::string_view bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1,
        "SHA-256 takes more bytes");
  return *this;
}

std::array<std::uint8_t, 32> Sha256::finish() const {
  const Sha256 copy(*this);
  std::array<std::uint8_t, 32> digest{};
  unsigned length = 0;
  check(EVP_DigestFinal_ex(copy.context_.get(), digest.data(), &length) == 1 &&
            length == digest.size(),
        "SHA-256 gives 32 bytes");
  return digest;
}

std::string Sha256::hexdigest() const {
  const auto digest = finish();
  return hex(std::string(digest.begin(), digest.end()));
}

std::string sha256_hex(std::string_view bytes) { return Sha256().update(bytes).hexdigest(); }

}  // namespace turnhalle
