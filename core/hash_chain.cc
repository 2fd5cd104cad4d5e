#include "core/hash_chain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// Looking the algorithm up and allocating its state would cost as much as the hash of a turn.
class Hasher {
 public:
  Hasher()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free),
        state_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {}

  void hash(std::string_view first, std::span<const std::string_view> pieces, char* out) {
    bool good = EVP_DigestInit_ex2(state_.get(), algorithm_.get(), nullptr) == 1 &&
                EVP_DigestUpdate(state_.get(), first.data(), first.size()) == 1;
    for (const std::string_view piece : pieces) {
      good = good && EVP_DigestUpdate(state_.get(), piece.data(), piece.size()) == 1;
    }
    good = good &&
           EVP_DigestFinal_ex(state_.get(), reinterpret_cast<unsigned char*>(out), nullptr) == 1;
    check(good, "SHA-256 can be computed");
  }

 private:
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> algorithm_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> state_;
};

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

HashChain::HashChain(std::string_view link) {
  if (link.size() == kBytes) {
    std::copy(link.begin(), link.end(), link_.begin());
  }
}

void HashChain::add(std::string_view bytes) { add(std::span(&bytes, 1)); }

void HashChain::add(std::span<const std::string_view> pieces) {
  thread_local Hasher hasher;
  hasher.hash(link(), pieces, link_.data());
}

void HashChain::mix(std::string_view link) {
  check(link.size() == kBytes, "a link has 32 bytes", link.size());
  for (std::size_t i = 0; i < kBytes; ++i) {
    link_[i] = static_cast<char>(link_[i] ^ link[i]);
  }
}

std::string HashChain::hexdigits() const { return hex(link()); }

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const int high = digit_of(digits[i]);
    const int low = digit_of(digits[i + 1]);
    if (high < 0 || low < 0) {
      return "";
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return digits.size() % 2 == 0 ? bytes : "";
}

}  // namespace turnhalle
