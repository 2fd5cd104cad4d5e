// Adaptive RED weight: Connect the Dots, arXiv 2606.20002, appendix A, equation 3.
#include <cmath>

#include "trainers/algo/advantage.h"

namespace turnhalle::algo {
namespace {

/// sum_s A_s exp(A_s/T) n_s.
double reweighted_sum(std::span<const double> tokens, double temperature,
                      std::span<const double> advantage) {
  double sum = 0;
  for (std::size_t i = 0; i < advantage.size(); ++i) {
    sum += advantage[i] * std::exp(advantage[i] / temperature) * tokens[i];
  }
  return sum;
}

}  // namespace

double adaptive_reweight(std::span<const double> tokens, const Reweighting& reweighting,
                         std::span<double> advantage) {
  double mass = 0;
  for (std::size_t i = 0; i < advantage.size(); ++i) {
    mass += advantage[i] * tokens[i];
  }
  if (!(mass < 0)) {
    return 0;
  }
  double low = reweighting.temperature_low;
  double high = reweighting.temperature_high;
  double middle = (low + high) / 2;
  for (int k = 0; k < reweighting.iterations_max && high - low >= reweighting.width; ++k) {
    middle = (low + high) / 2;
    (reweighted_sum(tokens, middle, advantage) < 0 ? high : low) = middle;
  }
  for (double& value : advantage) {
    value *= std::exp(value / middle);
  }
  return middle;
}

}  // namespace turnhalle::algo
