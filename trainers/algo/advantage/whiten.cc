// Masked whitening over the batch: REINFORCE++, arXiv 2501.03262.
#include <cmath>

#include "trainers/algo/advantage.h"

namespace turnhalle::algo {

void whiten(std::span<const double> weight, const Whitening& whitening,
            std::span<double> advantage) {
  double total = 0;
  double sum = 0;
  for (std::size_t i = 0; i < advantage.size(); ++i) {
    total += weight[i];
    sum += weight[i] * advantage[i];
  }
  if (total <= 1) {
    return;
  }
  const double mean = sum / total;
  double square = 0;
  for (std::size_t i = 0; i < advantage.size(); ++i) {
    square += weight[i] * (advantage[i] - mean) * (advantage[i] - mean);
  }
  const double variance = square / (total - 1);
  const double divisor = whitening.form == WhitenForm::variance_eps
                             ? std::sqrt(variance + whitening.eps)
                             : std::sqrt(variance) + whitening.eps;
  const double centre = whitening.centre ? mean : 0.0;
  for (std::size_t i = 0; i < advantage.size(); ++i) {
    if (weight[i] > 0) {
      advantage[i] = divisor > 0 ? (advantage[i] - centre) / divisor : 0.0;
    }
  }
}

}  // namespace turnhalle::algo
