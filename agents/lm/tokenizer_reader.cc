// Reads tokenizer.json into the tables of a Tokenizer.
#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include "agents/lm/nfc.h"
#include "agents/lm/tokenizer.h"
#include "agents/lm/tokenizer_tables.h"
#include "agents/lm/utf8.h"
#include "core/json.h"
#include "core/json_reader.h"
#include "core/sha256.h"

namespace turnhalle::lm {
namespace {

constexpr std::int64_t id_max = (std::int64_t{1} << 24) - 1;
constexpr std::size_t added_token_bytes_max = 1024;

/// The value at `key`, or null (also when the key is absent or `value` is not an object).
const Json& at(const Json& value, const std::string& key) {
  static const Json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() ? *found : null;
}

/// True for `"key": true`.
bool flag(const Json& value, const std::string& key, bool fallback = false) {
  const Json& found = at(value, key);
  return found.is_boolean() ? found.get<bool>() : fallback;
}

std::string type_of(const Json& value) {
  const Json& type = at(value, "type");
  return type.is_string() ? type.get<std::string>() : "";
}

}  // namespace

/// One reading. The first error is kept, and every step after it does nothing.
class TokenizerReader {
 public:
  explicit TokenizerReader(const JsonDocument& document)
      : document_(document), tables_(std::make_shared<Tokenizer::Tables>()) {}

  Result<Tokenizer> read() {
    const Json& root = document_.root;
    require_absent(root, "", {"truncation", "padding"});
    read_model(at(root, "model"));
    read_added(at(root, "added_tokens"));
    read_normalizer(at(root, "normalizer"));
    add_matchers();
    read_pre_tokenizer(at(root, "pre_tokenizer"), "/pre_tokenizer");
    if (!failed_ && tables_->pre_tokenizer.last.empty() && !byte_level_) {
      fail("/pre_tokenizer", "expected ByteLevel; only byte-level vocabularies are supported");
    }
    if (const Json& decoder = at(root, "decoder"); type_of(decoder) != "ByteLevel") {
      fail("/decoder", "expected type ByteLevel; found " + shown(at(decoder, "type")));
    }
    read_post_processor(at(root, "post_processor"), "/post_processor");
    if (failed_) {
      return error_;
    }
    tables_->content_hash = sha256_hex(canonical(root));
    return Tokenizer(std::move(tables_));
  }

 private:
  void fail(const std::string& pointer, const std::string& message) {
    if (!failed_) {
      error_ = {document_.place(pointer), message};
      failed_ = true;
    }
  }

  /// Refuses options that would change the ids and are not supported.
  void require_absent(const Json& value, const std::string& pointer,
                      std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      const Json& found = at(value, key);
      const bool off = found.is_null() || found == Json(false) || found == Json("");
      if (!off) {
        fail(pointer + "/" + key, "this option is not supported; found " + shown(found));
      }
    }
  }

  void read_model(const Json& model) {
    if (type_of(model) != "BPE") {
      fail("/model", "expected type BPE; found " + shown(at(model, "type")));
      return;
    }
    require_absent(model, "/model",
                   {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback",
                    "fuse_unk"});
    tables_->ignore_merges = flag(model, "ignore_merges");
    read_vocabulary(at(model, "vocab"));
    read_unknown(at(model, "unk_token"));
    read_merges(at(model, "merges"));
  }

  /// The unknown token stands for bytes that the vocabulary lacks; without one they are dropped.
  void read_unknown(const Json& name) {
    if (failed_ || name.is_null()) {
      return;
    }
    const auto id = name.is_string() ? ids_.find(name.get<std::string>()) : ids_.end();
    if (id == ids_.end()) {
      fail("/model/unk_token", "expected a token of the vocabulary; found " + shown(name));
      return;
    }
    for (TokenId& byte : tables_->merger.byte_ids) {
      byte = byte < 0 ? id->second : byte;
    }
  }

  bool read_id(const Json& value, const std::string& pointer, TokenId& id) {
    const bool in_range = value.is_number_integer() && value >= 0 && value <= id_max;
    if (!in_range) {
      fail(pointer, "expected an id from 0 to " + std::to_string(id_max) + "; found " +
                        shown(value));
      return false;
    }
    id = value.get<TokenId>();
    return true;
  }

  void resize_for(TokenId id) {
    const auto size = std::max(tables_->pieces.size(), static_cast<std::size_t>(id) + 1);
    tables_->pieces.resize(size);
    tables_->special.resize(size);
    owner_.resize(size);
  }

  void read_vocabulary(const Json& vocabulary) {
    if (!vocabulary.is_object() || vocabulary.empty()) {
      fail("/model/vocab", "expected an object that gives each token its id");
      return;
    }
    for (const auto& [token, value] : vocabulary.items()) {
      const std::string pointer = child_pointer("/model/vocab", token);
      TokenId id = 0;
      if (failed_ || !read_id(value, pointer, id)) {
        return;
      }
      if (token.empty()) {
        fail(pointer, "expected a token; found an empty text");
        return;
      }
      resize_for(id);
      const auto index = static_cast<std::size_t>(id);
      if (!owner_[index].empty()) {
        fail(pointer, "id " + std::to_string(id) + " is given twice, also to " +
                          shown(Json(owner_[index])));
        return;
      }
      owner_[index] = token;
      ids_.emplace(token, id);
    }
    fill_pieces();
  }

  /// The bytes of every token. One that is not in the byte alphabet must be an added token, which
  /// read_added() confirms.
  void fill_pieces() {
    std::string bytes;
    for (std::size_t index = 0; index < owner_.size(); ++index) {
      if (owner_[index].empty()) {
        continue;
      }
      if (!from_byte_alphabet(owner_[index], bytes)) {
        foreign_.push_back(static_cast<TokenId>(index));
        continue;
      }
      tables_->pieces[index] = bytes;
      tables_->words.emplace(bytes, static_cast<TokenId>(index));
      if (bytes.size() == 1) {
        tables_->merger.byte_ids[static_cast<std::uint8_t>(bytes[0])] =
            static_cast<TokenId>(index);
      }
    }
  }

  /// The two sides of a merge: "a b" or ["a", "b"].
  bool merge_sides(const Json& merge, std::string& left, std::string& right) const {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
      return true;
    }
    if (!merge.is_string()) {
      return false;
    }
    const std::string text = merge.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      return false;
    }
    left = text.substr(0, space);
    right = text.substr(space + 1);
    return true;
  }

  void read_merges(const Json& merges) {
    if (failed_ || !merges.is_array()) {
      fail("/model/merges", "expected an array of pairs of tokens");
      return;
    }
    tables_->merger.pairs = PairTable(merges.size());
    std::string left;
    std::string right;
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const std::string pointer = "/model/merges/" + std::to_string(rank);
      if (!merge_sides(merges[rank], left, right)) {
        fail(pointer, "expected \"a b\" or [\"a\", \"b\"]; found " + shown(merges[rank]));
        return;
      }
      const auto l = ids_.find(left);
      const auto r = ids_.find(right);
      const auto joined = ids_.find(left + right);
      if (l == ids_.end() || r == ids_.end() || joined == ids_.end()) {
        const std::string& missing = l == ids_.end()   ? left
                                     : r == ids_.end() ? right
                                                       : left + right;
        fail(pointer, "the vocabulary has no token " + shown(Json(missing)));
        return;
      }
      const PairMerge merge{static_cast<std::uint32_t>(rank), joined->second};
      if (!tables_->merger.pairs.insert(l->second, r->second, merge)) {
        fail(pointer, "this pair is merged twice: " + shown(merges[rank]));
        return;
      }
    }
  }

  void read_added(const Json& added) {
    if (failed_ || (!added.is_null() && !added.is_array())) {
      fail("/added_tokens", "expected an array");
      return;
    }
    for (std::size_t i = 0; i < added.size() && !failed_; ++i) {
      read_added_token(added[i], "/added_tokens/" + std::to_string(i));
    }
    for (const TokenId id : foreign_) {
      if (tables_->pieces[static_cast<std::size_t>(id)].empty()) {
        fail(child_pointer("/model/vocab", owner_[static_cast<std::size_t>(id)]),
             "this token is neither in the byte alphabet nor an added token");
        return;
      }
    }
  }

  void read_added_token(const Json& value, const std::string& pointer) {
    AddedToken token;
    const Json& content = at(value, "content");
    if (!content.is_string() || content.get_ref<const std::string&>().empty() ||
        content.get_ref<const std::string&>().size() > added_token_bytes_max) {
      fail(pointer, "expected content of 1 to " + std::to_string(added_token_bytes_max) +
                        " bytes; found " + shown(content));
      return;
    }
    token.content = content.get<std::string>();
    require_absent(value, pointer, {"single_word", "lstrip", "rstrip"});
    if (!read_id(at(value, "id"), pointer + "/id", token.id) || failed_) {
      return;
    }
    token.special = flag(value, "special");
    token.normalized = flag(value, "normalized", !token.special);
    resize_for(token.id);
    const auto index = static_cast<std::size_t>(token.id);
    const auto in_model = ids_.find(token.content);
    const bool free = owner_[index].empty() && in_model == ids_.end();
    const bool same = in_model != ids_.end() && in_model->second == token.id;
    if (!free && !same) {
      const std::string other = in_model != ids_.end() ? std::to_string(in_model->second)
                                                       : "that of " + shown(Json(owner_[index]));
      fail(pointer, "the added token " + shown(content) + " has id " + std::to_string(token.id) +
                        "; the vocabulary says " + other);
      return;
    }
    if (!tables_->added_ids.emplace(token.content, token.id).second) {
      fail(pointer, "the token " + shown(content) + " is added twice");
      return;
    }
    owner_[index] = token.content;
    ids_.emplace(token.content, token.id);
    tables_->pieces[index] = token.content;
    tables_->special[index] = token.special;
    tables_->added.push_back(std::move(token));
  }

  void read_normalizer(const Json& normalizer) {
    if (normalizer.is_null()) {
      return;
    }
    tables_->normalize_nfc = type_of(normalizer) == "NFC";
    if (!tables_->normalize_nfc) {
      fail("/normalizer", "expected null or type NFC; found " + shown(at(normalizer, "type")));
    }
  }

  void add_matchers() {
    for (const AddedToken& token : tables_->added) {
      AddedMatchers& matchers =
          token.normalized ? tables_->after_normalizing : tables_->before_normalizing;
      const bool changes = token.normalized && tables_->normalize_nfc;
      const std::string content = changes ? nfc(token.content) : token.content;
      matchers.all.add(content, token.id);
      if (!token.special) {
        matchers.plain.add(content, token.id);
      }
    }
  }

  void read_pre_tokenizer(const Json& value, const std::string& pointer, bool nested = false) {
    const std::string type = type_of(value);
    if (failed_) {
      return;
    }
    if (byte_level_) {
      fail(pointer, "expected nothing after ByteLevel; found " + shown(at(value, "type")));
    } else if (type == "Sequence" && !nested) {
      const Json& parts = at(value, "pretokenizers");
      for (std::size_t i = 0; parts.is_array() && i < parts.size(); ++i) {
        read_pre_tokenizer(parts[i], pointer + "/pretokenizers/" + std::to_string(i), true);
      }
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      tables_->pre_tokenizer.add_prefix_space = flag(value, "add_prefix_space");
      if (flag(value, "use_regex", true)) {
        add_step(Regex::compile(gpt2_pattern()), pointer, SplitStep{}, tables_->pre_tokenizer.last);
      }
    } else if (type == "Digits") {
      const bool individual = flag(value, "individual_digits");
      add_step(Regex::compile(individual ? R"(\p{N})" : R"(\p{N}+)"), pointer, SplitStep{},
               tables_->pre_tokenizer.steps);
    } else if (type == "Split") {
      read_split(value, pointer);
    } else {
      fail(pointer, "expected one of ByteLevel, Digits, Sequence, Split; found " +
                        shown(at(value, "type")));
    }
  }

  void read_split(const Json& value, const std::string& pointer) {
    const Json& pattern = at(value, "pattern");
    const Json& expression = at(pattern, "Regex");
    const Json& literal = at(pattern, "String");
    const Json& behavior = at(value, "behavior");
    SplitStep step;
    step.invert = flag(value, "invert");
    if (behavior == "Isolated") {
      step.behavior = SplitBehavior::isolated;
    } else if (behavior == "Removed") {
      step.behavior = SplitBehavior::removed;
    } else if (behavior == "Contiguous") {
      step.behavior = SplitBehavior::contiguous;
    } else {
      fail(pointer + "/behavior",
           "expected one of Contiguous, Isolated, Removed; found " + shown(behavior));
      return;
    }
    if (!expression.is_string() && !literal.is_string()) {
      fail(pointer + "/pattern", "expected a Regex or a String; found " + shown(pattern));
      return;
    }
    add_step(expression.is_string() ? Regex::compile(expression.get<std::string>())
                                    : Regex::literal(literal.get<std::string>()),
             pointer + "/pattern", step, tables_->pre_tokenizer.steps);
  }

  void add_step(Result<Regex> regex, const std::string& pointer, SplitStep step,
                std::vector<SplitStep>& steps) {
    if (!regex) {
      fail(pointer, regex.error().message);
      return;
    }
    step.regex = std::move(regex).value();
    steps.push_back(std::move(step));
  }

  void read_post_processor(const Json& value, const std::string& pointer, bool nested = false) {
    const std::string type = type_of(value);
    if (failed_ || value.is_null() || type == "ByteLevel") {
      return;
    }
    if (type == "Sequence" && !nested) {
      const Json& parts = at(value, "processors");
      for (std::size_t i = 0; parts.is_array() && i < parts.size(); ++i) {
        read_post_processor(parts[i], pointer + "/processors/" + std::to_string(i), true);
      }
    } else if (type == "TemplateProcessing") {
      read_template(value, pointer);
    } else {
      fail(pointer, "expected one of ByteLevel, Sequence, TemplateProcessing; found " +
                        shown(at(value, "type")));
    }
  }

  /// The ids a template names must be those of the special tokens it lists.
  void read_template(const Json& value, const std::string& pointer) {
    const Json& single = at(value, "single");
    bool text_seen = false;
    for (std::size_t i = 0; single.is_array() && i < single.size(); ++i) {
      const Json& name = at(at(single[i], "SpecialToken"), "id");
      if (!at(single[i], "Sequence").is_null() && !text_seen) {
        text_seen = true;
        continue;
      }
      const Json& ids = name.is_string()
                            ? at(at(at(value, "special_tokens"), name.get<std::string>()), "ids")
                            : name;
      if (!ids.is_array() || ids.empty()) {
        fail(pointer + "/single/" + std::to_string(i),
             "expected the text once and special tokens that are listed");
        return;
      }
      for (const Json& entry : ids) {
        TokenId id = 0;
        if (!read_id(entry, pointer + "/special_tokens", id)) {
          return;
        }
        if (static_cast<std::size_t>(id) >= owner_.size() ||
            owner_[static_cast<std::size_t>(id)].empty()) {
          fail(pointer + "/special_tokens", "no token has id " + std::to_string(id));
          return;
        }
        (text_seen ? tables_->ending : tables_->beginning).push_back(id);
      }
    }
    if (!text_seen) {
      fail(pointer + "/single", "expected the text once and special tokens that are listed");
    }
  }

  const JsonDocument& document_;
  std::shared_ptr<Tokenizer::Tables> tables_;
  TextMap<TokenId> ids_;            ///< every token by its name in the file
  std::vector<std::string> owner_;  ///< the name in the file by id; "" when the id is free
  std::vector<TokenId> foreign_;    ///< tokens of the vocabulary outside the byte alphabet
  bool byte_level_ = false;
  bool failed_ = false;
  Error error_;
};

Result<Tokenizer> Tokenizer::load(const std::string& path) {
  const bool folder = std::filesystem::is_directory(path);
  const std::string file = folder ? path + "/tokenizer.json" : path;
  Result<JsonDocument> document = read_json(file);
  if (!document) {
    return document.error();
  }
  return TokenizerReader(*document).read();
}

Result<Tokenizer> Tokenizer::parse(std::string text, const std::string& name) {
  Result<JsonDocument> document = parse_json(std::move(text), name);
  if (!document) {
    return document.error();
  }
  return TokenizerReader(*document).read();
}

}  // namespace turnhalle::lm
