// Returns of tokens: REINFORCE++, arXiv 2501.03262.
#include "trainers/algo/credit.h"

namespace turnhalle::algo {

void token_returns(const TokenRewards& tokens, double gamma, std::span<double> returns) {
  for (std::size_t row = 0; row + 1 < tokens.offset.size(); ++row) {
    double running = 0;
    for (std::size_t t = tokens.offset[row + 1]; t > tokens.offset[row]; --t) {
      if (tokens.mask[t - 1] != 0) {
        running = tokens.reward[t - 1] + gamma * running;
        returns[t - 1] = running;
      }
    }
  }
}

}  // namespace turnhalle::algo
