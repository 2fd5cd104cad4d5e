#include "agents/lm/tokenizer.h"

#include <algorithm>
#include <utility>

#include "agents/lm/nfc.h"
#include "agents/lm/tokenizer_tables.h"
#include "agents/lm/utf8.h"

namespace turnhalle::lm {
namespace {

// The cache holds the common words of a conversation; it stops growing when it is full, so that
// no text can make it use more than some megabytes.
constexpr std::size_t cached_words_max = std::size_t{1} << 16;
constexpr std::size_t cached_word_bytes_max = 48;

/// The end of the run of well-formed (or, with `valid` false, ill-formed) bytes from `at`.
std::size_t run_end(std::string_view text, std::size_t at, bool valid) {
  while (at < text.size()) {
    const std::size_t length = utf8_at(text, at).length;
    if ((length > 0) != valid) {
      break;
    }
    at += std::max<std::size_t>(length, 1);
  }
  return at;
}

}  // namespace

/// One call of encode(): the tables, the working memory and the ids so far.
class Encoding {
 public:
  using Tables = Tokenizer::Tables;
  Encoding(const Tables& tables, Tables::Scratch& scratch, AllowSpecial special,
           std::vector<TokenId>& ids)
      : tables_(tables), scratch_(scratch), special_(special), ids_(ids) {}

  void text(std::string_view text) {
    for_each_match(
        tables_.before_normalizing.with(special_), text, [&](TokenId id) { ids_.push_back(id); },
        [&](std::string_view stretch) { raw(stretch); });
  }

 private:
  void raw(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t valid_end = run_end(text, at, true);
      if (valid_end > at) {
        normalize(text.substr(at, valid_end - at));
      }
      at = run_end(text, valid_end, false);
      if (at > valid_end) {
        word(text.substr(valid_end, at - valid_end));
      }
    }
  }

  void normalize(std::string_view text) {
    if (tables_.normalize_nfc) {
      scratch_.normalized = nfc(text);
      text = scratch_.normalized;
    }
    for_each_match(
        tables_.after_normalizing.with(special_), text, [&](TokenId id) { ids_.push_back(id); },
        [&](std::string_view stretch) { words(stretch); });
  }

  void words(std::string_view text) {
    if (text.empty()) {
      return;
    }
    tables_.pre_tokenizer.split(text, scratch_.split);
    for (const std::string_view piece : scratch_.split.words) {
      word(piece);
    }
  }

  void word(std::string_view word) {
    const bool cacheable = word.size() <= cached_word_bytes_max;
    if (cacheable) {
      if (const auto known = scratch_.cache.find(word); known != scratch_.cache.end()) {
        ids_.insert(ids_.end(), known->second.begin(), known->second.end());
        return;
      }
    }
    const std::size_t before = ids_.size();
    merge(word);
    if (cacheable && scratch_.cache.size() < cached_words_max) {
      const auto first = ids_.begin() + static_cast<std::ptrdiff_t>(before);
      scratch_.cache.emplace(std::string(word), std::vector<TokenId>(first, ids_.end()));
    }
  }

  void merge(std::string_view word) {
    if (tables_.ignore_merges) {
      if (const auto whole = tables_.words.find(word); whole != tables_.words.end()) {
        ids_.push_back(whole->second);
        return;
      }
    }
    tables_.merger.merge(word, scratch_.merge, ids_);
  }

  const Tables& tables_;
  Tables::Scratch& scratch_;
  AllowSpecial special_;
  std::vector<TokenId>& ids_;
};

Tokenizer::Tokenizer(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}

std::vector<TokenId> Tokenizer::encode(std::string_view text, AllowSpecial special) const {
  std::vector<TokenId> ids;
  encode(text, special, ids);
  return ids;
}

void Tokenizer::encode(std::string_view text, AllowSpecial special,
                       std::vector<TokenId>& ids) const {
  const std::unique_lock lock(tables_->scratch_mutex, std::try_to_lock);
  if (lock.owns_lock()) {
    Encoding(*tables_, tables_->scratch, special, ids).text(text);
    return;
  }
  Tables::Scratch scratch;
  Encoding(*tables_, scratch, special, ids).text(text);
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    text += piece(id);
  }
  return text;
}

std::string_view Tokenizer::piece(TokenId id) const {
  const bool known = id >= 0 && static_cast<std::size_t>(id) < tables_->pieces.size();
  return known ? std::string_view(tables_->pieces[static_cast<std::size_t>(id)])
               : std::string_view();
}

std::optional<TokenId> Tokenizer::id_of(std::string_view piece) const {
  if (const auto added = tables_->added_ids.find(piece); added != tables_->added_ids.end()) {
    return added->second;
  }
  if (const auto word = tables_->words.find(piece); word != tables_->words.end()) {
    return word->second;
  }
  return std::nullopt;
}

bool Tokenizer::is_special(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < tables_->special.size() &&
         tables_->special[static_cast<std::size_t>(id)];
}

std::int64_t Tokenizer::vocabulary_size() const {
  return static_cast<std::int64_t>(tables_->pieces.size());
}

std::span<const AddedToken> Tokenizer::added_tokens() const { return tables_->added; }
std::span<const TokenId> Tokenizer::beginning() const { return tables_->beginning; }
std::span<const TokenId> Tokenizer::ending() const { return tables_->ending; }
const std::string& Tokenizer::content_hash() const { return tables_->content_hash; }

}  // namespace turnhalle::lm
