#include "envs/alchemy_graph.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "core/check.h"

namespace turnhalle::alchemy {
namespace {

constexpr int kTriesMax = 50;  // for a combination that no recipe uses yet

// Half to even, as in the source.
std::int64_t rounded(double value) { return std::llrint(value); }

std::vector<std::int64_t> tier_sizes(std::int64_t tiers, std::int64_t base, double shrink) {
  std::vector<std::int64_t> sizes = {base};
  while (static_cast<std::int64_t>(sizes.size()) < tiers) {
    sizes.push_back(std::max<std::int64_t>(1, rounded(static_cast<double>(sizes.back()) * shrink)));
  }
  return sizes;
}

std::int64_t dead_ends(std::int64_t size, double share, std::int64_t round) {
  return rounded(static_cast<double>(size) * share) >> round;
}

std::string random_word(Random& random) {
  std::string word;
  const std::int64_t length = random.between(3, 5);
  for (std::int64_t i = 0; i < length; ++i) {
    word += static_cast<char>('a' + random.below(26));
  }
  return word;
}

// Draws names and recipes of one graph; the stream is the graph's own.
class Drawer {
 public:
  Drawer(const GraphOptions& options, RandomKey key, const std::vector<std::string>& names)
      : options_(options), random_(key.split("graph")), words_(key.split("names")), names_(names) {
    words_.shuffle(std::span<std::string>(names_));
    from_list_ = !names_.empty();
  }

  Graph draw() {
    const std::int64_t tiers = random_.between(options_.tiers.first, options_.tiers.second);
    const std::int64_t base =
        random_.between(options_.base_elements.first, options_.base_elements.second);
    const double shrink = random_.uniform(options_.shrink.first, options_.shrink.second);
    cross_tier_share_ =
        random_.uniform(options_.cross_tier_share.first, options_.cross_tier_share.second);
    const double noise = random_.uniform(options_.noise_share.first, options_.noise_share.second);
    const std::vector<std::int64_t> sizes = tier_sizes(tiers, base, shrink);
    for (std::size_t tier = 0; tier < sizes.size(); ++tier) {
      graph_.tiers.emplace_back();
      for (std::int64_t i = 0; i < sizes[tier]; ++i) {
        graph_.tiers.back().push_back(add_element(tier, false));
      }
    }
    for (std::size_t tier = 1; tier < sizes.size(); ++tier) {
      for (const Element element : graph_.tiers[tier]) {
        const std::int64_t count = random_.between(options_.recipes.first, options_.recipes.second);
        for (std::int64_t i = 0; i < count; ++i) add_recipe(element);
      }
    }
    for (std::int64_t round = 0; round < options_.noise_depth; ++round) {
      add_dead_ends(sizes, noise, round);
    }
    return std::move(graph_);
  }

 private:
  Element add_element(std::size_t tier, bool dead_end) {
    check(graph_.elements.size() < kNoElement, "an element has a number below 255");
    const auto element = static_cast<Element>(graph_.elements.size());
    graph_.elements.push_back({next_name(), static_cast<std::uint8_t>(tier)});
    graph_.dead_end.push_back(dead_end);
    graph_.recipes_of.emplace_back();
    return element;
  }

  std::string next_name() {
    if (from_list_) {
      check(!names_.empty(), "there are names for all elements");
      std::string name = std::move(names_.back());
      names_.pop_back();
      return name;
    }
    std::string word = random_word(words_);
    while (!used_.insert(word).second) word = random_word(words_);
    return word;
  }

  Element one_of(const std::vector<Element>& elements) {
    return elements[random_.below(elements.size())];
  }

  Element second_input(std::size_t tier) {
    if (tier >= 2 && random_.uniform() < cross_tier_share_) {
      std::vector<Element> further;
      const auto gap = static_cast<std::size_t>(options_.tier_gap_max);
      for (std::size_t from = tier > gap ? tier - gap : 0; from + 1 < tier; ++from) {
        further.insert(further.end(), graph_.tiers[from].begin(), graph_.tiers[from].end());
      }
      if (!further.empty()) return one_of(further);
    }
    return one_of(graph_.tiers[tier - 1]);
  }

  void add_recipe(Element element) {
    const std::size_t tier = graph_.elements[element].tier;
    for (int i = 0; i < kTriesMax; ++i) {
      const Element first = one_of(graph_.tiers[tier - 1]);
      const Combination pair = combination_of(first, second_input(tier));
      if (graph_.recipes.emplace(pair, element).second) {
        graph_.recipes_of[element].push_back(pair);
        return;
      }
    }
  }

  // The dead ends of a round join their tiers after it.
  void add_dead_ends(const std::vector<std::int64_t>& sizes, double share, std::int64_t round) {
    std::vector<Element> added;
    for (std::size_t tier = 1; tier < sizes.size(); ++tier) {
      for (std::int64_t i = 0; i < dead_ends(sizes[tier], share, round); ++i) {
        added.push_back(add_element(tier, true));
        add_recipe(added.back());
      }
    }
    for (const Element element : added) {
      graph_.tiers[graph_.elements[element].tier].push_back(element);
    }
  }

  const GraphOptions& options_;
  Random random_;
  Random words_;
  std::vector<std::string> names_;
  bool from_list_ = false;
  std::set<std::string> used_;
  double cross_tier_share_ = 0.0;
  Graph graph_;
};

// Adds up the base elements of the first recipes of all elements on the way, each counted once.
void count_copies(const Graph& graph, Element element, std::vector<std::int64_t>& copies,
                  std::vector<bool>& traced) {
  if (graph.elements[element].tier == 0) {
    ++copies[element];
  } else if (!traced[element] && !graph.recipes_of[element].empty()) {
    traced[element] = true;
    const Combination pair = graph.recipes_of[element].front();
    count_copies(graph, pair.first, copies, traced);
    count_copies(graph, pair.second, copies, traced);
  }
}

}  // namespace

Combination combination_of(Element one, Element other) {
  return {std::min(one, other), std::max(one, other)};
}

std::int64_t elements_max(const GraphOptions& options) {
  const auto sizes =
      tier_sizes(options.tiers.second, options.base_elements.second, options.shrink.second);
  std::int64_t count = sizes.front();
  for (std::size_t tier = 1; tier < sizes.size(); ++tier) {
    count += sizes[tier];
    for (std::int64_t round = 0; round < options.noise_depth; ++round) {
      count += dead_ends(sizes[tier], options.noise_share.second, round);
    }
  }
  return count;
}

Graph draw_graph(const GraphOptions& options, RandomKey key,
                 const std::vector<std::string>& names) {
  return Drawer(options, key, names).draw();
}

std::vector<Element> draw_targets(const Graph& graph, std::int64_t count, RandomKey key) {
  Random random(key.split("targets"));
  std::vector<std::vector<Element>> left(graph.tiers.size());
  for (std::size_t tier = 1; tier < graph.tiers.size(); ++tier) {
    for (const Element element : graph.tiers[tier]) {
      if (!graph.dead_end[element]) left[tier].push_back(element);
    }
  }
  std::vector<Element> targets;
  while (static_cast<std::int64_t>(targets.size()) < count) {
    std::uint64_t weight = 0;
    for (std::size_t tier = 1; tier < left.size(); ++tier) {
      weight += left[tier].empty() ? 0 : tier + 1;
    }
    if (weight == 0) break;
    std::uint64_t draw = random.below(weight);
    std::size_t tier = 1;
    for (; left[tier].empty() || draw >= tier + 1; ++tier) {
      draw -= left[tier].empty() ? 0 : tier + 1;
    }
    const auto place = static_cast<std::ptrdiff_t>(random.below(left[tier].size()));
    targets.push_back(left[tier][static_cast<std::size_t>(place)]);
    left[tier].erase(left[tier].begin() + place);
  }
  random.shuffle(std::span<Element>(targets));
  return targets;
}

std::int64_t copies_needed(const Graph& graph, Element target) {
  std::vector<std::int64_t> copies(graph.elements.size());
  std::vector<bool> traced(graph.elements.size());
  count_copies(graph, target, copies, traced);
  return std::max<std::int64_t>(1, *std::max_element(copies.begin(), copies.end()));
}

bool Seen::allows(Combination pair) const {
  if (pair.first >= inventory.size() || pair.second >= inventory.size()) return false;
  const std::int64_t first = inventory[pair.first];
  if (pair.first == pair.second) return first == kUnlimited || first >= 2;
  return first != 0 && inventory[pair.second] != 0;
}

std::vector<Combination> Seen::allowed() const {
  std::vector<Combination> pairs;
  for (std::size_t first = 0; first < inventory.size(); ++first) {
    for (std::size_t second = first; second < inventory.size(); ++second) {
      const Combination pair{static_cast<Element>(first), static_cast<Element>(second)};
      if (allows(pair)) pairs.push_back(pair);
    }
  }
  return pairs;
}

}  // namespace turnhalle::alchemy
