// Rewards of PARA-GRPO for the text of a reply: format, tool use and their sum.
// ParaVT, arXiv 2605.20342, in its released code.
#pragma once

#include <optional>
#include <string_view>

namespace turnhalle::algo {

/// `plain` is the scale of its GRPO baseline, `anchored` that of PARA-GRPO. Their numbers cannot be
/// compared with each other.
enum class FormatScale { plain, anchored };

/// What was found in a text. Everything is a string test.
struct FormatFacts {
  bool thinks = false;          ///< a <think> block of 10 characters or more, closed or not
  bool opens_think = false;     ///< <think> is there
  bool closes_think = false;    ///< </think> is there
  bool answers = false;         ///< a non-blank <answer>…</answer>
  bool calls = false;           ///< a call that parses
  bool thinks_first = false;    ///< <think> stands before the first tool tag
  bool balanced = false;        ///< as many opening as closing tags of each kind
  bool shows_response = false;  ///< <tool_response> is there, whoever wrote it
};
FormatFacts format_facts(std::string_view text);

/// At most 1; as low as -0.15 on the anchored scale. `anchor_weight` (paper: 0.5) weighs
///     0.4 [closed and thinks] + 0.3 [closed, thinks and answers] - 0.3 [opened, never closed]
/// and is not used on the plain scale. Golden values of the released code: tests/algo/para_test.cc.
double format_reward(const FormatFacts& facts, FormatScale scale, double anchor_weight);

/// 0 without a call that parses; else 0.1, or 0.3 where it was executed; 0.5 more for a right
/// answer; at most 1.
double tool_reward(bool calls, bool executed, double accuracy);

/// How a reply is scored. As released, forced tokens and real tool responses are not in the text,
/// so that a perfect reply behind a forced <think> gets half of the format reward, and only a
/// response that the model makes up counts as executed. `fixed` scores forced prefix and sampled
/// text together and takes `executed` from the transcript.
enum class AnchorMode { as_released, fixed };
struct ParaReply {
  std::string_view forced_prefix;
  std::string_view sampled;
  bool executed = false;  ///< a call was run, by the transcript
  double accuracy = 0;    ///< 0 … 1
};
struct ParaReward {
  double accuracy = 0;
  double format = 0;
  double tool = 0;
  double total = 0;  ///< 0 for a degenerate reply
};
struct ParaScale {
  AnchorMode mode = AnchorMode::as_released;
  FormatScale format = FormatScale::anchored;
  double anchor_weight = 0.5;
  double format_weight = 1;
};

/// accuracy + format_weight * format + tool; 0 for five or more "<|im_start|>" in fewer than 300
/// characters.
ParaReward para_reward(const ParaReply& reply, const ParaScale& scale);

}  // namespace turnhalle::algo
