// From messages to the text and special tokens that a model was trained on.
//
// There is no Jinja engine. The templates that are known are written out here, and a folder's
// template is recognised by its text; an unknown one is an error, because a prompt that is
// nearly right costs accuracy without a sign.
//
// A conversation is rendered a suffix at a time, so that the token ledger only ever grows:
//
//   all        system | user | assistant (sampled) | user | …
//   1st call   [<|im_start|>system…<|im_end|>\n<|im_start|>user…<|im_end|>\n
//               <|im_start|>assistant\n]
//   sampled    ids of the reply, up to and with <|im_end|>; never tokenised again
//   2nd call   [\n<|im_start|>user…<|im_end|>\n<|im_start|>assistant\n]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/lm/language_model.h"
#include "agents/lm/tokenizer.h"
#include "core/result.h"

namespace turnhalle::lm {

/// One message; the views belong to the caller.
struct ChatMessage {
  std::string_view role;  ///< system, user, assistant or tool
  std::string_view content;
};

/// A stretch of a rendered conversation: text, in which no special token is recognised, or the
/// name of one special token.
struct ChatPiece {
  bool special = false;
  std::string text;
  bool operator==(const ChatPiece&) const = default;
};

/// How the ledger ends before a suffix is rendered.
enum class LedgerEnd : std::uint8_t {
  rendered,  ///< with what an earlier call rendered without a generation prompt, or empty
  stopped,   ///< with a sampled reply, its stop token included
  cut,       ///< with a sampled reply that reached its limit; the template closes it
};

/// Tokens begin … end-1.
struct TokenSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const TokenSpan&) const = default;
};

/// What to render: the messages from `already` on, given that the ones before are in the ledger.
struct ChatRequest {
  std::span<const ChatMessage> messages = {};
  std::size_t already = 0;
  LedgerEnd ledger_end = LedgerEnd::rendered;
  bool generation_prompt = true;  ///< ends with the opening of the assistant's next message
};

/// A known template.
class ChatTemplate {
 public:
  /// "chatml"; "smollm2", which is ChatML with a default system message; "plain", which puts the
  /// contents one after the other without any marks.
  static Result<ChatTemplate> by_name(std::string_view name);
  /// The template of a Hugging Face folder (chat_template.jinja, or the key chat_template of
  /// tokenizer_config.json) with the end-of-text ids of its generation_config.json or config.json.
  /// A folder without a template is plain.
  static Result<ChatTemplate> from_folder(const std::string& folder);

  const std::string& name() const { return name_; }
  /// The Jinja source that means the same, for a folder's chat_template.jinja.
  std::string_view jinja() const;

  /// Neighbouring texts are joined, so that encoding each piece by itself gives the ids that
  /// encoding the whole would give.
  std::vector<ChatPiece> render(const ChatRequest& request) const;
  /// The same, as one string; for people and for comparisons.
  std::string render_text(const ChatRequest& request) const;
  /// The ids of the suffix, appended to `ids`. A plain conversation begins with the tokenizer's
  /// beginning(); the other templates say all that they want there. An error when the tokenizer
  /// lacks one of the template's special tokens.
  Status encode(const Tokenizer& tokenizer, const ChatRequest& request,
                std::vector<TokenId>& ids) const;

  /// Where the contents of messages stand in the ids that encode() gives, apart from roles and
  /// marks; messages without content have no span. A token that is half mark is left out.
  std::vector<TokenSpan> contents(const Tokenizer& tokenizer, std::span<const TokenId> ids) const;

  /// The names of the special tokens that end a reply.
  std::span<const std::string> stop_tokens() const;
  /// Their ids together with the folder's end-of-text ids, sorted, without repetition.
  Result<std::vector<TokenId>> stop_ids(const Tokenizer& tokenizer) const;

 private:
  explicit ChatTemplate(std::string name) : name_(std::move(name)) {}
  std::string name_;
  std::vector<TokenId> folder_stop_ids_;
};

}  // namespace turnhalle::lm
