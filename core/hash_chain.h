// A chain of SHA-256 hashes: each link covers its own bytes and, through the link before, all
// earlier ones.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace turnhalle {

class HashChain {
 public:
  static constexpr std::size_t kBytes = 32;

  /// The chain before its first link: 32 zero bytes.
  HashChain() = default;
  /// Goes on after a stored link; bytes of another length count as damaged and give zeros.
  explicit HashChain(std::string_view link);

  /// link ← SHA-256(link ‖ bytes).
  void add(std::string_view bytes);
  /// The same of bytes in several pieces.
  void add(std::span<const std::string_view> pieces);
  /// The last link's 32 bytes; valid as long as the chain is not touched.
  std::string_view link() const { return {link_.data(), link_.size()}; }
  /// Combines with a link bit by bit (xor): a seal that does not depend on the order of links.
  void mix(std::string_view link);
  std::string hexdigits() const;

  bool operator==(const HashChain&) const = default;

 private:
  std::array<char, kBytes> link_{};
};

/// The bytes that lower-case hexadecimal digits stand for; empty when they are not such.
std::string from_hex(std::string_view digits);

}  // namespace turnhalle
