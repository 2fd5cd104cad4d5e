// The sentences of users: two sets that share none, each in five wordings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agents/users/asides.h"
#include "agents/users/persona.h"

namespace turnhalle::users {

inline constexpr std::size_t kWordingCount = 5;
inline constexpr std::size_t kRequestKinds = 3;
inline constexpr std::size_t kFillers = 4;

/// A sentence in one or two variants (the second may be empty). "#" stands for the name of a slot
/// or the subject of a tangent, "$" for a value.
struct Variants {
  std::string_view first;
  std::string_view second = {};
};
/// plain, formal, casual, terse, non-native.
using Sentence = std::array<Variants, kWordingCount>;

struct Sentences {
  Sentence inform;
  Sentence inform_bare;  ///< of a slot without a name
  Sentence volunteer;
  Sentence correct;
  Sentence rectify;
  Sentence rectify_bare;
  Sentence hint;
  Sentence reask;
  Sentence reask_bare;
  Sentence deflect;
  Sentence refuse;
  Sentence counter;
  Sentence dont_know;
  Sentence clarify;
  Sentence unknown;
  Sentence doubt;
  Sentence urge;
  Sentence complain;
  Sentence threaten;
  std::array<Sentence, kTangentKinds> tangents;
  Sentence nag;
  std::array<Sentence, kRequestKinds> requests;
  Sentence insist;
  Sentence let_go;
  Sentence leave;
  std::array<std::array<std::string_view, kFillers>, kWordingCount> fillers;
};

/// Those of a lexis.
const Sentences& train_sentences();
const Sentences& held_out_sentences();
inline const Sentences& sentences_of(Lexis lexis) {
  return lexis == Lexis::train ? train_sentences() : held_out_sentences();
}

}  // namespace turnhalle::users
