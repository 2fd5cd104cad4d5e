// Structural tokens of a reply: where a reply first leaves the grammar of its tags.
// ParaVT, arXiv 2605.20342, whose wording ("at structural tokens only") this makes well defined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace turnhalle::algo {

enum class Tag {
  think_open,
  think_close,
  call_open,
  call_close,
  code_open,  ///< <tool_code>: never legal
  code_close,
  answer_open,
  answer_close,
  end  ///< of the reply
};

/// A tag and the token that completes it.
struct TagAt {
  std::size_t token;
  Tag tag;
  bool operator==(const TagAt&) const = default;
};

/// Tags of a reply given as the text of each of its tokens; a tag may span tokens, a token may
/// complete several. A token whose text is `end_text` ends the reply.
std::vector<TagAt> find_tags(std::span<const std::string> pieces, const std::string& end_text);

/// What the state machine says of one reply:
///     START -<think>-> THINK -</think>-> BODY -<tool_call>-> CALL -</tool_call>-> BODY …
///     BODY -<answer>-> ANSWER -</answer>-> END -end-> accepted;  BODY -end-> accepted after a call
/// Every other tag in a state, and an end inside an open tag, fails. What stands in a call is
/// content, not structure.
struct StructureReport {
  bool accepted = false;
  std::optional<std::size_t> failing_token;  ///< none: accepted, or cut off before its end
  /// Per token: 1 for a legal tag, -1 for the first illegal one, 0 for content and all that
  /// follows a failure. A legal end is 0.
  std::vector<double> mark;
};

/// `think_is_forced`: the reply was started with <think> by the caller, outside these tokens.
StructureReport check_structure(std::span<const TagAt> tags, std::size_t tokens,
                                bool think_is_forced);

}  // namespace turnhalle::algo
