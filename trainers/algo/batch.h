// A batch: everything that credit, objectives and corrections may read, as plain arrays.
//
// Rows are rollouts (for lifecycle methods: episodes). Tokens of row i stand at offset[i] …
// offset[i+1]-1 of every token array. An array that is not known stays empty; a recipe that
// needs it says so by name. Log-probs and entropies are in nats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::algo {

struct Batch {
  // One entry per row.
  std::vector<std::int64_t> group;       ///< rows of one task share it
  std::vector<std::string> group_name;   ///< group_name[g] for people; may be empty
  std::vector<double> reward;            ///< 0 where there is none
  std::vector<std::uint8_t> has_reward;  ///< 0: an infrastructure outcome, left out everywhere
  std::vector<std::uint8_t> truncated;   ///< 1: cut off by a limit
  std::vector<std::int64_t> lifecycle;   ///< unique inside its group
  std::vector<std::int64_t> position;    ///< task index; of an update: whose context it writes
  std::vector<std::uint8_t> is_update;   ///< 1: an update_context episode

  // Turns of row i: turn_offset[i] … turn_offset[i+1]-1.
  std::vector<std::size_t> turn_offset;
  std::vector<double> turn_reward;
  std::vector<std::uint8_t> turn_counts;  ///< 0: void, left out of baselines; empty: all count
  std::vector<std::int64_t> anchor;       ///< the state a turn starts from; equal ones are compared
  std::vector<double> info_gain;          ///< of a turn's feedback (information.h); NaN: none

  // One entry per token.
  std::vector<std::size_t> offset{0};  ///< rows + 1
  std::vector<std::uint8_t> mask;      ///< 1: produced by the policy and trained on
  std::vector<std::int32_t> turn;      ///< turn inside the row; -1 for the environment's
  std::vector<double> logp;            ///< under the policy as it is
  std::vector<double> logp_old;        ///< under the policy before the step's first update
  std::vector<double> logp_rollout;    ///< as recorded while sampling
  std::vector<double> logp_ref;        ///< under the reference policy
  std::vector<double> logp_masked;     ///< as logp_old, the feedback before the turn overwritten
  std::vector<double> structure;       ///< 1 legal tag, -1 the first illegal one, 0 content
  std::vector<double> entropy;         ///< of the policy's distribution at the token
  std::vector<double> value;           ///< critic

  std::size_t rows() const { return offset.size() - 1; }
  std::size_t tokens() const { return offset.back(); }
};

/// Sizes of the arrays that are there agree; a bug of the caller stops the program.
void check_shapes(const Batch& batch);

/// The rows named, in that order: a micro-batch. Arrays that are not there stay away.
Batch select_rows(const Batch& batch, std::span<const std::size_t> rows);

/// The tokens of the rows named, out of one array with an entry per token of `batch`.
std::vector<double> select_tokens(const Batch& batch, std::span<const std::size_t> rows,
                                  std::span<const double> values);
std::vector<std::uint8_t> select_tokens(const Batch& batch, std::span<const std::size_t> rows,
                                        std::span<const std::uint8_t> values);

/// Whether an array (by the name it has in a batch file) is there.
bool has_array(const Batch& batch, std::string_view name);

/// An error that names the first of `names` that is not there, and who needs it.
Status require_arrays(const Batch& batch, std::span<const std::string> names,
                      std::string_view user);

}  // namespace turnhalle::algo
