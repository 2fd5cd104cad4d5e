#include "envs/tool_api/compare.h"

#include <algorithm>
#include <cmath>

#include "core/sha256.h"
#include "core/text.h"

namespace turnhalle::tool_api {
namespace {


constexpr std::size_t kShownMax = 120;

// What the patterns say about one child: the one of its name and the one of "*" together.
struct Rules {
  std::vector<const CompareRules::Node*> nodes;

  bool ignored() const {
    return std::any_of(nodes.begin(), nodes.end(),
                       [](const CompareRules::Node* node) { return node->ignored; });
  }
  bool unordered() const {
    return std::any_of(nodes.begin(), nodes.end(),
                       [](const CompareRules::Node* node) { return node->unordered; });
  }
  Rules child(std::string_view key) const {
    Rules below;
    for (const CompareRules::Node* node : nodes) {
      for (const std::string_view name : {key, std::string_view("*")}) {
        const auto found = node->children.find(name);
        if (found != node->children.end()) below.nodes.push_back(&found->second);
      }
    }
    return below;
  }
};

Value canonical(const Value& value, const Rules& rules) {
  if (rules.nodes.empty()) return value;
  if (value.is_map()) {
    Value::Map kept;
    for (const auto& [key, item] : value.map()) {
      const Rules below = rules.child(key);
      if (!below.ignored()) kept.emplace_back(key, canonical(item, below));
    }
    return Value::map(std::move(kept));
  }
  if (!value.is_list()) return value;
  Value::List items;
  for (std::size_t i = 0; i < value.list().size(); ++i) {
    const Rules below = rules.child(std::to_string(i));
    if (!below.ignored()) items.push_back(canonical(value.list()[i], below));
  }
  if (rules.unordered()) std::stable_sort(items.begin(), items.end(), less);
  return Value::list(std::move(items));
}

bool near(const Value& a, const Value& b, double tolerance) {
  if (a.shares(b)) return true;
  if (a.is_numeric() && b.is_numeric()) {
    return equal(a, b) || std::abs(a.number() - b.number()) <= tolerance;
  }
  if (a.is_list() && b.is_list()) {
    return a.list().size() == b.list().size() &&
           std::equal(a.list().begin(), a.list().end(), b.list().begin(),
                      [&](const Value& x, const Value& y) { return near(x, y, tolerance); });
  }
  if (a.is_map() && b.is_map()) {
    return a.map().size() == b.map().size() &&
           std::equal(a.map().begin(), a.map().end(), b.map().begin(),
                      [&](const Value::Entry& x, const Value::Entry& y) {
                        return x.first == y.first && near(x.second, y.second, tolerance);
                      });
  }
  return equal(a, b);
}

// The same without building anything where no pattern applies or content is shared.
bool same(const Value& a, const Value& b, const Rules& rules, double tolerance) {
  if (a.shares(b)) return true;
  if (rules.nodes.empty()) return near(a, b, tolerance);
  if (!a.is_map() || !b.is_map()) {
    return near(canonical(a, rules), canonical(b, rules), tolerance);
  }
  const auto has = [&](const Value& whole, const std::string& key) {
    return whole.find(key) != nullptr;
  };
  for (const auto& [key, item] : a.map()) {
    const Rules below = rules.child(key);
    if (below.ignored()) continue;
    const Value* other = b.find(key);
    if (other == nullptr || !same(item, *other, below, tolerance)) return false;
  }
  return std::all_of(b.map().begin(), b.map().end(), [&](const Value::Entry& entry) {
    return has(a, entry.first) || rules.child(entry.first).ignored();
  });
}

std::string shown(const Value* value) {
  return value == nullptr ? "nothing" : shortened(canonical_text(*value), kShownMax);
}

class Differ {
 public:
  Differ(double tolerance, std::size_t count_max) : tolerance_(tolerance), count_max_(count_max) {}

  void compare(const std::string& path, const Value* a, const Value* b) {
    if (found.size() >= count_max_ || (a != nullptr && b != nullptr && near(*a, *b, tolerance_))) {
      return;
    }
    if (a == nullptr || b == nullptr || !a->is_map() || !b->is_map()) {
      found.push_back({path, shown(a), shown(b)});
      return;
    }
    for (const auto& [key, item] : a->map()) compare(below(path, key), &item, b->find(key));
    for (const auto& [key, item] : b->map()) {
      if (a->find(key) == nullptr) compare(below(path, key), nullptr, &item);
    }
  }

  std::vector<Difference> found;

 private:
  static std::string below(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }
  double tolerance_;
  std::size_t count_max_;
};

}  // namespace

CompareRules::Node& CompareRules::at(const std::string& path) {
  CompareRules::Node* node = &root_;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    node = &node->children[path.substr(begin, end - begin)];
    begin = end + 1;
  }
  return *node;
}

bool same_state(const Value& a, const Value& b, const CompareRules& rules) {
  return same(a, b, {{&rules.root()}}, rules.tolerance);
}

Value canonical_state(const Value& state, const CompareRules& rules) {
  return canonical(state, {{&rules.root()}});
}

std::string state_hash(const Value& state, const CompareRules& rules) {
  return sha256_hex(canonical_text(canonical_state(state, rules)));
}

std::vector<Difference> differences(const Value& expected, const Value& found,
                                    const CompareRules& rules, std::size_t count_max) {
  Differ differ(rules.tolerance, count_max);
  const Value a = canonical_state(expected, rules);
  const Value b = canonical_state(found, rules);
  differ.compare("", &a, &b);
  return std::move(differ.found);
}

}  // namespace turnhalle::tool_api
