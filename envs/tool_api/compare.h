// When two states count as the same, and the hash of a state.
//
// Paths are patterns of keys with dots: "orders.*.tags"; "*" is any key or position. What is
// ignored is left out; lists that are unordered are compared as multisets; numbers may differ by
// the tolerance. 5 and 5.0 are the same everywhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envs/tool_api/value.h"

namespace turnhalle::tool_api {

class CompareRules {
 public:
  void ignore(const std::string& path) { at(path).ignored = true; }
  void unorder(const std::string& path) { at(path).unordered = true; }
  double tolerance = 0.0;

  /// One level of the patterns.
  struct Node {
    bool ignored = false;
    bool unordered = false;
    std::map<std::string, Node, std::less<>> children = {};
  };
  const Node& root() const { return root_; }

 private:
  Node& at(const std::string& path);
  Node root_;
};

bool same_state(const Value& a, const Value& b, const CompareRules& rules);
/// The state without what is ignored, unordered lists sorted.
Value canonical_state(const Value& state, const CompareRules& rules);
/// SHA-256 of the canonical state's text. States that are the same have the same hash where the
/// tolerance is 0.
std::string state_hash(const Value& state, const CompareRules& rules);

/// One place where two states differ.
struct Difference {
  std::string path;
  std::string expected;  ///< canonical text, shortened; "nothing" when there is no such key
  std::string found;
};
/// At most `count_max` differences, in order of their paths.
std::vector<Difference> differences(const Value& expected, const Value& found,
                                    const CompareRules& rules, std::size_t count_max = 8);

}  // namespace turnhalle::tool_api
