#include "agents/users/realiser.h"

#include <algorithm>
#include <array>

namespace turnhalle::users {
namespace {

constexpr std::size_t kWordingCount = 4;
constexpr std::size_t kVariants = 2;

// "#" stands for the name, "$" for the value.
using Variants = std::array<std::string_view, kVariants>;
struct Templates {
  std::array<Variants, kWordingCount> by_wording;  ///< plain, formal, casual, terse
};

constexpr Templates kInform = {{{{"The #: $.", "The #: $."},
                                 {"Regarding the #, I should say $.", "As to the #: $, please."},
                                 {"Oh, the #? $, I guess.", "Well, # would be $."},
                                 {"$.", "#: $."}}}};
constexpr Templates kInformBare = {{{{"$.", "$."},
                                     {"The answer is: $.", "I should say: $."},
                                     {"$, I guess.", "Well, $."},
                                     {"$.", "$."}}}};
constexpr Templates kVolunteer = {
    {{{"By the way, the #: $.", "By the way, the #: $."},
      {"May I add that the # should be $.", "Let me mention the #: $."},
      {"Oh, and the # is $, you know.", "Before I forget: #, $."},
      {"Also #: $.", "And #: $."}}}};
constexpr Templates kCorrect = {
    {{{"I have changed my mind about the #: $.", "I have changed my mind about the #: $."},
      {"I beg to correct the #: it should be $.", "On reflection, the # had better be $."},
      {"Oh wait, make the # $ after all.", "Sorry, scratch that: the # is $."},
      {"Correction. #: $.", "#: $ after all."}}}};
constexpr Templates kDeflect = {{{{"Why do you ask?", "Does that matter?"},
                                  {"May I ask why you need to know?", "Is that really necessary?"},
                                  {"Hm, does it matter?", "Dunno, you tell me?"},
                                  {"Why?", "Hm."}}}};
constexpr Templates kUnknown = {
    {{{kNothingFound, kNothingFound},
      {"I am afraid I have no information about that.", "That I cannot say."},
      {"No idea, really.", "Hm, nothing comes to mind."},
      {"Dunno.", "No idea."}}}};
constexpr Templates kDoubt = {{{{"Are you sure?", "Are you sure?"},
                                {"Would you confirm that, please?", "Are you certain of that?"},
                                {"Really? You sure?", "Hm, sure about that?"},
                                {"Sure?", "Really?"}}}};
constexpr Templates kLeave = {{{{"I have to go.", "I have to go."},
                                {"I must take my leave.", "You will excuse me."},
                                {"Gotta run, bye!", "That's all I've time for!"},
                                {"Bye.", "Gone."}}}};

std::string_view template_for(const Persona& persona, const Move& move, bool named,
                              Random& random) {
  const Templates* templates = &kUnknown;
  switch (move.act) {
    case Act::inform:
      templates = named ? &kInform : &kInformBare;
      break;
    case Act::volunteer:
      templates = named ? &kVolunteer : &kInformBare;
      break;
    case Act::correct:
      templates = named ? &kCorrect : &kInformBare;
      break;
    case Act::deflect:
      templates = &kDeflect;
      break;
    case Act::doubt:
      templates = &kDoubt;
      break;
    case Act::leave:
      templates = &kLeave;
      break;
    case Act::unknown:
      break;
  }
  return templates->by_wording[static_cast<std::size_t>(persona.wording)][random.below(kVariants)];
}

void append_filled(std::vector<Piece>& pieces, std::string_view form, const SlotWords& words) {
  for (const char c : form) {
    if (c == '#' || c == '$') {
      pieces.push_back({c == '#' ? words.name : words.value, true});
    } else if (pieces.empty() || pieces.back().fixed) {
      pieces.push_back({std::string(1, c), false});
    } else {
      pieces.back().text += c;
    }
  }
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_mark(char c) { return std::string_view(".,:;!?'").find(c) != std::string_view::npos; }

// A letter is doubled, left out, or swapped with the one behind it.
std::string with_typos(std::string_view text, double rate, Random& random) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_letter(text[i]) || random.uniform() >= rate) {
      out += text[i];
      continue;
    }
    const std::uint64_t kind = random.below(3);
    if (kind == 0) {
      out.append(2, text[i]);
    } else if (kind == 1 && i + 1 < text.size() && is_letter(text[i + 1])) {
      (out += text[i + 1]) += text[i];
      ++i;
    }
  }
  return out;
}

// Runs of letters and digits, in lower case, each with one blank before and one after it.
std::string spaced_words(std::string_view text) {
  std::string out = " ";
  for (const char c : text) {
    const bool counts = is_letter(c) || (c >= '0' && c <= '9');
    if (counts) {
      out += lower(c);
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

}  // namespace

std::string realise(const Persona& persona, std::span<const Move> moves,
                    const std::function<SlotWords(std::size_t)>& words, RandomKey key) {
  std::vector<Piece> pieces;
  Random random(key.split("variant"));
  for (const Move& move : moves) {
    const bool tells =
        move.act == Act::inform || move.act == Act::volunteer || move.act == Act::correct;
    const SlotWords slot = tells ? words(move.slot) : SlotWords{};
    if (!pieces.empty()) pieces.push_back({" ", true});
    append_filled(pieces, template_for(persona, move, !slot.name.empty(), random), slot);
  }
  return with_noise(persona.noise, pieces, key.split("noise"));
}

std::string with_noise(const Noise& noise, std::span<const Piece> pieces, RandomKey key) {
  std::string out;
  Random random(key);
  for (const Piece& piece : pieces) {
    if (piece.fixed) {
      out += piece.text;
      continue;
    }
    std::string text = noise.typos > 0.0 ? with_typos(piece.text, noise.typos, random) : piece.text;
    if (noise.lower_case) std::transform(text.begin(), text.end(), text.begin(), lower);
    if (noise.no_punctuation) std::erase_if(text, is_mark);
    out += text;
  }
  return out;
}

std::optional<std::size_t> leaked(std::string_view text, std::span<const std::string> values) {
  const std::string words = spaced_words(text);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (words.find(spaced_words(values[i])) != std::string::npos) return i;
  }
  return std::nullopt;
}

}  // namespace turnhalle::users
