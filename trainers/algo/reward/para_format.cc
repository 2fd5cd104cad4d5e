// Format and tool rewards of ParaVT, arXiv 2605.20342.
#include "trainers/algo/reward/para_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/json.h"

namespace turnhalle::algo {
namespace {

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size())) {
    ++n;
  }
  return n;
}

std::string_view stripped(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

/// Text from `begin` to the first of `ends`, or to the end of the text.
std::string_view until(std::string_view text, std::size_t begin,
                       std::initializer_list<std::string_view> ends) {
  std::size_t end = text.size();
  for (const std::string_view mark : ends) {
    end = std::min(end, text.find(mark, begin));
  }
  return text.substr(begin, end - begin);
}

bool has_thought(std::string_view text) {
  constexpr std::string_view open = "<think>";
  for (std::size_t at = text.find(open); at != std::string_view::npos;
       at = text.find(open, at + open.size())) {
    const std::string_view body =
        until(text, at + open.size(), {"</think>", "<tool_call>", "<tool_code>", "<answer>"});
    if (stripped(body).size() >= 10) {
      return true;
    }
  }
  return false;
}

/// `fits` of the body of any closed block of a tag.
template <class Fits>
bool any_block(std::string_view text, const std::string& tag, Fits fits) {
  const std::string open = "<" + tag + ">";
  const std::string close = "</" + tag + ">";
  for (std::size_t at = text.find(open); at != std::string_view::npos;
       at = text.find(open, at + open.size())) {
    const std::size_t begin = at + open.size();
    const std::size_t end = text.find(close, begin);
    if (end != std::string_view::npos && fits(stripped(text.substr(begin, end - begin)))) {
      return true;
    }
  }
  return false;
}

/// {"name": "…", …}
bool is_json_call(std::string_view body) {
  const Result<JsonDocument> document = parse_json(std::string(body), "call");
  return document.ok() && document->root.is_object() && document->root.contains("name") &&
         document->root["name"].is_string();
}

/// name(…), as code.
bool is_code_call(std::string_view body) {
  const std::size_t open = body.find('(');
  return open != std::string_view::npos && open > 0 && body.back() == ')' &&
         (std::isalnum(static_cast<unsigned char>(body[open - 1])) != 0 || body[open - 1] == '_');
}

}  // namespace

FormatFacts format_facts(std::string_view text) {
  FormatFacts facts;
  const std::size_t think = text.find("<think>");
  const std::size_t tool = std::min(text.find("<tool_call>"), text.find("<tool_code>"));
  facts.thinks = has_thought(text);
  facts.opens_think = think != std::string_view::npos;
  facts.closes_think = text.find("</think>") != std::string_view::npos;
  facts.answers = any_block(text, "answer", [](std::string_view body) { return !body.empty(); });
  facts.calls =
      any_block(text, "tool_call", is_json_call) || any_block(text, "tool_code", is_code_call);
  facts.thinks_first = facts.opens_think && think < tool;
  facts.balanced = true;
  for (const std::string tag : {"think", "tool_call", "tool_code", "answer"}) {
    facts.balanced &= count(text, "<" + tag + ">") == count(text, "</" + tag + ">");
  }
  facts.shows_response = text.find("<tool_response>") != std::string_view::npos;
  return facts;
}

double format_reward(const FormatFacts& facts, FormatScale scale, double anchor_weight) {
  const bool anchored = scale == FormatScale::anchored;
  double score = facts.thinks ? (anchored ? 0.2 : 0.3) : 0.0;
  score += facts.answers ? (anchored ? 0.3 + 0.2 : 0.2 + 0.1) : 0.0;
  if (anchored) {
    const bool closed = facts.closes_think && facts.thinks;
    const double anchor = (closed ? 0.4 : 0.0) + (closed && facts.answers ? 0.3 : 0.0) -
                          (facts.opens_think && !facts.closes_think ? 0.3 : 0.0);
    score += anchor_weight * anchor;
  }
  score += facts.thinks && facts.calls && facts.thinks_first ? 0.3 : 0.0;
  score += score > 0 && facts.balanced ? 0.1 : 0.0;
  return std::min(score, 1.0);
}

double tool_reward(bool calls, bool executed, double accuracy) {
  if (!calls) {
    return 0;
  }
  return std::min((executed ? 0.3 : 0.1) + (accuracy > 0 ? 0.5 : 0.0), 1.0);
}

ParaReward para_reward(const ParaReply& reply, const ParaScale& scale) {
  const bool fixed = scale.mode == AnchorMode::fixed;
  const std::string text =
      (fixed ? std::string(reply.forced_prefix) : std::string()) + std::string(reply.sampled);
  const FormatFacts facts = format_facts(text);
  ParaReward reward;
  reward.accuracy = reply.accuracy;
  reward.format = format_reward(facts, scale.format, scale.anchor_weight);
  reward.tool =
      tool_reward(facts.calls, fixed ? reply.executed : facts.shows_response, reply.accuracy);
  const bool degenerate = count(text, "<|im_start|>") >= 5 && text.size() < 300;
  reward.total =
      degenerate ? 0.0 : reward.accuracy + scale.format_weight * reward.format + reward.tool;
  return reward;
}

}  // namespace turnhalle::algo
