#include "core/tool_call_text.h"

#include <utility>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr JsonLimits kCallLimits = {std::size_t{1} << 20, 32, 10'000};

ToolCall problem(std::string why) {
  return {"", "", Json::object({{"problem", std::move(why)}})};
}

ToolCall call_from(std::string_view text) {
  const Result<JsonDocument> read = parse_json(std::string(text), "", kCallLimits);
  if (!read) {
    return problem("The call is not JSON: " + shortened(read.error().message, 200) + ".");
  }
  const Json& json = read->root;
  const auto name = json.find("name");
  if (!json.is_object() || name == json.end() || !name->is_string() ||
      name->get_ref<const std::string&>().empty()) {
    return problem("A call is an object with a name and arguments.");
  }
  for (const auto& [key, value] : json.items()) {
    if (key != "name" && key != "arguments") {
      return problem("A call has a name and arguments, and nothing else.");
    }
  }
  const auto arguments = json.find("arguments");
  return {"", name->get<std::string>(), arguments != json.end() ? *arguments : Json::object()};
}

// The end of the call that begins at `begin`, behind its closing tag if there is one.
struct Extent {
  std::string_view inside;
  std::size_t end = 0;
  bool closed = false;
};

Extent extent_at(std::string_view text, std::size_t begin) {
  const std::size_t inside = begin + kToolCallOpen.size();
  const std::size_t close = text.find(kToolCallClose, inside);
  if (close == std::string_view::npos) return {text.substr(inside), text.size(), false};
  return {text.substr(inside, close - inside), close + kToolCallClose.size(), true};
}

}  // namespace

std::vector<ToolCall> tool_calls_in(std::string_view text, std::string_view id_prefix) {
  std::vector<ToolCall> calls;
  for (std::size_t at = text.find(kToolCallOpen); at != std::string_view::npos;) {
    if (calls.size() == kCallsInTextMax) {
      calls.push_back(problem("At most " + std::to_string(kCallsInTextMax) +
                              " calls of one reply are carried out."));
    } else {
      const Extent extent = extent_at(text, at);
      calls.push_back(extent.closed ? call_from(extent.inside)
                                    : problem("The call has no closing tag."));
      at = text.find(kToolCallOpen, extent.end);
    }
    calls.back().id = std::string(id_prefix) + std::to_string(calls.size());
    if (calls.size() > kCallsInTextMax) break;
  }
  return calls;
}

std::string without_tool_calls(std::string_view text) {
  std::string rest;
  std::size_t begin = 0;
  for (std::size_t at = text.find(kToolCallOpen); at != std::string_view::npos;
       at = text.find(kToolCallOpen, begin)) {
    rest += text.substr(begin, at - begin);
    begin = extent_at(text, at).end;
  }
  rest += text.substr(begin);
  return std::string(trim(rest));
}

std::string tool_call_text(std::string_view name, const Json& arguments) {
  return std::string(kToolCallOpen) +
         canonical(Json::object({{"arguments", arguments}, {"name", std::string(name)}})) +
         std::string(kToolCallClose);
}

}  // namespace turnhalle
