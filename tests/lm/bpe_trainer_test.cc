// Vocabularies that are made here.
#include "agents/lm/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agents/lm/tokenizer.h"
#include "core/file.h"
#include "core/json.h"
#include "tests/lm/fixture_files.h"
#include "tests/lm/trained_here.h"

namespace turnhalle::lm {
namespace {

using testing::HasSubstr;

std::vector<std::string_view> corpus() {
  return {"low low low low low", "lower lower newest newest newest", "newest newest newest widest",
          "widest widest Direction 2 Direction 2 2024 2024"};
}

Tokenizer trained(const BpeTrainOptions& options) {
  return Tokenizer::parse(train_bpe(corpus(), options).value(), "trained").value();
}

TEST(BpeTrainer, merges_the_most_frequent_pair_first) {
  const std::string text = train_bpe(corpus(), {.vocabulary_size_max = 256 + 4}).value();
  const Json merges = parse_json(text).value().root["model"]["merges"];
  // "es" and "st" both occur nine times; the tie goes to the smaller ids.
  EXPECT_EQ(merges.size(), 4u);
  EXPECT_EQ(merges[0], Json({"e", "s"}));
  EXPECT_EQ(merges[1], Json({"es", "t"}));
}

TEST(BpeTrainer, fills_the_vocabulary_no_further_than_asked) {
  EXPECT_EQ(trained({.vocabulary_size_max = 270}).vocabulary_size(), 270);
  const Tokenizer everything = trained({.vocabulary_size_max = 4096});
  EXPECT_LT(everything.vocabulary_size(), 4096);
  EXPECT_EQ(everything.encode(" newest").size(), 1u);
}

TEST(BpeTrainer, equal_input_gives_equal_bytes) {
  const BpeTrainOptions options{.vocabulary = {.special_tokens = {"<bos>"}},
                                .vocabulary_size_max = 300};
  EXPECT_EQ(train_bpe(corpus(), options).value(), train_bpe(corpus(), options).value());
}

// Hugging Face's ids under this file are in ours.lines.json, which tokenizer_test compares.
TEST(BpeTrainer, writes_the_file_that_hugging_face_was_tried_with) {
  const JsonDocument lines = read_json(kData + "smollm_like.lines.json").value();
  std::vector<std::string> texts;
  for (const Json& line : lines.root) {
    texts.push_back(line["text"].get<std::string>());
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  EXPECT_EQ(train_bpe(views, trained_here_options()).value(),
            read_file(kData + "ours.tokenizer.json").value());
}

TEST(BpeTrainer, digits_are_never_merged_when_individual) {
  EXPECT_EQ(trained({}).encode("2024").size(), 4u);
  BpeTrainOptions joined;
  joined.vocabulary.individual_digits = false;
  EXPECT_LT(trained(joined).encode("2024").size(), 4u);
}

TEST(BpeTrainer, chunks_keep_their_ids_and_are_not_learned_again) {
  BpeTrainOptions options;
  options.vocabulary.special_tokens = {"<bos>"};
  options.vocabulary.chunk_tokens = {"Direction 2", "low"};
  const Tokenizer tokenizer = trained(options);
  EXPECT_EQ(tokenizer.encode("Direction 2"), std::vector<TokenId>{1});
  EXPECT_EQ(tokenizer.encode("low"), std::vector<TokenId>{2});
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("<bos>low <bos>")), "<bos>low <bos>");
}

TEST(BpeTrainer, rare_pairs_are_left_alone) {
  EXPECT_EQ(trained({.pair_count_min = 1'000'000}).vocabulary_size(), 256);
}

TEST(BpeTrainer, gives_back_texts_it_never_saw) {
  const Tokenizer tokenizer = trained({});
  const std::string text = "slowest \u4e2d\u6587 \U0001f600 tabs\t\tand\r\nlines";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(ByteVocabulary, orders_special_tokens_then_chunks_then_bytes) {
  const std::string text =
      byte_vocabulary({.special_tokens = {"<bos>", "<eos>"}, .chunk_tokens = {"Left", "Up"}})
          .value();
  const Tokenizer tokenizer = Tokenizer::parse(text, "bytes").value();
  EXPECT_EQ(tokenizer.id_of("<eos>"), 1);
  EXPECT_EQ(tokenizer.id_of("Up"), 3);
  EXPECT_EQ(tokenizer.id_of(std::string(1, '\0')), 4);
  EXPECT_EQ(tokenizer.vocabulary_size(), 260);
  EXPECT_TRUE(tokenizer.beginning().empty());
}

TEST(VocabularyOptions, contradictions_are_refused) {
  EXPECT_THAT(byte_vocabulary({.special_tokens = {"a"}, .chunk_tokens = {"a"}}).error().text(),
              HasSubstr("given twice"));
  EXPECT_THAT(byte_vocabulary({.chunk_tokens = {""}}).error().text(), HasSubstr("1 to 1024"));
  EXPECT_THAT(byte_vocabulary({.chunk_tokens = {"\xff"}}).error().text(), HasSubstr("UTF-8"));
  EXPECT_THAT(byte_vocabulary({.beginning = "<bos>"}).error().text(),
              HasSubstr("not one of the special tokens"));
  EXPECT_THAT(train_bpe(corpus(), {.vocabulary_size_max = 255}).error().text(),
              HasSubstr("at least 256"));
}

}  // namespace
}  // namespace turnhalle::lm
