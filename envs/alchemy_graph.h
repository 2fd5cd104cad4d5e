// The recipe graph of alchemy_random: elements in tiers, hidden recipes, the targets of a
// lifecycle, and what a player may see of a task.
//
// Used by the environment (alchemy_random.cc), its words and its players.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.h"

namespace turnhalle::alchemy {

/// An element of one graph: its place in Graph::elements.
using Element = std::uint8_t;
inline constexpr Element kNoElement = 255;

/// Two elements to be combined, in ascending order; the same one twice is allowed.
struct Combination {
  Element first = kNoElement;
  Element second = kNoElement;
  auto operator<=>(const Combination&) const = default;
};
Combination combination_of(Element one, Element other);

/// What is shown of an element.
struct ElementFacts {
  std::string name;
  std::uint8_t tier = 0;
};

/// Which combination makes what. An element may have several recipes, or none.
using Recipes = std::map<Combination, Element>;

/// All of one lifecycle's alchemy. Elements are in the order in which they were drawn: tier by
/// tier, then the dead ends.
struct Graph {
  std::vector<ElementFacts> elements;
  std::vector<std::vector<Element>> tiers;  ///< dead ends included
  std::vector<bool> dead_end;               ///< by element: made, but of no use
  Recipes recipes;
  std::vector<std::vector<Combination>> recipes_of;  ///< by element, in the order drawn
};

/// Bounds of what is drawn, both ends included.
struct GraphOptions {
  std::pair<std::int64_t, std::int64_t> tiers{3, 4};
  std::pair<std::int64_t, std::int64_t> base_elements{3, 4};
  std::pair<double, double> shrink{0.4, 0.6};           ///< size of a tier against the one below
  std::pair<std::int64_t, std::int64_t> recipes{1, 1};  ///< per element
  std::int64_t tier_gap_max = 1;  ///< an input is at most this many tiers below its product
  std::pair<double, double> cross_tier_share{0.0, 0.1};  ///< of second inputs from further below
  std::pair<double, double> noise_share{0.0, 0.0};  ///< dead ends against the size of their tier
  std::int64_t noise_depth = 2;  ///< rounds of dead ends, each of half the number before
};

/// The most elements that graphs of these options can have.
std::int64_t elements_max(const GraphOptions& options);

/// Draws a graph; names are random words of 3 to 5 lower-case letters, or, where `names` is not
/// empty, drawn from it without replacement (it must be long enough).
Graph draw_graph(const GraphOptions& options, RandomKey key,
                 const std::vector<std::string>& names = {});

/// Up to `count` different targets: a tier with weight tier + 1, an element of it uniformly among
/// those that are left and no dead ends; then shuffled. Never empty.
std::vector<Element> draw_targets(const Graph& graph, std::int64_t count, RandomKey key);

/// How many copies of the base element that is needed most the way to a target takes: the first
/// recipe of every element on it, each counted once; at least 1. A way that makes some element
/// twice needs more than this, which is why materials do not suffice for every target.
std::int64_t copies_needed(const Graph& graph, Element target);

/// One answer of the agent that could be read.
struct Attempt {
  Combination pair;       ///< kNoElement for a name that no element has
  bool possible = false;  ///< both were in the inventory, in enough copies
  Element made = kNoElement;
};

inline constexpr std::int64_t kUnlimited = -1;

/// What the agent has been shown of a task, plus what the last attempt made.
struct Seen {
  std::vector<ElementFacts> elements;
  std::vector<std::vector<Element>> tiers;
  Element target = 0;
  std::int64_t rounds = 0;              ///< budget
  std::int64_t copies = kUnlimited;     ///< of each base element at the start
  std::vector<std::int64_t> inventory;  ///< copies by element; kUnlimited where it never ends
  std::vector<Attempt> attempts;
  std::int64_t tier_gap_max = 1;
  bool last_attempt_told = false;  ///< whether the final feedback says what the last one made
  bool over = false;

  bool limited() const { return copies != kUnlimited; }
  /// Whether the inventory allows a combination.
  bool allows(Combination pair) const;
  /// All combinations that the inventory allows, in ascending order.
  std::vector<Combination> allowed() const;
};

/// How players look at the environment. Only the oracle asks for the graph.
class Observable {
 public:
  virtual ~Observable() = default;
  virtual const Seen& seen() const = 0;
  virtual const Graph& hidden_graph() const = 0;
};

}  // namespace turnhalle::alchemy
