#include "agents/lm/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

#include "agents/lm/language_model.h"
#include "agents/lm/pre_tokenizer.h"
#include "agents/lm/token_matcher.h"
#include "agents/lm/utf8.h"
#include "core/json.h"
#include "core/text.h"

namespace turnhalle::lm {
namespace {

constexpr std::size_t given_token_bytes_max = 1024;

/// A vocabulary under construction: names as they stand in the file, ids in order.
struct Vocabulary {
  std::vector<std::string> names;
  std::map<std::string, TokenId> ids;
  std::vector<TokenId> byte_ids = std::vector<TokenId>(256, -1);
  std::vector<std::pair<TokenId, TokenId>> merges;

  TokenId add(const std::string& name) {
    const auto [entry, fresh] = ids.emplace(name, static_cast<TokenId>(names.size()));
    if (fresh) {
      names.push_back(name);
    }
    return entry->second;
  }
};

Status check_options(const VocabularyOptions& options) {
  std::set<std::string> seen;
  for (const auto* tokens : {&options.special_tokens, &options.chunk_tokens}) {
    for (const std::string& token : *tokens) {
      if (token.empty() || token.size() > given_token_bytes_max || !is_utf8(token)) {
        return Error{"",
                     "expected tokens of 1 to 1024 bytes of UTF-8; found " + shown(Json(token))};
      }
      if (!seen.insert(token).second) {
        return Error{"", "the token " + shown(Json(token)) + " is given twice"};
      }
    }
  }
  const auto& special = options.special_tokens;
  const bool known = options.beginning.empty() ||
                     std::find(special.begin(), special.end(), options.beginning) != special.end();
  if (!known) {
    return Error{"", "the beginning " + shown(Json(options.beginning)) +
                         " is not one of the special tokens"};
  }
  return ok_status();
}

/// Special tokens, chunks, bytes. A chunk of one byte that stands for itself is that byte.
Vocabulary base_vocabulary(const VocabularyOptions& options) {
  Vocabulary vocabulary;
  for (const auto* tokens : {&options.special_tokens, &options.chunk_tokens}) {
    for (const std::string& token : *tokens) {
      vocabulary.add(token);
    }
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string name;
    append_utf8(name, byte_alphabet()[byte]);
    vocabulary.byte_ids[byte] = vocabulary.add(name);
  }
  return vocabulary;
}

Json added_tokens_json(const VocabularyOptions& options, const Vocabulary& vocabulary) {
  Json added = Json::array();
  for (const auto* tokens : {&options.special_tokens, &options.chunk_tokens}) {
    for (const std::string& token : *tokens) {
      added.push_back({{"id", vocabulary.ids.at(token)},
                       {"content", token},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", tokens == &options.special_tokens}});
    }
  }
  return added;
}

/// Puts `beginning` before a text; null when there is none.
Json post_processor_json(const std::string& beginning, const Vocabulary& vocabulary) {
  if (beginning.empty()) {
    return nullptr;
  }
  const Json first = {{"SpecialToken", {{"id", beginning}, {"type_id", 0}}}};
  const auto text = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const Json listed = {{"id", beginning},
                       {"ids", Json::array({vocabulary.ids.at(beginning)})},
                       {"tokens", Json::array({beginning})}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({first, text("A", 0)})},
          {"pair", Json::array({first, text("A", 0), text("B", 1)})},
          {"special_tokens", {{beginning, listed}}}};
}

Json pre_tokenizer_json(bool individual_digits) {
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  if (!individual_digits) {
    return byte_level;
  }
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({digits, byte_level})}};
}

std::string tokenizer_json(const VocabularyOptions& options, const Vocabulary& vocabulary) {
  Json merges = Json::array();
  for (const auto& [left, right] : vocabulary.merges) {
    merges.push_back({vocabulary.names[static_cast<std::size_t>(left)],
                      vocabulary.names[static_cast<std::size_t>(right)]});
  }
  const Json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", false},
                      {"vocab", vocabulary.ids},
                      {"merges", std::move(merges)}};
  const Json root = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added_tokens_json(options, vocabulary)},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", pre_tokenizer_json(options.individual_digits)},
                     {"post_processor", post_processor_json(options.beginning, vocabulary)},
                     {"decoder",
                      {{"type", "ByteLevel"},
                       {"add_prefix_space", true},
                       {"trim_offsets", true},
                       {"use_regex", true}}},
                     {"model", model}};
  constexpr int indent = 1;
  return root.dump(indent, ' ', false) + "\n";
}

using Pair = std::pair<TokenId, TokenId>;

struct Word {
  std::vector<TokenId> symbols;
  std::int64_t count = 0;
};

/// Counts of pairs over words, with a queue of the most frequent.
class PairCounts {
 public:
  void add(Pair pair, std::int64_t count, std::size_t word) {
    Entry& entry = entries_[pair];
    entry.count += count;
    if (count > 0 && (entry.words.empty() || entry.words.back() != word)) {
      entry.words.push_back(word);
    }
    if (count > 0) {
      queue_.push({entry.count, pair});
    }
  }

  /// The most frequent pair, the smallest ids first among equals; false when none is left that
  /// occurs at least `count_min` times.
  bool take_best(std::int64_t count_min, Pair& best) {
    while (!queue_.empty()) {
      const Item top = queue_.top();
      queue_.pop();
      const std::int64_t count = entries_[top.pair].count;
      if (count < count_min) {
        continue;
      }
      if (count == top.count) {
        best = top.pair;
        return true;
      }
      // Counts that fell are put back in their place; those that rose are there already.
      if (count < top.count) {
        queue_.push({count, top.pair});
      }
    }
    return false;
  }

  /// The words that may hold the pair, each once. The pair is not counted any longer.
  std::vector<std::size_t> remove(Pair pair) {
    std::vector<std::size_t> words = std::move(entries_[pair].words);
    entries_.erase(pair);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }

 private:
  struct Entry {
    std::int64_t count = 0;
    std::vector<std::size_t> words;
  };
  struct Item {
    std::int64_t count;
    Pair pair;
    bool operator<(const Item& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };
  std::map<Pair, Entry> entries_;
  std::priority_queue<Item> queue_;
};

/// The words of the texts, in the order of their bytes, and how often they occur.
std::vector<Word> count_words(std::span<const std::string_view> texts, const PreTokenizer& splitter,
                              const Vocabulary& vocabulary, const VocabularyOptions& options) {
  TokenMatcher chunks;
  for (const std::string& token : options.chunk_tokens) {
    chunks.add(token, vocabulary.ids.at(token));
  }
  std::map<std::string, std::int64_t, std::less<>> counts;
  SplitScratch scratch;
  const auto count = [&](std::string_view stretch) {
    if (stretch.empty()) {
      return;
    }
    splitter.split(stretch, scratch);
    for (const std::string_view word : scratch.words) {
      ++counts.try_emplace(std::string(word), 0).first->second;
    }
  };
  for (const std::string_view raw : texts) {
    const std::string text = to_utf8(raw);
    for_each_match(chunks, text, [](TokenId) {}, count);
  }
  std::vector<Word> words;
  for (const auto& [text, number] : counts) {
    Word& word = words.emplace_back();
    word.count = number;
    for (const char byte : text) {
      word.symbols.push_back(vocabulary.byte_ids[static_cast<std::uint8_t>(byte)]);
    }
  }
  return words;
}

/// Replaces the pair by `result` in one word, and moves the counts of the neighbours along.
void merge_in_word(Pair pair, TokenId result, std::size_t index, std::vector<Word>& words,
                   PairCounts& counts) {
  Word& word = words[index];
  const auto add_all = [&](std::int64_t count) {
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      const Pair neighbours{word.symbols[i], word.symbols[i + 1]};
      if (neighbours != pair) {
        counts.add(neighbours, count, index);
      }
    }
  };
  add_all(-word.count);
  std::vector<TokenId> merged;
  for (std::size_t i = 0; i < word.symbols.size(); ++i) {
    const bool here = i + 1 < word.symbols.size() && word.symbols[i] == pair.first &&
                      word.symbols[i + 1] == pair.second;
    merged.push_back(here ? result : word.symbols[i]);
    i += here ? 1 : 0;
  }
  word.symbols = std::move(merged);
  add_all(word.count);
}

PreTokenizer trainer_pre_tokenizer(bool individual_digits) {
  PreTokenizer splitter;
  if (individual_digits) {
    splitter.steps.push_back({Regex::compile(R"(\p{N})").value()});
  }
  splitter.last.push_back({Regex::compile(gpt2_pattern()).value()});
  return splitter;
}

void learn_merges(std::vector<Word> words, const BpeTrainOptions& options,
                  Vocabulary& vocabulary) {
  PairCounts counts;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::vector<TokenId>& symbols = words[i].symbols;
    for (std::size_t j = 0; j + 1 < symbols.size(); ++j) {
      counts.add({symbols[j], symbols[j + 1]}, words[i].count, i);
    }
  }
  const auto size_max = static_cast<std::size_t>(options.vocabulary_size_max);
  Pair best;
  while (vocabulary.names.size() < size_max && counts.take_best(options.pair_count_min, best)) {
    const std::string name = vocabulary.names[static_cast<std::size_t>(best.first)] +
                             vocabulary.names[static_cast<std::size_t>(best.second)];
    const std::vector<std::size_t> holders = counts.remove(best);
    // A given token may have the same name; then the pair stays two tokens. Two pairs that spell
    // the same token are both merges of it.
    const auto taken = vocabulary.ids.find(name);
    const auto given = static_cast<TokenId>(options.vocabulary.special_tokens.size() +
                                            options.vocabulary.chunk_tokens.size());
    if (taken != vocabulary.ids.end() && taken->second < given) {
      continue;
    }
    const TokenId result = vocabulary.add(name);
    vocabulary.merges.push_back(best);
    for (const std::size_t word : holders) {
      merge_in_word(best, result, word, words, counts);
    }
  }
}

}  // namespace

Result<std::string> byte_vocabulary(const VocabularyOptions& options) {
  if (Status status = check_options(options); !status) {
    return status.error();
  }
  return tokenizer_json(options, base_vocabulary(options));
}

Result<std::string> train_bpe(std::span<const std::string_view> texts,
                              const BpeTrainOptions& options) {
  if (Status status = check_options(options.vocabulary); !status) {
    return status.error();
  }
  Vocabulary vocabulary = base_vocabulary(options.vocabulary);
  if (options.vocabulary_size_max < static_cast<std::int64_t>(vocabulary.names.size())) {
    return Error{"", "expected a vocabulary_size_max of at least " +
                         std::to_string(vocabulary.names.size()) +
                         ", which the bytes and the given tokens take; found " +
                         std::to_string(options.vocabulary_size_max)};
  }
  const PreTokenizer splitter = trainer_pre_tokenizer(options.vocabulary.individual_digits);
  learn_merges(count_words(texts, splitter, vocabulary, options.vocabulary), options, vocabulary);
  return tokenizer_json(options.vocabulary, vocabulary);
}

}  // namespace turnhalle::lm
