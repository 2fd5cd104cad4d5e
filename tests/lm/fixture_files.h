// What make_fixtures.py wrote, for the tests of the text side of the policy.
#pragma once

#include <string>

#include "agents/lm/tokenizer.h"

namespace turnhalle::lm {

inline const std::string kData = TURNHALLE_SOURCE_DIR "/tests/lm/data/";

/// A vocabulary of a few hundred tokens with the rules of SmolLM2's.
inline Tokenizer small_tokenizer() {
  return Tokenizer::load(kData + "smollm_like.tokenizer.json").value();
}

}  // namespace turnhalle::lm
