#include "agents/users/asides.h"

#include <algorithm>
#include <string>

#include "agents/users/whole_words.h"

namespace turnhalle::users {

void Asides::begin(RandomKey key) {
  key_ = key;
  outbursts_ = 0;
  pending_ = kTangents;
  answered_ = false;
}

void Asides::hears(std::string_view text) {
  answered_ = pending_ < kTangents &&
              spaced_words(text).find(spaced_words(subject_of(pending_))) != std::string::npos;
  if (answered_) pending_ = kTangents;
}

// Every draw is made whatever happens, so that two rollouts stay alike as long as they can.
void Asides::add(std::int64_t question, bool wasted, std::vector<Move>& moves) {
  if (!remembers() && persona_->requests.count == 0) return;
  Random random(key_.split(static_cast<std::uint64_t>(question)));
  const double anger = random.uniform();
  const bool digresses = random.uniform() < persona_->tangents.chance;
  const auto tangent = static_cast<std::size_t>(random.below(kTangents));
  const bool minds = random.uniform() < persona_->tangents.complains;
  if (wasted && !answered_) vent(anger, moves);
  if (pending_ < kTangents && minds) moves.push_back({Act::nag, pending_});
  pending_ = kTangents;
  answered_ = false;
  if (digresses) {
    pending_ = tangent;
    moves.push_back({Act::tangent, tangent});
  }
  request(question, moves);
}

// The level is that of the outburst: the first urges, the second complains, later ones threaten.
void Asides::vent(double draw, std::vector<Move>& moves) {
  const Temper& temper = persona_->temper;
  if (draw >= temper.chance + temper.growth * static_cast<double>(outbursts_)) return;
  ++outbursts_;
  static constexpr std::array<Act, 3> kByLevel = {Act::urge, Act::complain, Act::threaten};
  const std::int64_t level = std::min(outbursts_, temper.level_max);
  moves.push_back({kByLevel[static_cast<std::size_t>(level - 1)], 0});
}

// One wish after the other: raised at one question, insisted on at the next ones, then dropped.
void Asides::request(std::int64_t question, std::vector<Move>& moves) const {
  const Requests& requests = persona_->requests;
  const std::int64_t each = requests.insists + 2;
  const std::int64_t number = (question - 1) / each;
  if (number >= requests.count) return;
  const std::int64_t since = (question - 1) % each;
  const Act act = since == 0 ? Act::request : (since + 1 < each ? Act::insist : Act::let_go);
  moves.push_back({act, static_cast<std::size_t>(number)});
}

// What others say needs no state, and their snapshots have none.
bool Asides::remembers() const {
  return persona_->temper.chance > 0.0 || persona_->temper.growth > 0.0 ||
         persona_->tangents.chance > 0.0;
}

void Asides::snapshot(ByteWriter& out) const {
  if (!remembers()) return;
  out.i64(outbursts_);
  out.u64(pending_);
  out.boolean(answered_);
}

bool Asides::restore(ByteReader& in, RandomKey key) {
  begin(key);
  if (!remembers()) return true;
  outbursts_ = in.i64();
  pending_ = in.u64();
  answered_ = in.boolean();
  return in.ok() && outbursts_ >= 0 && pending_ <= kTangents;
}

}  // namespace turnhalle::users
