#include "agents/wire/chat_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "agents/wire/chat_completions.h"
#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::string_view kDone = "[DONE]";

// The next line of `text`, without its end (\n or \r\n).
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The data of the next event that has some; nothing at the end. Comments and other fields are
// passed over, several data lines are joined, and an event that the end cuts off counts.
std::optional<std::string> next_event(std::string_view& text) {
  std::optional<std::string> data;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty() && data) {
      return data;
    }
    if (line.starts_with("data:")) {
      const std::string_view value = line.substr(line.starts_with("data: ") ? 6 : 5);
      data = data ? *data + "\n" + std::string(value) : std::string(value);
    }
  }
  return data;
}

void append_string(Json& into, const Json* piece) {
  if (piece == nullptr || !piece->is_string()) {
    return;
  }
  if (into.is_string()) {
    into.get_ref<std::string&>() += piece->get_ref<const std::string&>();
  } else {
    into = *piece;
  }
}

void append_array(Json& object, const char* key, const Json* piece) {
  if (piece == nullptr || !piece->is_array()) {
    return;
  }
  Json& into = object[key];
  if (!into.is_array()) into = Json::array();
  for (const Json& value : *piece) into.push_back(value);
}

// Puts the pieces of one choice together.
class StreamedChoice {
 public:
  StreamedChoice() : choice_({{"index", 0}, {"message", {{"content", nullptr}}}}) {}

  void add(const Json& chunk) {
    if (const Json* delta = child_of(chunk, "delta"); delta && delta->is_object()) {
      Json& message = choice_["message"];
      append_string(message["content"], child_of(*delta, "content"));
      if (child_of(*delta, "refusal") != nullptr) {
        append_string(message["refusal"], child_of(*delta, "refusal"));
      }
      add_calls(child_of(*delta, "tool_calls"));
    }
    const Json* reason = child_of(chunk, "finish_reason");
    if (reason && reason->is_string()) choice_["finish_reason"] = *reason;
    append_array(choice_, "token_ids", child_of(chunk, "token_ids"));
    if (const Json* logprobs = child_of(chunk, "logprobs"); logprobs && logprobs->is_object()) {
      append_array(choice_["logprobs"], "content", child_of(*logprobs, "content"));
    }
  }

  bool finished() const { return choice_.contains("finish_reason"); }
  Json take() { return std::move(choice_); }

 private:
  // Fragments name their call by "index"; one without it belongs to the last call, or is a new
  // one when it has an id of its own.
  void add_calls(const Json* fragments) {
    if (fragments == nullptr || !fragments->is_array()) {
      return;
    }
    Json& calls = choice_["message"]["tool_calls"];
    if (!calls.is_array()) calls = Json::array();
    for (const Json& fragment : *fragments) {
      if (!fragment.is_object()) continue;
      const std::size_t place = place_of(fragment, calls.size());
      if (place > calls.size() || place >= kToolCallsMax) continue;
      if (place == calls.size()) {
        calls.push_back({{"type", "function"}, {"function", {{"name", ""}, {"arguments", ""}}}});
      }
      Json& call = calls[place];
      const Json* id = child_of(fragment, "id");
      if (id && id->is_string() && !id->get_ref<const std::string&>().empty()) call["id"] = *id;
      if (const Json* function = child_of(fragment, "function")) {
        append_string(call["function"]["name"], child_of(*function, "name"));
        append_string(call["function"]["arguments"], child_of(*function, "arguments"));
      }
    }
  }

  static std::size_t place_of(const Json& fragment, std::size_t count) {
    const Json* index = child_of(fragment, "index");
    if (index != nullptr && index->is_number_integer()) {
      return static_cast<std::size_t>(index->get<std::int64_t>());  // a negative one is too far
    }
    const Json* id = child_of(fragment, "id");
    const bool starts_one = id != nullptr && id->is_string();
    return starts_one || count == 0 ? count : count - 1;
  }

  Json choice_;
};

// Enters what one event says; an error when it is one.
Status add_event(const std::string& data, Json& response, StreamedChoice& choice) {
  const Result<JsonDocument> event = parse_json(data);
  if (!event || !event->root.is_object()) {
    return Error{"", "expected events of JSON objects; found " + in_quotes(data)};
  }
  const Json& root = event->root;
  if (const Json* error = child_of(root, "error"); error && !error->is_null()) {
    return Error{"", error_text(event->text)};
  }
  for (const char* key : {"usage", "prompt_token_ids"}) {
    const Json* value = child_of(root, key);
    if (value && !value->is_null()) response[key] = *value;
  }
  if (const Json* choices = child_of(root, "choices"); choices && choices->is_array()) {
    for (const Json& chunk : *choices) {
      const Json* index = child_of(chunk, "index");
      if (index == nullptr || *index == 0) choice.add(chunk);
    }
  }
  return ok_status();
}

}  // namespace

Result<Json> assemble_chat_stream(std::string_view body) {
  Json response = Json::object();
  StreamedChoice choice;
  bool done = false;
  while (const std::optional<std::string> data = next_event(body)) {
    if (trim(*data) == kDone) {
      done = true;
      break;
    }
    if (Status added = add_event(*data, response, choice); !added) {
      return added.error();
    }
  }
  if (!done && !choice.finished()) {
    return Error{"", "expected a stream that ends with [DONE] or a finish reason; found one that "
                     "was cut"};
  }
  response["choices"] = Json::array({choice.take()});
  return response;
}

bool chat_stream_is_done(std::string_view body) {
  const std::string_view text = trim(body);
  const std::size_t line = text.rfind('\n');
  const std::string_view last =
      line == std::string_view::npos ? text : text.substr(line + 1);
  return last.starts_with("data:") && trim(last.substr(5)) == kDone;
}

}  // namespace turnhalle
