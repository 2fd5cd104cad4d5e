#include "envs/alchemy_text.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace turnhalle::alchemy {
namespace {

constexpr std::array<std::int64_t, 2> kCompactRounds = {8, 15};

void append_round(std::string& out, std::int64_t round, std::int64_t rounds) {
  append_number(out, round);
  out += '/';
  append_number(out, rounds);
}

std::int64_t rounds_played(const Seen& seen) {
  return static_cast<std::int64_t>(seen.attempts.size());
}

void append_names(std::string& out, const Seen& seen, const std::vector<Element>& elements,
                  std::string_view separator) {
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out += separator;
    out += seen.elements[elements[i]].name;
  }
}

class CompactWording final : public Wording {
 public:
  std::string system(const Seen&) const override { return ""; }

  std::string first(const Seen& seen) const override {
    std::string text = "Tiers ";
    for (std::size_t tier = 0; tier < seen.tiers.size(); ++tier) {
      if (tier > 0) text += ';';
      append_names(text, seen, seen.tiers[tier], ",");
    }
    if (seen.limited()) {
      text += " with ";
      append_number(text, seen.copies);
      text += " of each";
    }
    text += ". Make " + seen.elements[seen.target].name;
    append_counter(text, seen);
    return text;
  }

  std::string next(const Seen& seen) const override {
    std::string text;
    append_attempt(text, seen);
    append_counter(text, seen);
    return text;
  }

  std::string last(const Seen& seen, Ending ending) const override {
    static constexpr std::array<std::string_view, 4> kEndings = {
        "\nTarget made. ", "\nOut of rounds. ", "\nOut of materials. ", "\nUnreadable answer. "};
    std::string text;
    if (seen.last_attempt_told && ending != Ending::unreadable) {
      append_attempt(text, seen);
    }
    text += kEndings[static_cast<std::size_t>(ending)];
    return text;
  }

 private:
  static void append_attempt(std::string& text, const Seen& seen) {
    const Attempt& attempt = seen.attempts.back();
    if (!attempt.possible) {
      text += "\nNot in the inventory";
      return;
    }
    const bool made = attempt.made != kNoElement;
    text += made ? "\nMade " + seen.elements[attempt.made].name + "=" : "\nNothing of ";
    text += seen.elements[attempt.pair.first].name + "+" + seen.elements[attempt.pair.second].name;
  }

  static void append_counter(std::string& text, const Seen& seen) {
    text += ". Round ";
    append_round(text, rounds_played(seen), seen.rounds);
    text += ':';
  }
};

constexpr std::string_view kPaperRules =
    "You play an alchemy game. Combine elements, two at a time, until you have made the target "
    "element.\n\n"
    "# Elements\n"
    "Elements stand in tiers. Those of tier 0 are in your inventory at the start. Every other "
    "element comes out of a combination of two elements from lower tiers; combining an element "
    "with itself is allowed. Most combinations make nothing.\n";
constexpr std::string_view kUnlimitedRules =
    "Elements are never used up, and whatever you make stays in the inventory.\n";
constexpr std::string_view kLimitedRules =
    "Every attempt uses up one copy of each of its two inputs, also when it makes nothing; what "
    "you make is added to the inventory. When no two copies are left the game is over.\n";
constexpr std::string_view kPaperHidden =
    "\n# What is hidden\n"
    "Which combination makes which element is not told. It can be found out by trying, or it may "
    "be known from hints below. Do not guess a rule from the names: they are random.\n\n"
    "# Rewards\n"
    "Making the target gives 1; running out of rounds or materials, or an unreadable answer, "
    "gives 0.\n\n"
    "# Format\n"
    "Think freely, then write the two elements to combine exactly once as <answer>name + "
    "name</answer>. Anything else ends the game. An element that is not in the inventory costs "
    "the round and does nothing.\n\n"
    "# Also\n"
    "Be brief. One attempt per turn. You have ";
constexpr std::string_view kPaperRulesEnd =
    " rounds. Weigh making the target against finding things out: what you learn may help in "
    "later games of this kind.";

class PaperWording final : public Wording {
 public:
  std::string system(const Seen& seen) const override {
    std::string text(kPaperRules);
    text += seen.limited() ? kLimitedRules : kUnlimitedRules;
    for (std::size_t tier = 0; tier < seen.tiers.size(); ++tier) {
      text += "Tier ";
      append_number(text, static_cast<std::int64_t>(tier));
      text += ": ";
      append_names(text, seen, seen.tiers[tier], ", ");
      text += '\n';
    }
    text += "\n# Target\n" + seen.elements[seen.target].name + ", of tier ";
    append_number(text, seen.elements[seen.target].tier);
    text += '\n';
    text += kPaperHidden;
    append_number(text, seen.rounds);
    text += kPaperRulesEnd;
    return text;
  }

  std::string first(const Seen& seen) const override {
    std::string text = "Round ";
    append_round(text, rounds_played(seen) + 1, seen.rounds);
    text += '\n';
    if (!seen.attempts.empty()) append_attempt(text, seen);
    text += "Target: " + seen.elements[seen.target].name + "\nInventory: ";
    append_inventory(text, seen);
    text += "\nWhich two elements do you combine?";
    return text;
  }

  std::string next(const Seen& seen) const override { return first(seen); }

  std::string last(const Seen& seen, Ending ending) const override {
    const std::string& target = seen.elements[seen.target].name;
    std::string text;
    if (seen.last_attempt_told && ending != Ending::unreadable) append_attempt(text, seen);
    switch (ending) {
      case Ending::made:
        text += "Success: you made the target " + target + ".";
        break;
      case Ending::rounds:
        text += "You ran out of rounds (";
        append_round(text, rounds_played(seen), seen.rounds);
        text += ") before making the target " + target + ".";
        break;
      case Ending::materials:
        text += "You ran out of materials before making the target " + target + ".";
        break;
      case Ending::unreadable:
        text +=
            "The answer could not be read. Write <answer>name + name</answer> exactly once, with "
            "two elements of the inventory.";
        break;
    }
    return text;
  }

 private:
  static void append_attempt(std::string& text, const Seen& seen) {
    const Attempt& attempt = seen.attempts.back();
    if (!attempt.possible) {
      text += "Your last answer named something that the inventory does not have, or not twice. ";
      text += "The round is spent.\n";
      return;
    }
    text += "You combined " + seen.elements[attempt.pair.first].name + " and " +
            seen.elements[attempt.pair.second].name;
    text += attempt.made == kNoElement ? ": nothing happened.\n"
                                       : " and made " + seen.elements[attempt.made].name + ".\n";
  }

  static void append_inventory(std::string& text, const Seen& seen) {
    bool empty = true;
    for (std::size_t i = 0; i < seen.inventory.size(); ++i) {
      if (seen.inventory[i] == 0) continue;
      if (!empty) text += ", ";
      empty = false;
      text += seen.elements[i].name;
      if (seen.limited()) {
        text += " x";
        append_number(text, seen.inventory[i]);
      }
    }
    if (empty) text += "empty";
  }
};

Element element_named(const std::vector<ElementFacts>& elements, std::string_view name) {
  std::string lower(trim(name));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].name == lower) return static_cast<Element>(i);
  }
  return kNoElement;
}

}  // namespace

std::unique_ptr<const Wording> make_wording(PromptStyle style) {
  if (style == PromptStyle::compact) {
    return std::make_unique<CompactWording>();
  }
  return std::make_unique<PaperWording>();
}

bool compact_rounds(std::int64_t rounds) {
  return std::find(kCompactRounds.begin(), kCompactRounds.end(), rounds) != kCompactRounds.end();
}

bool parse_action(const std::vector<ElementFacts>& elements, std::string_view reply,
                  Combination& pair) {
  std::string_view inside;
  if (!between_tags(reply, "<answer>", "</answer>", inside)) return false;
  const std::size_t plus = inside.find('+');
  if (plus == std::string_view::npos || inside.find('+', plus + 1) != std::string_view::npos) {
    return false;
  }
  const std::string_view first = trim(inside.substr(0, plus));
  const std::string_view second = trim(inside.substr(plus + 1));
  if (first.empty() || second.empty()) return false;
  pair = combination_of(element_named(elements, first), element_named(elements, second));
  return true;
}

const std::vector<std::string>& compact_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const char consonant : std::string_view("bdgklmn")) {
      for (const char vowel : std::string_view("aeio")) {
        names.push_back({consonant, vowel});
      }
    }
    return names;
  }();
  return kNames;
}

std::vector<std::string> compact_vocabulary() {
  std::vector<std::string> pieces = {"Hint:",
                                     "none",
                                     "</hint>\n",
                                     " <hint>",
                                     "</hint>",
                                     "Tiers ",
                                     ",",
                                     ";",
                                     " with ",
                                     " of each",
                                     ". Make ",
                                     "=",
                                     "+",
                                     "?",
                                     " Want ",
                                     " <answer>",
                                     " + ",
                                     "</answer>",
                                     "\nMade ",
                                     "\nNothing of ",
                                     "\nNot in the inventory",
                                     "\nTarget made. ",
                                     "\nOut of rounds. ",
                                     "\nOut of materials. ",
                                     "\nUnreadable answer. ",
                                     "Reward 0\nNew hint:",
                                     "Reward 1\nNew hint:"};
  for (char digit = '0'; digit <= '9'; ++digit) {
    pieces.emplace_back(1, digit);
  }
  for (const std::int64_t rounds : kCompactRounds) {
    for (std::int64_t round = 0; round < rounds; ++round) {
      std::string text = ". Round ";
      append_round(text, round, rounds);
      pieces.push_back(text + ":");
    }
  }
  const std::vector<std::string>& names = compact_names();
  pieces.insert(pieces.end(), names.begin(), names.end());
  return pieces;
}

}  // namespace turnhalle::alchemy
