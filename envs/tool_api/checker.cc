#include "envs/tool_api/checker.h"

#include <algorithm>
#include <set>

#include "core/text.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::size_t kLeakTextMin = 4;      // shorter texts are too common to be leaks
constexpr std::size_t kMessageLooked = 200;  // shorter messages hold no state
constexpr double kNameCredit = 0.3;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Lower case, without commas between digits.
std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool inside = i > 0 && i + 1 < text.size();
    if (c == ',' && inside && is_digit(text[i - 1]) && is_digit(text[i + 1])) continue;
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return out;
}

// Whether the words that begin at `at` end there too, and are no part of a longer number.
bool is_whole(const std::string& text, std::size_t at, const std::string& words) {
  const std::size_t end = at + words.size();
  const char first = words.front();
  const char last = words.back();
  if (at > 0 && is_word(first) && is_word(text[at - 1])) return false;
  if (end < text.size() && is_word(last) && is_word(text[end])) return false;
  const auto number_goes_on = [&](std::size_t point, std::size_t digit) {
    return text[point] == '.' && digit < text.size() && is_digit(text[digit]);
  };
  if (at > 1 && is_digit(first) && number_goes_on(at - 1, at - 2)) return false;
  return !(end + 1 < text.size() && is_digit(last) && number_goes_on(end, end + 1));
}

bool holds_plain(const std::string& text, const std::string& words) {
  if (words.empty()) return true;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
    if (is_whole(text, at, words)) return true;
  }
  return false;
}

void collect_texts(const Value& value, std::set<std::string>& texts) {
  if (value.is_text() && value.text().size() >= kLeakTextMin) texts.insert(plain(value.text()));
  for (const Value& item : value.list()) collect_texts(item, texts);
  for (const auto& [key, item] : value.map()) {
    if (key.size() >= kLeakTextMin) texts.insert(plain(key));
    collect_texts(item, texts);
  }
}

bool responses_are_there(const UserTurn& turn, std::span<const CallRecord> calls) {
  std::vector<std::uint64_t> wanted;
  for (std::size_t i = 0; i < turn.results.size(); ++i) {
    if (!turn.gold[i].optional) wanted.push_back(hash_of(canonical_text(turn.results[i])));
  }
  for (const std::uint64_t result : wanted) {
    const auto needed = std::count(wanted.begin(), wanted.end(), result);
    const auto made = std::count_if(calls.begin(), calls.end(), [&](const CallRecord& call) {
      return call.result == result;
    });
    if (made < needed) return false;
  }
  return true;
}

std::uint64_t hash_of_gold(const Api& api, const GoldCall& call) {
  const Tool* tool = api.find(call.tool);
  std::vector<Value> arguments;
  if (tool == nullptr || !bind_arguments(*tool, call.arguments, arguments).ok) return 0;
  return hash_of_call(*tool, arguments);
}

bool actions_are_there(const Api& api, const UserTurn& turn, std::span<const CallRecord> calls) {
  return std::all_of(turn.gold.begin(), turn.gold.end(), [&](const GoldCall& gold) {
    if (gold.optional) return true;
    const std::uint64_t hash = hash_of_gold(api, gold);
    return std::any_of(calls.begin(), calls.end(), [&](const CallRecord& call) {
      return call.call == hash && call.result != 0;
    });
  });
}

// What may be said without asking: what the user said, and the results of the gold calls.
std::string allowed_texts(const UserTurn& turn) {
  std::string allowed = turn.say;
  for (const Value& result : turn.results) allowed += "\n" + plain_text(result);
  for (const std::string& text : turn.communicate) allowed += "\n" + text;
  return allowed;
}

bool nothing_forbidden(const Pack& pack, const UserTurn& turn, const TurnView& view) {
  const std::string said = plain(view.said);
  if (std::any_of(turn.forbid.begin(), turn.forbid.end(), [&](const std::string& text) {
        return holds_plain(said, plain(text));
      })) {
    return false;
  }
  return view.said.size() < kMessageLooked ||
         count_leaks(view.state, view.said, allowed_texts(turn)) <= pack.leaks_max;
}

bool holds(Basis basis, const Pack& pack, const UserTurn& turn, const TurnView& view) {
  switch (basis) {
    case Basis::state:
      return same_state(turn.after, view.state, pack.api.rules);
    case Basis::responses:
      return responses_are_there(turn, view.calls);
    case Basis::actions:
      return actions_are_there(pack.api, turn, view.calls);
    case Basis::communicate:
      return std::all_of(
          turn.communicate.begin(), turn.communicate.end(),
          [&](const std::string& text) { return holds_words(view.said, text); });
    case Basis::forbidden:
      return nothing_forbidden(pack, turn, view);
    case Basis::assertions:
      return assertions_hold(turn, view.state);
    default:
      return turn.refuse.empty() ||
             std::any_of(turn.refuse.begin(), turn.refuse.end(), [&](const std::string& text) {
               return holds_words(view.said, text);
             });
  }
}

}  // namespace

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash == 0 ? 1 : hash;
}

std::uint64_t hash_of_call(const Tool& tool, const std::vector<Value>& arguments) {
  std::string text = tool.name;
  for (const Value& argument : arguments) {
    text += '\n';
    append_canonical(text, argument);
  }
  return hash_of(text);
}

TurnScore check_turn(const Pack& pack, const UserTurn& turn, const TurnView& view) {
  TurnScore score;
  if (!turn.checked) return score;
  for (const Basis basis : pack.basis) {
    if (!holds(basis, pack, turn, view)) score.failed.push_back(basis);
  }
  return score;
}

bool holds_words(std::string_view text, std::string_view wanted) {
  return holds_plain(plain(text), plain(trim(wanted)));
}

std::int64_t count_leaks(const Value& state, std::string_view said, const std::string& allowed) {
  std::set<std::string> texts;
  collect_texts(state, texts);
  const std::string message = plain(said);
  const std::string free = plain(allowed);
  return std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
    return message.find(text) != std::string::npos && free.find(text) == std::string::npos;
  });
}

double call_credit(const Api& api, const TaskInstance& task, std::span<const CallRecord> calls) {
  std::vector<CallRecord> left;
  for (const CallRecord& call : calls) {
    if (call.result != 0) left.push_back(call);
  }
  double credit = 0.0;
  double count = 0.0;
  std::vector<std::uint64_t> unmatched;
  const auto take = [&](auto&& fits) {
    const auto found = std::find_if(left.begin(), left.end(), fits);
    if (found == left.end()) return false;
    left.erase(found);
    return true;
  };
  for (const UserTurn& turn : task.turns) {
    for (const GoldCall& gold : turn.gold) {
      count += 1.0;
      const std::uint64_t hash = hash_of_gold(api, gold);
      if (take([&](const CallRecord& call) { return call.call == hash; })) {
        credit += 1.0;
      } else {
        unmatched.push_back(hash_of(gold.tool));
      }
    }
  }
  for (const std::uint64_t name : unmatched) {
    if (take([&](const CallRecord& call) { return call.name == name; })) credit += kNameCredit;
  }
  return count > 0.0 ? credit / count : 0.0;
}

}  // namespace turnhalle::tool_api
