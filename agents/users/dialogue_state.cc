// Snapshots of dialogues.
#include "agents/users/dialogue.h"

namespace turnhalle::users {
namespace {

bool may_mislead(const Persona& persona) {
  return persona.mistakes.chance > 0.0 || persona.memory.contradicts > 0.0;
}

}  // namespace

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
  write_axes(out);
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
  owed_.assign(slots_.count, 0);
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
  const bool known = read_axes(in);
  return in.ok() && known && questions_ >= 0 && doubts_ >= 0 && doubts_ <= persona_->doubts &&
         (drifted_slot_ < slots_.count || drifted_slot_ == 0);
}

// A persona that is not on an axis has no bytes for it.
void Dialogue::write_axes(ByteWriter& out) const {
  if (may_mislead(*persona_)) {
    for (const std::uint8_t owed : owed_) out.u8(owed);
  }
  if (persona_->leaves_early > 0.0) out.boolean(slots_.asking_counts);
  if (persona_->noise.truncation > 0.0) out.boolean(breaks_off_);
  asides_.snapshot(out);
}

bool Dialogue::read_axes(ByteReader& in) {
  bool valid = true;
  if (may_mislead(*persona_)) {
    for (std::uint8_t& owed : owed_) {
      owed = in.u8();
      valid = valid && owed <= persona_->mistakes.corrects_after;
    }
    // Only what has other values is put right, and nobody leaves before.
    valid = valid && (!owes() || (slots_.needed && slots_.changeable && !left_));
  }
  slots_.asking_counts = persona_->leaves_early > 0.0 && in.boolean();
  breaks_off_ = persona_->noise.truncation > 0.0 && in.boolean();
  return asides_.restore(in, key_.split("asides")) && valid;
}

}  // namespace turnhalle::users
