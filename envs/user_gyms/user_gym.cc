#include "envs/user_gyms/user_gym.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace turnhalle::user_gyms {
namespace {

constexpr std::array<std::string_view, 4> kMarkers = {"[action]", "[search]", "[answer]",
                                                      "[finish]"};
constexpr std::size_t kWordsMax = 400;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

GymReply read_reply(std::string_view reply) {
  GymReply found;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kMarkers.size(); ++i) {
    const std::string_view marker = kMarkers[i];
    for (std::size_t at = reply.find(marker); at != std::string_view::npos && count < 2;
         at = reply.find(marker, at + marker.size())) {
      ++count;
      found = {static_cast<Choice>(i), trim(reply.substr(at + marker.size()))};
    }
  }
  return count == 1 ? found : GymReply{};
}

std::string_view marker_of(Choice choice) { return kMarkers[static_cast<std::size_t>(choice)]; }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  auto at = text.begin();
  while (words.size() < kWordsMax) {
    const auto begin = std::find_if(at, text.end(), is_letter);
    at = std::find_if_not(begin, text.end(), is_letter);
    if (begin == at) break;
    std::string word(begin, at);
    std::transform(word.begin(), word.end(), word.begin(), lower);
    words.push_back(std::move(word));
  }
  return words;
}

void UserGym::begin(const Task& task, users::Slots slots) {
  turns_ = 0;
  outcome_ = Outcome::running;
  user_.begin(slots, task.task.split("user").split(static_cast<std::uint64_t>(task.position)));
}

std::vector<users::Move> UserGym::ask_user(const std::set<std::size_t>& asked) {
  const bool drifted = user_.drifted();
  std::vector<users::Move> moves = user_.ask(asked);
  if (user_.drifted() != drifted) change(user_.drifted_slot(), user_.words_key().split("change"));
  return moves;
}

std::string UserGym::in_words(std::span<const users::Move> moves) const {
  if (!compact()) {
    const auto words = [this](const users::Move& move) { return words_of_move(move); };
    return users::realise(user_.persona(), moves, words, user_.words_key(), user_.breaks_off());
  }
  std::string text;
  for (const users::Move& move : moves) {
    const bool says = users::tells(move.act) || users::misleads(move.act);
    if (says) text += piece_of(words_of_move(move).value);
    if (move.act == users::Act::leave) text += "\nGone.";
  }
  return text.empty() ? std::string(kNothingFound) : text;
}

users::SlotWords UserGym::words_of_move(const users::Move& move) const {
  return users::misleads(move.act) ? wrong_words(move.slot, user_.mistake_key(move.slot))
                                   : slot_words(move.slot);
}

std::string UserGym::how_to_write() const {
  if (compact()) return "\nUnreadable.";
  std::string text = "That could not be read. Write exactly one of ";
  for (const Choice choice : {Choice::action, Choice::search, Choice::answer}) {
    if (offers(choice)) (text += marker_of(choice)) += ", ";
  }
  text += "[finish], and your text after it.";
  return text;
}

StepResult UserGym::step(Seat, const AgentReply& reply, Scheduler&) {
  StepResult result;
  if (outcome_ != Outcome::running) {
    result.outcome = outcome_;
    return result;
  }
  ++turns_;
  const GymReply read = read_reply(reply.text);
  if (read.choice == Choice::finish) {
    outcome_ = Outcome::done;
    result.observation = compact() ? "\nFinished. " : "You have finished.";
  } else if (read.choice == Choice::unreadable || !offers(read.choice)) {
    result.observation = how_to_write();
  } else {
    play(read, result);
  }
  if (outcome_ == Outcome::running && turns_ >= turns_max_) {
    outcome_ = Outcome::truncated;
    result.observation += compact() ? "\nOut of turns. " : " No turns are left.";
  } else if (outcome_ == Outcome::running && !compact()) {
    result.observation += " (Turns left: " + std::to_string(turns_max_ - turns_) + ")";
  }
  result.outcome = outcome_;
  return result;
}

void UserGym::play(const GymReply& read, StepResult& result) {
  user_.hears(read.content);
  std::optional<std::string> held_back;
  if (read.choice == Choice::answer) held_back = holds_back(read.content);
  if (held_back) {
    result.observation = *held_back;
  } else {
    act(read, result);
  }
  // A search is answered by nobody.
  if (!compact() && read.choice != Choice::search) {
    result.observation = users::labelled(user_.persona().protocol, result.observation);
  }
}

std::optional<std::string> UserGym::holds_back(std::string_view answer) {
  if (user_.owes()) return in_words(user_.settle());
  if (user_.accepts(answer)) return std::nullopt;
  const users::Move doubt{users::Act::doubt, 0};
  if (compact()) return "\nSure?";
  const auto nothing = [](const users::Move&) { return users::SlotWords{}; };
  return users::realise(user_.persona(), {&doubt, 1}, nothing, user_.words_key());
}

void UserGym::write_progress(ByteWriter& out) const {
  write_outcome(out);
  out.i64(turns_);
  user_.snapshot(out);
}

bool UserGym::talks_about(std::size_t slots) const {
  return user_.slots() == slots || (user_.slots() == 0 && outcome_ != Outcome::running);
}

bool UserGym::read_progress(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  const std::int64_t turns = in.i64();
  if (!user_.restore(in) || !known || turns < 0 || turns > turns_max_) {
    return false;
  }
  outcome_ = outcome;
  turns_ = turns;
  return true;
}

std::vector<std::string> common_pieces() {
  std::vector<std::string> pieces = {"Hint:",
                                     " none",
                                     "</hint>\n",
                                     " <hint>",
                                     "</hint>",
                                     "\nUnreadable.",
                                     "\nOut of turns. ",
                                     "\nRight. ",
                                     "\nWrong. ",
                                     "\nFinished. ",
                                     "\nSure?",
                                     "\nGone.",
                                     std::string(kNothingFound),
                                     "Reward 0\nNew hint:",
                                     "Reward 1\nNew hint:"};
  for (const std::string_view marker : kMarkers) {
    pieces.push_back(" " + std::string(marker));
  }
  return pieces;
}

ContextWords gym_words(PromptStyle style, const std::vector<std::string>& pieces,
                       const std::vector<std::string>& stops) {
  if (style != PromptStyle::compact) {
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  ContextWords words = {" none", " none", common_pieces(), stops};
  words.chunks.insert(words.chunks.end(), pieces.begin(), pieces.end());
  words.stops.push_back("</hint>");
  words.stops.push_back(" [finish]");
  return words;
}

ContextWords wordy_context(PromptStyle style) {
  if (style == PromptStyle::compact) return {" none", " none", {}, {}};
  return gym_words(style, {}, {});
}

std::string GymPlayer::play(const PlayerView& view, RandomKey key) {
  if (view.kind == EpisodeKind::update_context) {
    return compact() ? " <hint> none</hint>"
                     : "--- Start of updated hints ---\nAsk what halves the possibilities.\n"
                       "--- End of updated hints ---";
  }
  Random random(key);
  return move(view, random);
}

}  // namespace turnhalle::user_gyms
