// Drawing a token from logits by the inverse of the distribution function. Torch-free.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/lm/language_model.h"

namespace turnhalle::lm {

struct Draw {
  TokenId token = 0;
  float logprob = 0;  ///< natural logarithm of the probability that the token was drawn with
};

/// The first token at which the running sum of softmax(logits / temperature) exceeds `uniform`
/// in [0, 1). Temperature 0 takes the largest logit (the lowest id among equals) and reports its
/// log-prob at temperature 1. Sums are doubles in a fixed order, so the draw is a function of
/// the arguments. `scratch` is room that is kept between calls.
Draw draw_token(std::span<const float> logits, double temperature, double uniform,
                std::vector<float>& scratch);

}  // namespace turnhalle::lm
