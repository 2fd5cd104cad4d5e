#include "agents/users/realiser.h"

#include <algorithm>
#include <array>

#include "agents/users/templates.h"
#include "agents/users/whole_words.h"

namespace turnhalle::users {
namespace {

// What is said of a slot; bare where it has no name.
const Sentence& slot_sentence(const Sentences& all, Act act, bool named) {
  switch (act) {
    case Act::inform:
    case Act::mistake:
      return named ? all.inform : all.inform_bare;
    case Act::volunteer:
    case Act::contradict:
      return named ? all.volunteer : all.inform_bare;
    case Act::correct:
      return named ? all.correct : all.inform_bare;
    case Act::rectify:
      return named ? all.rectify : all.rectify_bare;
    case Act::hint:
      return named ? all.hint : all.clarify;
    default:
      return named ? all.reask : all.reask_bare;
  }
}

const Sentence& other_sentence(const Sentences& all, const Move& move) {
  switch (move.act) {
    case Act::deflect:
      return all.deflect;
    case Act::refuse:
      return all.refuse;
    case Act::counter:
      return all.counter;
    case Act::dont_know:
      return all.dont_know;
    case Act::clarify:
      return all.clarify;
    case Act::doubt:
      return all.doubt;
    case Act::urge:
      return all.urge;
    case Act::complain:
      return all.complain;
    case Act::threaten:
      return all.threaten;
    case Act::tangent:
      return all.tangents[move.slot % kTangentKinds];
    case Act::nag:
      return all.nag;
    case Act::request:
      return all.requests[move.slot % kRequestKinds];
    case Act::insist:
      return all.insist;
    case Act::let_go:
      return all.let_go;
    case Act::leave:
      return all.leave;
    default:
      return all.unknown;
  }
}

// A sentence of a message.
struct Said {
  std::vector<Piece> pieces;
  bool stays = false;  ///< is never left out
};

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

// The words of a user with fewer of them are those of a terse one.
std::size_t wording_of(const Persona& persona) {
  const bool minimal = persona.verbosity.style == Style::minimal;
  return static_cast<std::size_t>(minimal ? Wording::terse : persona.wording);
}

Said say(const Persona& persona, const Move& move, const SlotWords& words, Random& random) {
  const Sentences& all = sentences_of(persona.lexis);
  const bool answers = move.act == Act::inform || move.act == Act::mistake;
  const bool named = !words.name.empty() && !(answers && persona.verbosity.style == Style::minimal);
  const Sentence& sentence =
      about_slot(move.act) ? slot_sentence(all, move.act, named) : other_sentence(all, move);
  const Variants& variants = sentence[wording_of(persona)];
  const bool second = random.below(2) == 1 && !variants.second.empty();
  Said said;
  said.stays = tells(move.act) || misleads(move.act) || move.act == Act::leave;
  append_filled(said.pieces, second ? variants.second : variants.first, words);
  return said;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    count += text[i] != ' ' && (i == 0 || text[i - 1] == ' ') ? 1 : 0;
  }
  return count;
}

std::int64_t count_words(std::span<const Said> message) {
  std::int64_t count = 0;
  for (const Said& said : message) {
    std::string text;
    for (const Piece& piece : said.pieces) text += piece.text;
    count += count_words(text);
  }
  return count;
}

// One filler before what is said and up to two behind it, as far as they fit.
void ramble(const Persona& persona, std::vector<Said>& message, RandomKey key) {
  Random random(key);
  const auto& fillers = sentences_of(persona.lexis).fillers[wording_of(persona)];
  const std::uint64_t wanted = 1 + random.below(3);
  const std::uint64_t first = random.below(kFillers);
  std::int64_t words = count_words(message);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const std::string_view filler = fillers[(first + i) % kFillers];
    words += count_words(filler);
    if (words > persona.verbosity.words_max) return;
    message.insert(i == 0 ? message.begin() : message.end(), {{{std::string(filler)}}, false});
  }
}

// Leaves out what need not be said, the last first, as long as the message is too long.
void shorten(std::vector<Said>& message, std::int64_t words_max) {
  for (std::size_t i = message.size(); i-- > 0 && message.size() > 1;) {
    if (count_words(message) <= words_max) return;
    if (!message[i].stays) message.erase(message.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void adapt_length(const Persona& persona, std::vector<Said>& message, RandomKey key) {
  if (persona.verbosity.style == Style::minimal) {
    const bool any =
        std::any_of(message.begin(), message.end(), [](const Said& said) { return said.stays; });
    if (any) std::erase_if(message, [](const Said& said) { return !said.stays; });
  } else if (persona.verbosity.style == Style::rambling) {
    ramble(persona, message, key.split("fillers"));
  }
  if (persona.protocol.words_max > 0) shorten(message, persona.protocol.words_max);
}

// The first part of a message; of the rest only names and values are left, as fragments.
std::vector<Piece> broken_off(std::span<const Piece> pieces, double part) {
  std::size_t total = 0;
  for (const Piece& piece : pieces) total += piece.text.size();
  auto left = std::max<std::size_t>(1, static_cast<std::size_t>(part * static_cast<double>(total)));
  std::vector<Piece> out;
  for (const Piece& piece : pieces) {
    const bool kept = piece.fixed && piece.text != " ";
    if (kept && left == 0 && !out.back().text.ends_with(' ')) out.push_back({" ", true});
    const std::size_t size = kept ? piece.text.size() : std::min(left, piece.text.size());
    if (size > 0) out.push_back({piece.text.substr(0, size), piece.fixed});
    left -= std::min(left, piece.text.size());
  }
  while (out.size() > 1 && out.back().text == " ") out.pop_back();
  return out;
}

}  // namespace

std::string realise(const Persona& persona, std::span<const Move> moves,
                    const std::function<SlotWords(const Move&)>& words, RandomKey key,
                    bool breaks_off) {
  std::vector<Said> message;
  Random random(key.split("variant"));
  for (const Move& move : moves) {
    SlotWords named;
    if (about_slot(move.act)) named = words(move);
    if (move.act == Act::tangent || move.act == Act::nag) named.name = subject_of(move.slot);
    message.push_back(say(persona, move, named, random));
  }
  adapt_length(persona, message, key);
  std::vector<Piece> pieces;
  for (const Said& said : message) {
    if (!pieces.empty()) pieces.push_back({" ", true});
    pieces.insert(pieces.end(), said.pieces.begin(), said.pieces.end());
  }
  if (breaks_off) pieces = broken_off(pieces, persona.noise.truncated_to);
  return with_noise(persona.noise, pieces, key.split("noise"));
}

std::string labelled(const Protocol& protocol, std::string_view text) {
  static constexpr std::array<std::string_view, 3> kLabels = {"", "User: ", "<user> "};
  return std::string(kLabels[static_cast<std::size_t>(protocol.role_label)]) + std::string(text);
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
