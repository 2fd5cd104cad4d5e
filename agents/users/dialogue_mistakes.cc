// What a user says wrongly, and how it is put right.
#include <algorithm>

#include "agents/users/dialogue.h"

namespace turnhalle::users {

RandomKey Dialogue::mistake_key(std::size_t slot) const {
  return key_.split("mistake").split(static_cast<std::uint64_t>(slot));
}

bool Dialogue::owes() const {
  return std::any_of(owed_.begin(), owed_.end(), [](std::uint8_t owed) { return owed != 0; });
}

bool Dialogue::errs(std::size_t slot) const {
  return slots_.needed && slots_.changeable && persona_->mistakes.chance > 0.0 &&
         Random(mistake_key(slot)).uniform() < persona_->mistakes.chance;
}

void Dialogue::tell(std::vector<Move>& moves, Act act, std::size_t slot) {
  if (told_[slot] == 0 && owed_[slot] == 0 && errs(slot)) {
    owed_[slot] = static_cast<std::uint8_t>(persona_->mistakes.corrects_after);
    moves.push_back({Act::mistake, slot});
  } else {
    tell_rightly(moves, act, slot);
  }
}

void Dialogue::tell_rightly(std::vector<Move>& moves, Act act, std::size_t slot) {
  moves.push_back({owed_[slot] != 0 ? Act::rectify : act, slot});
  told_[slot] = 1;
  owed_[slot] = 0;
}

// What is due.
void Dialogue::put_right(std::vector<Move>& moves) {
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    if (owed_[slot] > 1) {
      --owed_[slot];
    } else if (owed_[slot] == 1) {
      tell_rightly(moves, Act::rectify, slot);
    }
  }
}

std::vector<Move> Dialogue::settle() {
  std::vector<Move> moves;
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    if (owed_[slot] != 0) tell_rightly(moves, Act::rectify, slot);
  }
  return moves;
}

// Of a thing that it has told and does not speak of now.
void Dialogue::misremember(std::vector<Move>& moves) {
  const Memory& memory = persona_->memory;
  if (memory.reasks <= 0.0 && memory.contradicts <= 0.0) return;
  Random random(question_key("memory"));
  const bool reasks = random.uniform() < memory.reasks;
  const bool contradicts = random.uniform() < memory.contradicts && slots_.changeable;
  const std::uint64_t draw = random.bits();
  std::vector<std::size_t> told;
  for (std::size_t slot = 0; slot < slots_.count; ++slot) {
    if (told_[slot] != 0 && owed_[slot] == 0 && !speaks_of(moves, slot)) told.push_back(slot);
  }
  if (told.empty() || !(reasks || contradicts)) return;
  const std::size_t slot = told[static_cast<std::size_t>(draw % told.size())];
  if (contradicts) owed_[slot] = static_cast<std::uint8_t>(persona_->mistakes.corrects_after);
  moves.push_back({contradicts ? Act::contradict : Act::reask, slot});
}

}  // namespace turnhalle::users
