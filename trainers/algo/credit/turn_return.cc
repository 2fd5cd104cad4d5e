// Rewards-to-go of turns and void turns: Dr. Kernel, arXiv 2602.05885, section 4.2.
#include "trainers/algo/credit.h"

namespace turnhalle::algo {

void turn_returns(const TurnRewards& turns, double gamma, std::span<double> returns) {
  for (std::size_t row = 0; row + 1 < turns.offset.size(); ++row) {
    double running = 0;
    for (std::size_t t = turns.offset[row + 1]; t > turns.offset[row]; --t) {
      const bool counts = turns.counts[t - 1] != 0;
      running = (counts ? turns.reward[t - 1] : 0.0) + gamma * running;
      returns[t - 1] = counts ? running : 0.0;
    }
  }
}

void mark_void_turns(std::span<const std::size_t> offset, std::span<const double> reward,
                     std::span<std::uint8_t> counts) {
  for (std::size_t row = 0; row + 1 < offset.size(); ++row) {
    bool succeeded = false;
    for (std::size_t t = offset[row]; t < offset[row + 1]; ++t) {
      if (reward[t] <= 0 && succeeded) {
        counts[t] = 0;
      }
      succeeded |= reward[t] > 0;
    }
  }
}

}  // namespace turnhalle::algo
