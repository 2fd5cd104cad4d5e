// Finds added tokens in a text. Internal to the tokenizer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/lm/language_model.h"

namespace turnhalle::lm {

/// A trie over bytes. Matching costs at most the length of the longest token per position.
class TokenMatcher {
 public:
  struct Match {
    TokenId id = -1;  ///< -1: no token begins here
    std::size_t length = 0;
  };

  TokenMatcher() : nodes_(1) { roots_.fill(0); }

  void add(std::string_view content, TokenId id) {
    std::uint32_t node = 0;
    for (const char byte : content) {
      std::uint32_t next = child(node, byte);
      if (next == 0) {
        next = static_cast<std::uint32_t>(nodes_.size());
        if (node == 0) {
          roots_[static_cast<std::uint8_t>(byte)] = next;
        } else {
          nodes_[node].children.emplace_back(byte, next);
        }
        nodes_.emplace_back();
      }
      node = next;
    }
    nodes_[node].id = id;
  }

  bool empty() const { return nodes_.size() == 1; }

  /// The longest token that begins at `at` < text.size().
  Match longest(std::string_view text, std::size_t at) const {
    Match match;
    std::uint32_t node = roots_[static_cast<std::uint8_t>(text[at])];
    for (std::size_t length = 1; node != 0; ++length) {
      if (nodes_[node].id >= 0) {
        match = {nodes_[node].id, length};
      }
      node = at + length < text.size() ? child(node, text[at + length]) : 0;
    }
    return match;
  }

 private:
  struct Node {
    TokenId id = -1;
    std::vector<std::pair<char, std::uint32_t>> children;
  };

  /// 0 when there is none.
  std::uint32_t child(std::uint32_t node, char byte) const {
    if (node == 0) {
      return roots_[static_cast<std::uint8_t>(byte)];
    }
    for (const auto& [label, next] : nodes_[node].children) {
      if (label == byte) {
        return next;
      }
    }
    return 0;
  }

  std::vector<Node> nodes_;
  std::array<std::uint32_t, 256> roots_{};
};

/// Calls found(id) for every token of `matcher`, leftmost and longest first, and
/// between(stretch) for what is not a token, in the order of the text.
template <class Found, class Between>
void for_each_match(const TokenMatcher& matcher, std::string_view text, Found found,
                    Between between) {
  if (matcher.empty()) {
    between(text);
    return;
  }
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const TokenMatcher::Match match = matcher.longest(text, at);
    if (match.id < 0) {
      ++at;
      continue;
    }
    between(text.substr(start, at - start));
    found(match.id);
    at += match.length;
    start = at;
  }
  between(text.substr(start));
}

}  // namespace turnhalle::lm
