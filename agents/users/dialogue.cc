#include "agents/users/dialogue.h"

#include <algorithm>
#include <limits>

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
  left_ = false;
  drifted_ = false;
  drifted_slot_ = 0;
  answer_ = 0;
  doubts_ = 0;
}

RandomKey Dialogue::words_key() const {
  return key_.split("words").split(static_cast<std::uint64_t>(questions_));
}

bool Dialogue::told_all() const {
  return std::all_of(told_.begin(), told_.end(), [](std::uint8_t told) { return told != 0; });
}

std::size_t Dialogue::next_untold() const {
  return static_cast<std::size_t>(std::find(told_.begin(), told_.end(), 0) - told_.begin());
}

void Dialogue::forget(std::size_t slot) {
  asked_[slot] = 0;
  told_[slot] = 0;
  dodged_[slot] = 0;
}

void Dialogue::tell(std::vector<Move>& moves, Act act, std::size_t slot) {
  told_[slot] = 1;
  moves.push_back({act, slot});
}

std::vector<Move> Dialogue::ask(const std::set<std::size_t>& asked) {
  ++questions_;
  if (left_) return {{Act::unknown, 0}};
  Random random(key_.split(static_cast<std::uint64_t>(questions_)));
  std::vector<Move> moves = respond(asked, random);
  if (slots_.needed && !left_ && runs_out_of_patience(random)) {
    for (std::size_t slot = next_untold(); slot < slots_.count; slot = next_untold()) {
      tell(moves, Act::volunteer, slot);
    }
    left_ = true;
    moves.push_back({Act::leave, 0});
  }
  if (moves.empty()) moves.push_back({Act::unknown, 0});
  return moves;
}

// Every draw is made whatever is asked, so that two rollouts stay alike as long as they can.
std::vector<Move> Dialogue::respond(const std::set<std::size_t>& asked, Random& random) {
  std::vector<Move> moves;
  const bool adds = random.uniform() < persona_->volunteer;
  drift(moves, random);
  const bool one_by_one = slots_.needed && persona_->disclosure == Disclosure::one_per_turn;
  std::int64_t at_once = one_by_one ? 1 : persona_->at_once_max;
  if (at_once == 0) at_once = std::numeric_limits<std::int64_t>::max();
  std::int64_t answered = 0;
  bool dodges = false;
  for (const std::size_t slot : asked) {
    if (answered >= at_once) break;
    ++answered;
    if (tells(slot, random)) {
      const bool corrected = std::count(moves.begin(), moves.end(), Move{Act::correct, slot}) > 0;
      if (!corrected) tell(moves, Act::inform, slot);
    } else {
      dodges = true;
    }
  }
  if (dodges) moves.push_back({Act::deflect, 0});
  if (!slots_.needed) return moves;
  const bool all = persona_->disclosure == Disclosure::all_at_once;
  const std::size_t unasked =
      all ? slots_.count : (adds || (one_by_one && moves.empty()) ? 1U : 0U);
  for (std::size_t i = 0; i < unasked && next_untold() < slots_.count; ++i) {
    tell(moves, Act::volunteer, next_untold());
  }
  return moves;
}

std::vector<Move> Dialogue::volunteer_one() {
  std::vector<Move> moves;
  if (next_untold() < slots_.count) tell(moves, Act::volunteer, next_untold());
  if (moves.empty()) moves.push_back({Act::unknown, 0});
  return moves;
}

bool Dialogue::tells(std::size_t slot, Random& random) {
  const bool dodges = random.uniform() < persona_->deflect;
  if (told_[slot] != 0) return true;
  if (asked_[slot] < 255) ++asked_[slot];
  const std::int64_t needed = persona_->disclosure == Disclosure::when_pressed ? persona_->asks : 1;
  if (asked_[slot] < needed) return false;
  if (!dodges || dodged_[slot] != 0) return true;
  dodged_[slot] = 1;
  return false;
}

void Dialogue::drift(std::vector<Move>& moves, Random& random) {
  const std::uint64_t draw = random.bits();
  if (!slots_.needed || !slots_.changeable || drifted_ || persona_->drift_at == 0 ||
      questions_ < persona_->drift_at || slots_.count == 0) {
    return;
  }
  drifted_ = true;
  drifted_slot_ = static_cast<std::size_t>(draw % slots_.count);
  if (told_[drifted_slot_] != 0) moves.push_back({Act::correct, drifted_slot_});
}

bool Dialogue::runs_out_of_patience(Random& random) const {
  const double draw = random.uniform();
  const std::int64_t late = questions_ - persona_->patience.grace;
  if (late <= 0) return false;
  return draw <
         persona_->patience.hazard + persona_->patience.growth * static_cast<double>(late - 1);
}

bool Dialogue::accepts(std::string_view answer) {
  const std::uint64_t hash = hash_of(answer);
  if (hash != answer_) doubts_ = 0;
  answer_ = hash;
  if (doubts_ >= persona_->doubts) return true;
  ++doubts_;
  return false;
}

void Dialogue::snapshot(ByteWriter& out) const {
  out.u64(key_.high);
  out.u64(key_.low);
  out.i64(questions_);
  out.u64(slots_.count);
  out.boolean(slots_.needed);
  out.boolean(slots_.changeable);
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    out.u8(asked_[slot]);
    out.boolean(told_[slot] != 0);
    out.boolean(dodged_[slot] != 0);
  }
  out.boolean(left_);
  out.boolean(drifted_);
  out.u64(drifted_slot_);
  out.u64(answer_);
  out.i64(doubts_);
}

bool Dialogue::restore(ByteReader& in) {
  key_.high = in.u64();
  key_.low = in.u64();
  questions_ = in.i64();
  slots_.count = in.count(3);
  slots_.needed = in.boolean();
  slots_.changeable = in.boolean();
  asked_.assign(slots_.count, 0);
  told_.assign(slots_.count, 0);
  dodged_.assign(slots_.count, 0);
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    asked_[slot] = in.u8();
    told_[slot] = in.boolean() ? 1 : 0;
    dodged_[slot] = in.boolean() ? 1 : 0;
  }
  left_ = in.boolean();
  drifted_ = in.boolean();
  drifted_slot_ = in.u64();
  answer_ = in.u64();
  doubts_ = in.i64();
  return in.ok() && questions_ >= 0 && doubts_ >= 0 && doubts_ <= persona_->doubts &&
         (drifted_slot_ < slots_.count || drifted_slot_ == 0);
}

}  // namespace turnhalle::users
