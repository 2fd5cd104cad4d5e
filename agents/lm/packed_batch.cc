#include "agents/lm/packed_batch.h"

#include <algorithm>

namespace turnhalle::lm {

std::span<const std::int64_t> PackedRows::sequence(std::int64_t s) const {
  const auto index = static_cast<std::size_t>(s);
  const auto begin = static_cast<std::size_t>(offsets[index]);
  return std::span(rows).subspan(begin, static_cast<std::size_t>(offsets[index + 1]) - begin);
}

SequencePlaces PackedRows::places() const {
  return {rows.data(), offsets.data(), shared.data(), trees.data()};
}

void PackedBatch::append(std::span<const TokenId> sequence) { append_after(sequence, 0); }

void PackedBatch::append_sharing(std::span<const TokenId> sequence) {
  std::vector<TokenId> last;
  if (sequence_count() > 0) {
    for (const std::int64_t row : packed.sequence(sequence_count() - 1)) {
      last.push_back(tokens[static_cast<std::size_t>(row)]);
    }
  }
  append_after(sequence, shared_beginning(last, sequence));
}

void PackedBatch::append_after(std::span<const TokenId> sequence, std::size_t shared) {
  const std::int64_t sequences = sequence_count() + 1;
  if (shared > 0) {
    packed.trees.back() = sequences;
    const auto last = static_cast<std::size_t>(packed.offsets[packed.offsets.size() - 2]);
    for (std::size_t p = 0; p < shared; ++p) packed.rows.push_back(packed.rows[last + p]);
  } else {
    packed.trees.push_back(sequences);
  }
  for (const TokenId token : sequence.subspan(shared)) {
    packed.rows.push_back(token_count());
    tokens.push_back(token);
  }
  packed.offsets.push_back(static_cast<std::int64_t>(packed.rows.size()));
  packed.shared.push_back(static_cast<std::int64_t>(shared));
}

std::size_t shared_beginning(std::span<const TokenId> a, std::span<const TokenId> b) {
  const auto first_other = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  const auto shared = static_cast<std::size_t>(first_other - a.begin());
  return shared < kSharedMin ? 0 : shared;
}

}  // namespace turnhalle::lm
