#include "agents/users/dialogue.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace turnhalle::users {
namespace {

// FNV-1a: only compared with the hash of the answer before.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

void Dialogue::begin(Slots slots, RandomKey key) {
  slots_ = slots;
  key_ = key.split(persona_->name);
  questions_ = 0;
  asked_.assign(slots.count, 0);
  told_.assign(slots.count, 0);
  dodged_.assign(slots.count, 0);
  owed_.assign(slots.count, 0);
  left_ = false;
  drifted_ = false;
  breaks_off_ = false;
  drifted_slot_ = 0;
  answer_ = 0;
  doubts_ = 0;
  asides_.begin(key_.split("asides"));
}

RandomKey Dialogue::question_key(std::string_view purpose) const {
  return key_.split(purpose).split(static_cast<std::uint64_t>(questions_));
}

RandomKey Dialogue::words_key() const { return question_key("words"); }

bool Dialogue::told_all() const {
  return std::all_of(told_.begin(), told_.end(), [](std::uint8_t told) { return told != 0; });
}

std::size_t Dialogue::next_unsaid() const {
  std::size_t slot = 0;
  while (slot < slots_.count && (told_[slot] != 0 || owed_[slot] != 0)) ++slot;
  return slot;
}

void Dialogue::forget(std::size_t slot) {
  asked_[slot] = 0;
  told_[slot] = 0;
  dodged_[slot] = 0;
  owed_[slot] = 0;
}

std::vector<Move> Dialogue::ask(const std::set<std::size_t>& asked) {
  ++questions_;
  const double truncation = persona_->noise.truncation;
  breaks_off_ =
      truncation > 0.0 && !breaks_off_ && Random(question_key("break")).uniform() < truncation;
  if (left_) return {{Act::unknown, 0}};
  Random random(key_.split(static_cast<std::uint64_t>(questions_)));
  const bool wasted = !is_new(asked);
  std::vector<Move> moves = respond(asked, random);
  if (moves.empty() && asked.empty()) answer_vaguely(moves);
  const bool in_haste = slots_.needed && runs_out_of_patience(random);
  if (in_haste || leaves_early(moves)) leave(moves);
  if (moves.empty()) moves.push_back({Act::unknown, 0});
  if (!left_) asides_.add(questions_, wasted, moves);
  return moves;
}

bool Dialogue::is_new(const std::set<std::size_t>& asked) const {
  return std::any_of(asked.begin(), asked.end(),
                     [&](std::size_t slot) { return told_[slot] == 0 || owed_[slot] != 0; });
}

void Dialogue::leave(std::vector<Move>& moves) {
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    if (told_[slot] == 0 || owed_[slot] != 0) tell_rightly(moves, Act::volunteer, slot);
  }
  left_ = true;
  moves.push_back({Act::leave, 0});
}

// Every draw is made whatever is asked, so that two rollouts stay alike as long as they can.
std::vector<Move> Dialogue::respond(const std::set<std::size_t>& asked, Random& random) {
  std::vector<Move> moves;
  const bool adds = random.uniform() < persona_->volunteer;
  drift(moves, random);
  put_right(moves);
  answer(asked, moves, random);
  if (!slots_.needed) return moves;
  const bool one_by_one = persona_->disclosure == Disclosure::one_per_turn;
  const bool all = persona_->disclosure == Disclosure::all_at_once;
  const std::size_t unasked =
      all ? slots_.count : (adds || (one_by_one && moves.empty()) ? 1U : 0U);
  for (std::size_t i = 0; i < unasked && next_unsaid() < slots_.count; ++i) {
    tell(moves, Act::volunteer, next_unsaid());
  }
  misremember(moves);
  return moves;
}

void Dialogue::answer(const std::set<std::size_t>& asked, std::vector<Move>& moves,
                      Random& random) {
  const bool one_by_one = slots_.needed && persona_->disclosure == Disclosure::one_per_turn;
  std::int64_t at_once = one_by_one ? 1 : persona_->at_once_max;
  if (at_once == 0) at_once = std::numeric_limits<std::int64_t>::max();
  std::int64_t answered = 0;
  std::set<Act> dodges;
  for (const std::size_t slot : asked) {
    if (answered >= at_once) break;
    ++answered;
    const Act act = reaction(slot, random);
    if (act != Act::inform) {
      dodges.insert(act);
    } else if (!speaks_of(moves, slot)) {
      tell(moves, act, slot);
    }
  }
  for (const Act dodge : dodges) moves.push_back({dodge, 0});
}

void Dialogue::answer_vaguely(std::vector<Move>& moves) {
  const std::size_t unsaid = slots_.needed ? next_unsaid() : slots_.count;
  const bool more = unsaid < slots_.count;
  switch (persona_->vague) {
    case Vague::unknown:
      break;
    case Vague::asks_back:
      moves.push_back({Act::clarify, 0});
      break;
    case Vague::hints:
      moves.push_back(more ? Move{Act::hint, unsaid} : Move{Act::clarify, 0});
      break;
    case Vague::tells_one:
      if (more) tell(moves, Act::volunteer, unsaid);
      break;
  }
}

std::vector<Move> Dialogue::volunteer_one() {
  std::vector<Move> moves;
  if (next_unsaid() < slots_.count) tell(moves, Act::volunteer, next_unsaid());
  if (moves.empty()) moves.push_back({Act::unknown, 0});
  return moves;
}

// One draw decides whether and how a thing is dodged, and each thing is dodged once.
Act Dialogue::reaction(std::size_t slot, Random& random) {
  const double draw = random.uniform();
  if (told_[slot] != 0 || owed_[slot] != 0) return Act::inform;
  if (asked_[slot] < 255) ++asked_[slot];
  const std::int64_t needed = persona_->disclosure == Disclosure::when_pressed ? persona_->asks : 1;
  if (asked_[slot] < needed) return Act::deflect;
  if (dodged_[slot] != 0) return Act::inform;
  const std::array<std::pair<Act, double>, 4> dodges = {{{Act::deflect, persona_->deflect},
                                                         {Act::refuse, persona_->refuse},
                                                         {Act::counter, persona_->counter},
                                                         {Act::dont_know, persona_->dont_know}}};
  double below = 0.0;
  for (const auto& [act, chance] : dodges) {
    below += chance;
    if (draw >= below) continue;
    dodged_[slot] = 1;
    return act;
  }
  return Act::inform;
}

void Dialogue::drift(std::vector<Move>& moves, Random& random) {
  const std::uint64_t draw = random.bits();
  if (!slots_.needed || !slots_.changeable || drifted_ || persona_->drift_at == 0 ||
      questions_ < persona_->drift_at || slots_.count == 0) {
    return;
  }
  drifted_ = true;
  drifted_slot_ = static_cast<std::size_t>(draw % slots_.count);
  if (told_[drifted_slot_] == 0) return;
  owed_[drifted_slot_] = 0;
  moves.push_back({Act::correct, drifted_slot_});
}

bool Dialogue::runs_out_of_patience(Random& random) const {
  const double draw = random.uniform();
  const std::int64_t late = questions_ - persona_->patience.grace;
  if (late <= 0) return false;
  return draw <
         persona_->patience.hazard + persona_->patience.growth * static_cast<double>(late - 1);
}

bool Dialogue::leaves_early(const std::vector<Move>& moves) const {
  if (persona_->leaves_early <= 0.0 || !slots_.needed || slots_.asking_counts || told_all()) {
    return false;
  }
  const bool told =
      std::any_of(moves.begin(), moves.end(), [](const Move& move) { return tells(move.act); });
  return told && Random(question_key("early")).uniform() < persona_->leaves_early;
}

bool Dialogue::accepts(std::string_view answer) {
  const std::uint64_t hash = hash_of(answer);
  if (hash != answer_) doubts_ = 0;
  answer_ = hash;
  if (doubts_ >= persona_->doubts) return true;
  ++doubts_;
  return false;
}

}  // namespace turnhalle::users
