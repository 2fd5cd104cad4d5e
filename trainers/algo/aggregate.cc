#include "trainers/algo/aggregate.h"

#include "core/check.h"

namespace turnhalle::algo {

Denominators& operator+=(Denominators& total, const Denominators& part) {
  total.tokens += part.tokens;
  total.rows += part.rows;
  total.rows_filled += part.rows_filled;
  total.turns += part.turns;
  return total;
}

void row_factors(const Aggregation& aggregation, const Denominators& denominators,
                 std::span<const std::size_t> offset, std::span<const std::uint8_t> mask,
                 std::span<double> factor) {
  const double rows =
      aggregation.empty_rows == EmptyRows::count ? denominators.rows : denominators.rows_filled;
  check(offset.size() == factor.size() + 1, "one factor per row", offset.size(), factor.size());
  for (std::size_t row = 0; row < factor.size(); ++row) {
    double n = 0;
    for (std::size_t t = offset[row]; t < offset[row + 1]; ++t) {
      n += mask[t] != 0 ? 1 : 0;
    }
    if (n == 0) {
      factor[row] = 0;
      continue;
    }
    switch (aggregation.kind) {
      case AggregationKind::token_mean:
        factor[row] = inverse_or_zero(denominators.tokens);
        break;
      case AggregationKind::seq_mean_token_mean:
        factor[row] = inverse_or_zero(rows * n);
        break;
      case AggregationKind::seq_mean_token_sum:
        factor[row] = inverse_or_zero(rows);
        break;
      case AggregationKind::turn_mean_token_sum:
        factor[row] = inverse_or_zero(denominators.turns * aggregation.constant);
        break;
      case AggregationKind::constant:
        factor[row] = inverse_or_zero(rows * aggregation.constant);
        break;
      case AggregationKind::token_sum:
        factor[row] = 1;
        break;
    }
  }
}

}  // namespace turnhalle::algo
