#include "envs/alchemy_players.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "envs/alchemy_graph.h"

namespace turnhalle::alchemy {
namespace {

const Observable& observable_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of alchemy_random plays alchemy_random");
  return *observable;
}

// What was seen of combinations: kNoElement for those that make nothing.
using Knowledge = std::map<Combination, Element>;

void learn(const Seen& seen, Knowledge& knowledge) {
  for (const Attempt& attempt : seen.attempts) {
    if (attempt.possible) knowledge[attempt.pair] = attempt.made;
  }
}

// What an attempt is made for.
struct Choice {
  Combination pair;
  Element wanted = kNoElement;
  bool known = false;  ///< whether the pair is known to make it
};

// Decides on attempts from what is known and what lies in the inventory.
class Chooser {
 public:
  Chooser(const Seen& seen, const Knowledge& knowledge) : seen_(seen), knowledge_(knowledge) {
    recipes_of_.resize(seen.elements.size());
    for (const auto& [pair, made] : knowledge) {
      if (made != kNoElement) recipes_of_[made].push_back(pair);
    }
  }

  // The next attempt of a known way to the target.
  std::optional<Choice> next_of_known_way() const {
    for (const Combination pair : recipes_of_[seen_.target]) {
      std::vector<std::int64_t> stock = seen_.inventory;
      std::vector<Choice> way;
      if (gather(pair.first, stock, way) && gather(pair.second, stock, way)) {
        way.push_back({pair, seen_.target, true});
        return way.front();
      }
    }
    return std::nullopt;
  }

  Choice explore(Random& random, bool avoid_tried) const {
    const std::vector<Combination> allowed = seen_.allowed();
    check(!allowed.empty(), "a running task allows an attempt");
    std::vector<Combination> pairs;
    for (std::size_t tier = seen_.elements[seen_.target].tier; tier >= 1; --tier) {
      const Element wanted = unknown_element(tier);
      if (wanted == kNoElement) continue;
      for (const Combination pair : allowed) {
        if (may_make(pair, tier) && (!avoid_tried || !knowledge_.contains(pair))) {
          pairs.push_back(pair);
        }
      }
      if (!pairs.empty()) return {pick(pairs, random), wanted, false};
    }
    for (const Combination pair : allowed) {
      if (lacking(pair)) pairs.push_back(pair);
    }
    if (!pairs.empty()) {
      const Combination pair = pick(pairs, random);
      return {pair, knowledge_.at(pair), true};
    }
    for (const Combination pair : allowed) {
      if (!knowledge_.contains(pair)) pairs.push_back(pair);
    }
    return {pick(pairs.empty() ? allowed : pairs, random), seen_.target, false};
  }

 private:
  static Combination pick(const std::vector<Combination>& pairs, Random& random) {
    return pairs[random.below(pairs.size())];
  }

  // Takes an element out of the stock or adds, in order, the attempts that make it.
  bool gather(Element element, std::vector<std::int64_t>& stock, std::vector<Choice>& way) const {
    if (stock[element] != 0) {
      if (stock[element] != kUnlimited) --stock[element];
      return true;
    }
    for (const Combination pair : recipes_of_[element]) {
      std::vector<std::int64_t> rest = stock;
      const std::size_t before = way.size();
      if (gather(pair.first, rest, way) && gather(pair.second, rest, way)) {
        way.push_back({pair, element, true});
        stock = std::move(rest);
        return true;
      }
      way.resize(before);
    }
    return false;
  }

  // An element of the tier that nothing is known to make; the target before others.
  Element unknown_element(std::size_t tier) const {
    if (seen_.elements[seen_.target].tier == tier && recipes_of_[seen_.target].empty()) {
      return seen_.target;
    }
    for (const Element element : seen_.tiers[tier]) {
      if (recipes_of_[element].empty()) return element;
    }
    return kNoElement;
  }

  // Whether a combination has the form of recipes for a tier.
  bool may_make(Combination pair, std::size_t tier) const {
    const std::size_t one = seen_.elements[pair.first].tier;
    const std::size_t other = seen_.elements[pair.second].tier;
    return std::max(one, other) + 1 == tier &&
           std::min(one, other) + static_cast<std::size_t>(seen_.tier_gap_max) >= tier;
  }

  // Whether it makes an element below the target's tier that is not in the inventory.
  bool lacking(Combination pair) const {
    const auto found = knowledge_.find(pair);
    return found != knowledge_.end() && found->second != kNoElement &&
           seen_.elements[found->second].tier < seen_.elements[seen_.target].tier &&
           seen_.inventory[found->second] == 0;
  }

  const Seen& seen_;
  const Knowledge& knowledge_;
  std::vector<std::vector<Combination>> recipes_of_;
};

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// The words of players in both styles.
class Speech {
 public:
  explicit Speech(PromptStyle style) : compact_(style == PromptStyle::compact) {}

  std::string action(const Seen& seen, const Choice& choice) const {
    const std::string& wanted = seen.elements[choice.wanted].name;
    const std::string recipe = recipe_text(seen, choice.pair, choice.wanted);
    std::string text;
    if (compact_) {
      text = " Want " + (choice.known ? recipe : wanted + "?");
    } else {
      text = "I want " + wanted + ". ";
      text += choice.known ? "I know that " + recipe + ".\n"
                           : "How it is made is not known, so I try something.\n";
    }
    return text + answer(seen, choice.pair);
  }

  std::string answer(const Seen& seen, Combination pair) const {
    return std::string(compact_ ? " " : "") + "<answer>" + seen.elements[pair.first].name + " + " +
           seen.elements[pair.second].name + "</answer>";
  }

  std::string hints(const Seen& seen, const Knowledge& knowledge) const {
    std::vector<std::string> recipes;
    std::string failures;
    for (const auto& [pair, made] : knowledge) {
      if (made != kNoElement) {
        recipes.push_back(recipe_text(seen, pair, made));
      } else {
        failures += "- " + seen.elements[pair.first].name + " with " +
                    seen.elements[pair.second].name + "\n";
      }
    }
    if (compact_) return compact_hints(recipes);
    std::string text = "--- Start of updated hints ---\n### Recipes\n";
    for (const std::string& recipe : recipes) text += "- " + recipe + "\n";
    if (recipes.empty()) text += "None is known yet.\n";
    if (!failures.empty()) text += "### Combinations that make nothing\n" + failures;
    return text + "--- End of updated hints ---";
  }

  // The recipes that a text states, in either style; names of other elements are passed over.
  static void read(const Seen& seen, std::string_view text, Knowledge& knowledge) {
    for (std::size_t at = text.find('='); at != std::string_view::npos;
         at = text.find('=', at + 1)) {
      const Element made = word_before(seen, text, at);
      std::size_t next = at + 1;
      const Element first = word_after(seen, text, next);
      if (made == kNoElement || first == kNoElement) continue;
      next = text.find_first_not_of(' ', next);
      if (next == std::string_view::npos || text[next] != '+') continue;
      const Element second = word_after(seen, text, ++next);
      if (second != kNoElement) knowledge[combination_of(first, second)] = made;
    }
  }

 private:
  static std::string compact_hints(const std::vector<std::string>& recipes) {
    std::string text = " <hint>";
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      text += (i > 0 ? "," : "") + recipes[i];
    }
    return text + (recipes.empty() ? "none" : "") + "</hint>";
  }

  std::string recipe_text(const Seen& seen, Combination pair, Element made) const {
    return seen.elements[made].name + (compact_ ? "=" : " = ") + seen.elements[pair.first].name +
           (compact_ ? "+" : " + ") + seen.elements[pair.second].name;
  }

  static Element element_named(const Seen& seen, std::string_view name) {
    for (std::size_t i = 0; i < seen.elements.size(); ++i) {
      if (seen.elements[i].name == name) return static_cast<Element>(i);
    }
    return kNoElement;
  }

  static Element word_before(const Seen& seen, std::string_view text, std::size_t end) {
    while (end > 0 && text[end - 1] == ' ') --end;
    std::size_t begin = end;
    while (begin > 0 && is_letter(text[begin - 1])) --begin;
    return element_named(seen, text.substr(begin, end - begin));
  }

  // Moves `at` behind the word.
  static Element word_after(const Seen& seen, std::string_view text, std::size_t& at) {
    while (at < text.size() && text[at] == ' ') ++at;
    const std::size_t begin = at;
    while (at < text.size() && is_letter(text[at])) ++at;
    return element_named(seen, text.substr(begin, at - begin));
  }

  bool compact_;
};

class RandomPlayer final : public Player {
 public:
  explicit RandomPlayer(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Seen& seen = observable_of(view).seen();
    if (view.kind == EpisodeKind::update_context) return speech_.hints(seen, {});
    const std::vector<Combination> allowed = seen.allowed();
    check(!allowed.empty(), "a running task allows an attempt");
    return speech_.answer(seen, allowed[Random(key).below(allowed.size())]);
  }

 private:
  Speech speech_;
};

class Expert final : public Player {
 public:
  Expert(PromptStyle style, bool remembers) : speech_(style), remembers_(remembers) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Seen& seen = observable_of(view).seen();
    if (!remembers_ && view.kind == EpisodeKind::solve && view.turn == 0) knowledge_.clear();
    learn(seen, knowledge_);
    if (view.kind == EpisodeKind::update_context) return speech_.hints(seen, knowledge_);
    const Chooser chooser(seen, knowledge_);
    Random random(key);
    const std::optional<Choice> known = chooser.next_of_known_way();
    return speech_.action(seen, known ? *known : chooser.explore(random, true));
  }

 private:
  Speech speech_;
  bool remembers_;
  Knowledge knowledge_;
};

class Oracle final : public Player {
 public:
  explicit Oracle(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Seen& seen = observable_of(view).seen();
    Knowledge first_recipes;
    for (const auto& recipes : observable_of(view).hidden_graph().recipes_of) {
      if (recipes.empty()) continue;
      first_recipes[recipes.front()] =
          observable_of(view).hidden_graph().recipes.at(recipes.front());
    }
    if (view.kind == EpisodeKind::update_context) return speech_.hints(seen, first_recipes);
    const std::optional<Choice> next = Chooser(seen, first_recipes).next_of_known_way();
    if (next) return speech_.action(seen, *next);
    const std::vector<Combination> allowed = seen.allowed();
    check(!allowed.empty(), "a running task allows an attempt");
    return speech_.answer(seen, allowed[Random(key).below(allowed.size())]);
  }

 private:
  Speech speech_;
};

class Demonstrator final : public Player {
 public:
  Demonstrator(PromptStyle style, bool noisy) : speech_(style), noisy_(noisy) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    Random random(key);
    const Seen& seen = observable_of(view).seen();
    const bool update = view.kind == EpisodeKind::update_context;
    Knowledge knowledge;
    if (!view.messages.empty()) {
      Speech::read(seen, view.messages.front().content, knowledge);
      // In the paper's style an update is shown the hints in its last message.
      if (update) Speech::read(seen, view.messages.back().content, knowledge);
    }
    learn_what_was_told(seen, knowledge);
    if (update) return speech_.hints(seen, kept(knowledge, random));
    Choice choice = choose(seen, knowledge, random);
    if (noisy_ && random.uniform() < kAttemptNoise) {
      const std::vector<Combination> allowed = seen.allowed();
      choice.pair = allowed[random.below(allowed.size())];
      const auto found = knowledge.find(choice.pair);
      choice.known = choice.known && found != knowledge.end() && found->second == choice.wanted;
    }
    return speech_.action(seen, choice);
  }

 private:
  Choice choose(const Seen& seen, const Knowledge& knowledge, Random& random) const {
    const Chooser chooser(seen, knowledge);
    const std::optional<Choice> known = chooser.next_of_known_way();
    return known ? *known : chooser.explore(random, !noisy_);
  }

  static void learn_what_was_told(const Seen& seen, Knowledge& knowledge) {
    for (const Attempt& attempt : seen.attempts) {
      const bool last = &attempt == &seen.attempts.back();
      const bool told =
          !seen.over || seen.last_attempt_told || !last || attempt.made == seen.target;
      if (attempt.possible && told) knowledge[attempt.pair] = attempt.made;
    }
  }

  // What goes into the hints: recipes only.
  Knowledge kept(const Knowledge& knowledge, Random& random) const {
    Knowledge recipes;
    for (const auto& [pair, made] : knowledge) {
      if (made == kNoElement) continue;
      if (!noisy_ || random.uniform() >= kRecipeDropped) recipes[pair] = made;
    }
    return recipes;
  }

  Speech speech_;
  bool noisy_;
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  if (role == "expert") return std::make_unique<Expert>(style, true);
  if (role == "forgetful") return std::make_unique<Expert>(style, false);
  if (role == "oracle") return std::make_unique<Oracle>(style);
  if (role == "random") return std::make_unique<RandomPlayer>(style);
  if (role == "demonstrator") return std::make_unique<Demonstrator>(style, true);
  if (role == "demonstrator_clean") return std::make_unique<Demonstrator>(style, false);
  return nullptr;
}

}  // namespace turnhalle::alchemy
