// Byte-level byte-pair encoding, read from a Hugging Face tokenizer.json.
//
// Understood: model BPE (merges as "a b" or ["a","b"], ignore_merges); pre-tokenizers ByteLevel,
// Digits, Split and sequences of them; normalizer none or NFC; decoder ByteLevel; post-processors
// that only put fixed tokens before or after a text. Anything else is an error that names it: a
// tokenizer that is nearly right would train a model on wrong ids without a word.
//
// Added tokens are matched before the text is split, leftmost and longest first. Those marked
// special are matched only on request, so that "<|im_start|>" inside somebody's message stays
// text; the others (chunks of a small policy's vocabulary) always are.
//
// Time is n log n in the longest word and linear in the number of words; nothing recurses. Bytes
// that are not UTF-8 become words of their own, so decode(encode(text)) == text whenever the
// vocabulary has all 256 bytes and the normalizer leaves the text alone. Bytes that it lacks become
// its unknown token or are dropped, as with Hugging Face; SmolLM2 lacks 21, of which 13 do not
// occur in UTF-8.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/lm/language_model.h"
#include "core/result.h"

namespace turnhalle::lm {

/// Whether the text may name special tokens. Text from users, worlds and models may not.
enum class AllowSpecial : std::uint8_t { no, yes };

/// A token that is matched as a whole before the text is split into words.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;  ///< matched in the text after normalisation
};

/// Immutable after loading; copies share the tables. Safe to use from several threads.
class Tokenizer {
 public:
  /// `path` is a tokenizer.json or a folder that holds one.
  static Result<Tokenizer> load(const std::string& path);
  /// From the text of a tokenizer.json; `name` stands in error messages.
  static Result<Tokenizer> parse(std::string text, const std::string& name);

  /// The ids of a text, without the tokens a post-processor would add around it.
  std::vector<TokenId> encode(std::string_view text, AllowSpecial special = AllowSpecial::no) const;
  /// The same, appended to `ids`.
  void encode(std::string_view text, AllowSpecial special, std::vector<TokenId>& ids) const;
  /// The bytes of the tokens, special ones included; they need not be whole UTF-8 characters.
  /// Ids outside the vocabulary have no bytes.
  std::string decode(std::span<const TokenId> ids) const;

  /// The bytes of one token; empty for an id outside the vocabulary.
  std::string_view piece(TokenId id) const;
  /// The token with exactly these bytes; of an added token, its content.
  std::optional<TokenId> id_of(std::string_view piece) const;
  bool is_special(TokenId id) const;

  /// One more than the largest id. A model's embedding may be larger (padding), never smaller.
  std::int64_t vocabulary_size() const;
  std::span<const AddedToken> added_tokens() const;
  /// What the post-processor puts before a text (Llama's beginning-of-text token); often empty.
  std::span<const TokenId> beginning() const;
  /// What it puts after a text.
  std::span<const TokenId> ending() const;
  /// 64 hexadecimal digits, SHA-256 of the canonical content: equal exactly for tokenizers that
  /// were read from the same JSON values.
  const std::string& content_hash() const;

 private:
  struct Tables;
  friend class TokenizerReader;
  friend class Encoding;
  explicit Tokenizer(std::shared_ptr<const Tables> tables);
  std::shared_ptr<const Tables> tables_;
};

}  // namespace turnhalle::lm
