#include "trainers/token_arrays.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "trainers/algo/information.h"
#include "trainers/algo/structure.h"

namespace turnhalle {
namespace {

// Where the policy was told what stands between its last reply, or the beginning, and span k.
lm::TokenSpan told_before(const Sequence& sequence, std::size_t k) {
  const RowSpan& span = sequence.spans[k];
  const std::size_t begin =
      k == 0 ? 0 : sequence.spans[k - 1].position + sequence.spans[k - 1].count;
  return {begin, span.position};
}

std::span<const std::int32_t> part(const std::vector<std::int32_t>& tokens, lm::TokenSpan span) {
  return std::span(tokens).subspan(span.begin, span.end - span.begin);
}

}  // namespace

std::vector<std::int64_t> anchor_states(const RolloutBatch& batch) {
  using State = std::tuple<EpisodeKind, std::int64_t, std::vector<std::int32_t>>;
  std::map<State, std::int64_t> numbers;
  const std::size_t turns = batch.rows.turn_offset.back();
  std::vector<std::int64_t> anchor(turns);
  // Turns in which the policy said nothing are like no other.
  for (std::size_t turn = 0; turn < turns; ++turn) {
    anchor[turn] = -1 - static_cast<std::int64_t>(turn);
  }
  std::vector<std::size_t> next(batch.rows.turn_offset.begin(), batch.rows.turn_offset.end() - 1);
  for (const Sequence& sequence : batch.sequences) {
    for (std::size_t k = 0; k < sequence.spans.size(); ++k) {
      const std::size_t row = sequence.spans[k].row;
      const std::span<const std::int32_t> told = part(sequence.tokens, told_before(sequence, k));
      const State state{batch.episodes[row].kind, batch.episodes[row].position,
                        {told.begin(), told.end()}};
      const auto number = static_cast<std::int64_t>(numbers.size());
      anchor[next[row]++] = numbers.try_emplace(state, number).first->second;
    }
  }
  return anchor;
}

std::vector<double> structure_marks(const RolloutBatch& batch, const lm::Tokenizer& tokenizer,
                                    const lm::ChatTemplate& chat) {
  std::vector<double> marks(batch.rows.tokens(), 0.0);
  const std::string end = chat.stop_tokens().empty() ? std::string() : chat.stop_tokens().front();
  for (const Sequence& sequence : batch.sequences) {
    for (const RowSpan& span : sequence.spans) {
      std::vector<std::string> pieces;
      for (const std::int32_t id :
           part(sequence.tokens, {span.position, span.position + span.count})) {
        pieces.emplace_back(tokenizer.piece(id));
      }
      const algo::StructureReport report = algo::check_structure(
          algo::find_tags(pieces, end), span.count, /*think_is_forced=*/false);
      const std::size_t first = batch.rows.offset[span.row] + span.token;
      for (std::size_t k = 0; k < span.count; ++k) marks[first + k] = report.mark[k];
    }
  }
  return marks;
}

std::vector<Sequence> make_counterfactuals(const RolloutBatch& batch,
                                           const lm::Tokenizer& tokenizer,
                                           const lm::ChatTemplate& chat,
                                           std::span<const lm::TokenId> placeholder) {
  std::vector<Sequence> result;
  for (const Sequence& sequence : batch.sequences) {
    for (std::size_t k = 1; k < sequence.spans.size(); ++k) {
      const RowSpan& span = sequence.spans[k];
      if (span.row != sequence.spans[k - 1].row) continue;  // no feedback: a new episode
      const lm::TokenSpan told = told_before(sequence, k);
      const std::vector<lm::TokenSpan> contents =
          chat.contents(tokenizer, part(sequence.tokens, told));
      if (contents.empty() || span.count == 0) continue;
      Sequence masked;
      masked.tokens.assign(sequence.tokens.begin(),
                           sequence.tokens.begin() +
                               static_cast<std::ptrdiff_t>(span.position + span.count));
      for (const lm::TokenSpan& content : contents) {
        masked.tokens = algo::overwrite_span(
            masked.tokens, {told.begin + content.begin, told.begin + content.end}, placeholder);
      }
      masked.sampled.assign(masked.tokens.size(), 0);
      std::fill_n(masked.sampled.begin() + static_cast<std::ptrdiff_t>(span.position), span.count,
                  std::uint8_t{1});
      masked.spans = {span};
      result.push_back(std::move(masked));
    }
  }
  return result;
}

std::vector<double> scatter(std::span<const Sequence> sequences,
                            const std::vector<std::vector<float>>& scores,
                            const algo::Batch& rows, double absent) {
  std::vector<double> result(rows.tokens(), absent);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    std::size_t token = 0;
    for (const RowSpan& span : sequences[i].spans) {
      for (std::size_t k = 0; k < span.count; ++k) {
        result[rows.offset[span.row] + span.token + k] = scores[i][token++];
      }
    }
  }
  return result;
}

}  // namespace turnhalle
