#include "agents/lm/chat_template.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/file.h"
#include "core/json.h"
#include "core/sha256.h"
#include "core/text.h"

namespace turnhalle::lm {
namespace {

constexpr std::string_view open_mark = "<|im_start|>";
constexpr std::string_view close_mark = "<|im_end|>";
constexpr std::string_view smollm2_system =
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

// The sources are compared with those of folders; spaces count. Inside Jinja's quotes a line break
// and `\n` are the same, and both are met.
constexpr std::string_view plain_jinja =
    R"({% for message in messages %}{{ message['content'] }}{% endfor %})";
constexpr std::string_view chatml_jinja =
    R"({% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + )"
    R"(message['content'] + '<|im_end|>' + '\n'}}{% endfor %})"
    R"({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})";
constexpr std::string_view smollm2_jinja =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by "
    "Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

struct TemplateRow {
  std::string_view name;
  std::string_view jinja;
};
constexpr std::array<TemplateRow, 3> templates = {
    {{"chatml", chatml_jinja}, {"plain", plain_jinja}, {"smollm2", smollm2_jinja}}};

/// A source with every `\n` as a line break, and without the last one, which Jinja drops.
std::string normal_form(std::string_view source) {
  std::string normal;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const bool escaped = source.substr(i, 2) == "\\n";
    normal += escaped ? '\n' : source[i];
    i += escaped ? 1 : 0;
  }
  if (normal.ends_with('\n')) {
    normal.pop_back();
  }
  return normal;
}

/// Collects pieces; texts that touch become one.
class Pieces {
 public:
  void text(std::string_view text) {
    if (text.empty()) {
      return;
    }
    if (pieces_.empty() || pieces_.back().special) {
      pieces_.push_back({false, ""});
    }
    pieces_.back().text += text;
  }
  void special(std::string_view name) { pieces_.push_back({true, std::string(name)}); }
  /// <|im_start|>role\ncontent<|im_end|>\n
  void chatml_message(std::string_view role, std::string_view content) {
    special(open_mark);
    text(role);
    text("\n");
    text(content);
    special(close_mark);
    text("\n");
  }
  std::vector<ChatPiece> take() { return std::move(pieces_); }

 private:
  std::vector<ChatPiece> pieces_;
};

std::vector<ChatPiece> render_plain(const ChatRequest& request) {
  Pieces pieces;
  for (const ChatMessage& message : request.messages.subspan(request.already)) {
    pieces.text(message.content);
  }
  return pieces.take();
}

std::vector<ChatPiece> render_chatml(const ChatRequest& request, std::string_view default_system) {
  Pieces pieces;
  if (request.ledger_end == LedgerEnd::cut) {
    pieces.special(close_mark);
  }
  if (request.ledger_end != LedgerEnd::rendered) {
    pieces.text("\n");
  }
  const auto suffix = request.messages.subspan(request.already);
  const bool first = request.already == 0 && !suffix.empty();
  if (first && !default_system.empty() && suffix.front().role != "system") {
    pieces.chatml_message("system", default_system);
  }
  for (const ChatMessage& message : suffix) {
    pieces.chatml_message(message.role, message.content);
  }
  if (request.generation_prompt) {
    pieces.special(open_mark);
    pieces.text("assistant\n");
  }
  return pieces.take();
}

/// The source of a folder's template: nothing when it has none.
Result<std::optional<std::string>> folder_jinja(const std::string& folder, std::string& place) {
  place = folder + "/chat_template.jinja";
  if (std::filesystem::exists(place)) {
    Result<std::string> text = read_file(place);
    if (!text) {
      return text.error();
    }
    return std::optional<std::string>(std::move(*text));
  }
  place = folder + "/tokenizer_config.json";
  if (!std::filesystem::exists(place)) {
    return std::optional<std::string>();
  }
  Result<JsonDocument> document = read_json(place);
  if (!document) {
    return document.error();
  }
  const Json& root = document->root;
  if (!root.is_object() || !root.contains("chat_template")) {
    return std::optional<std::string>();
  }
  const Json& source = root["chat_template"];
  if (!source.is_string()) {
    return Error{document->place("/chat_template"),
                 "expected one template as a text; found " + kind_of(source)};
  }
  return std::optional<std::string>(source.get<std::string>());
}

/// The ids at eos_token_id, a number or a list, of the first file that has that key.
Result<std::vector<TokenId>> folder_end_ids(const std::string& folder) {
  std::vector<TokenId> ids;
  for (const char* name : {"generation_config.json", "config.json"}) {
    const std::string path = folder + "/" + name;
    if (!std::filesystem::exists(path)) {
      continue;
    }
    Result<JsonDocument> document = read_json(path);
    if (!document) {
      return document.error();
    }
    const Json& root = document->root;
    if (!root.is_object() || !root.contains("eos_token_id") || root["eos_token_id"].is_null()) {
      continue;
    }
    const Json& value = root["eos_token_id"];
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& id : list) {
      if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<TokenId>::max()) {
        return Error{document->place("/eos_token_id"),
                     "expected an id or a list of ids; found " + shown(value)};
      }
      ids.push_back(id.get<TokenId>());
    }
    break;
  }
  return ids;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::by_name(std::string_view name) {
  std::vector<std::string> names;
  for (const TemplateRow& row : templates) {
    if (row.name == name) {
      return ChatTemplate(std::string(name));
    }
    names.emplace_back(row.name);
  }
  return Error{"", "unknown chat template \"" + std::string(name) + "\"; known: " +
                       join(names, ", ") + "." + did_you_mean(name, names)};
}

Result<ChatTemplate> ChatTemplate::from_folder(const std::string& folder) {
  std::string place;
  Result<std::optional<std::string>> source = folder_jinja(folder, place);
  if (!source) {
    return source.error();
  }
  const std::string text = normal_form(source->has_value() ? **source : plain_jinja);
  const auto row = std::find_if(templates.begin(), templates.end(),
                                [&](const TemplateRow& r) { return normal_form(r.jinja) == text; });
  if (row == templates.end()) {
    return Error{place, "the chat template is not one of chatml, plain, smollm2 (SHA-256 " +
                            sha256_hex(text) + ")"};
  }
  Result<std::vector<TokenId>> ends = folder_end_ids(folder);
  if (!ends) {
    return ends.error();
  }
  ChatTemplate known{std::string(row->name)};
  known.folder_stop_ids_ = std::move(*ends);
  return known;
}

std::string_view ChatTemplate::jinja() const {
  const auto row = std::find_if(templates.begin(), templates.end(),
                                [&](const TemplateRow& r) { return r.name == name_; });
  check(row != templates.end(), "a template has a row in the table", name_);
  return row->jinja;
}

std::vector<ChatPiece> ChatTemplate::render(const ChatRequest& request) const {
  check(request.already <= request.messages.size(), "the messages rendered are among all",
        request.already, request.messages.size());
  if (name_ == "plain") {
    return render_plain(request);
  }
  return render_chatml(request, name_ == "smollm2" ? smollm2_system : std::string_view());
}

std::string ChatTemplate::render_text(const ChatRequest& request) const {
  std::string text;
  for (const ChatPiece& piece : render(request)) {
    text += piece.text;
  }
  return text;
}

Status ChatTemplate::encode(const Tokenizer& tokenizer, const ChatRequest& request,
                            std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  if (name_ == "plain" && request.already == 0 && request.ledger_end == LedgerEnd::rendered) {
    ids.insert(ids.end(), tokenizer.beginning().begin(), tokenizer.beginning().end());
  }
  for (const ChatPiece& piece : render(request)) {
    if (!piece.special) {
      tokenizer.encode(piece.text, AllowSpecial::no, ids);
      continue;
    }
    const std::optional<TokenId> id = tokenizer.id_of(piece.text);
    if (!id || !tokenizer.is_special(*id)) {
      ids.resize(before);
      return Error{"", "the chat template " + name_ + " needs the special token " + piece.text +
                           ", which the tokenizer does not have"};
    }
    ids.push_back(*id);
  }
  return ok_status();
}

std::vector<TokenSpan> ChatTemplate::contents(const Tokenizer& tokenizer,
                                              std::span<const TokenId> ids) const {
  if (name_ == "plain") {
    return ids.empty() ? std::vector<TokenSpan>() : std::vector<TokenSpan>{{0, ids.size()}};
  }
  const std::optional<TokenId> open = tokenizer.id_of(open_mark);
  const std::optional<TokenId> close = tokenizer.id_of(close_mark);
  std::vector<TokenSpan> spans;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    if (ids[at] != open) continue;
    TokenSpan span{at + 1, at + 1};
    while (span.begin < ids.size() &&
           tokenizer.piece(ids[span.begin]).find('\n') == std::string_view::npos) {
      ++span.begin;  // the role
    }
    span.begin = std::min(span.begin + 1, ids.size());  // and its line's end
    span.end = span.begin;
    while (span.end < ids.size() && ids[span.end] != close) ++span.end;
    if (span.begin < span.end) spans.push_back(span);
    at = span.end - 1;
  }
  return spans;
}

std::span<const std::string> ChatTemplate::stop_tokens() const {
  static const std::array<std::string, 1> chatml = {std::string(close_mark)};
  return name_ == "plain" ? std::span<const std::string>() : std::span<const std::string>(chatml);
}

Result<std::vector<TokenId>> ChatTemplate::stop_ids(const Tokenizer& tokenizer) const {
  std::vector<TokenId> ids = folder_stop_ids_;
  for (const TokenId id : ids) {
    if (id >= tokenizer.vocabulary_size()) {
      return Error{"", "the end-of-text id " + std::to_string(id) +
                           " is outside the tokenizer's vocabulary of " +
                           std::to_string(tokenizer.vocabulary_size())};
    }
  }
  for (const std::string& name : stop_tokens()) {
    const std::optional<TokenId> id = tokenizer.id_of(name);
    if (!id) {
      return Error{"", "the chat template " + name_ + " ends a reply with " + name +
                           ", which the tokenizer does not have"};
    }
    ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace turnhalle::lm
