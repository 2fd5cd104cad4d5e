// State machine over tags: ParaVT, arXiv 2605.20342.
#include "trainers/algo/structure.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/check.h"

namespace turnhalle::algo {
namespace {

constexpr std::array<std::pair<std::string_view, Tag>, 8> names{{{"<think>", Tag::think_open},
                                                                 {"</think>", Tag::think_close},
                                                                 {"<tool_call>", Tag::call_open},
                                                                 {"</tool_call>", Tag::call_close},
                                                                 {"<tool_code>", Tag::code_open},
                                                                 {"</tool_code>", Tag::code_close},
                                                                 {"<answer>", Tag::answer_open},
                                                                 {"</answer>", Tag::answer_close}}};

enum class State { start, think, body, call, answer, end };

/// The state that a tag leads to; none where it is illegal.
std::optional<State> next(State state, Tag tag) {
  switch (state) {
    case State::start:
      return tag == Tag::think_open ? std::optional(State::think) : std::nullopt;
    case State::think:
      return tag == Tag::think_close ? std::optional(State::body) : std::nullopt;
    case State::body:
      if (tag == Tag::call_open) {
        return State::call;
      }
      return tag == Tag::answer_open ? std::optional(State::answer) : std::nullopt;
    case State::call:
      return tag == Tag::call_close ? std::optional(State::body) : std::nullopt;
    case State::answer:
      return tag == Tag::answer_close ? std::optional(State::end) : std::nullopt;
    case State::end:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::vector<TagAt> find_tags(std::span<const std::string> pieces, const std::string& end_text) {
  std::vector<TagAt> tags;
  std::string open;  // text since the last "<", a tag's possible beginning
  for (std::size_t token = 0; token < pieces.size(); ++token) {
    if (pieces[token] == end_text) {
      tags.push_back({token, Tag::end});
      open.clear();
      continue;
    }
    for (const char c : pieces[token]) {
      open = c == '<' ? std::string(1, c) : open.empty() ? open : open + c;
      if (c != '>') {
        continue;
      }
      for (const auto& [name, tag] : names) {
        if (open == name) {
          tags.push_back({token, tag});
        }
      }
      open.clear();
    }
  }
  return tags;
}

StructureReport check_structure(std::span<const TagAt> tags, std::size_t tokens,
                                bool think_is_forced) {
  StructureReport report;
  report.mark.assign(tokens, 0.0);
  State state = think_is_forced ? State::think : State::start;
  bool has_call = false;
  for (const auto& [token, tag] : tags) {
    check(token < tokens, "a tag lies inside its reply", token, tokens);
    if (tag == Tag::end) {
      report.accepted = state == State::end || (state == State::body && has_call);
      if (!report.accepted) {
        report.failing_token = token;
        report.mark[token] = -1;
      }
      return report;
    }
    const std::optional<State> after = next(state, tag);
    if (!after.has_value()) {
      report.failing_token = token;
      report.mark[token] = -1;
      return report;
    }
    report.mark[token] = 1;
    has_call |= tag == Tag::call_close;
    state = *after;
  }
  return report;
}

}  // namespace turnhalle::algo
