// Token ids against those of Hugging Face's tokenizers (tests/lm/make_fixtures.py), hostile
// texts, and tokenizer files that must be refused.
#include "agents/lm/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "agents/lm/bpe_trainer.h"
#include "agents/lm/nfc.h"
#include "agents/lm/utf8.h"
#include "core/json.h"
#include "core/sha256.h"
#include "tests/lm/fixture_files.h"

namespace turnhalle::lm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json fixture(const std::string& name) {
  return read_json(kData + name).value().root;
}

Tokenizer chunks() {
  const VocabularyOptions options{.special_tokens = {"<bos>", "</hint>"},
                                  .chunk_tokens = {"(1,2)", "(1,", "Direction 2", " Want", "?"},
                                  .beginning = "<bos>"};
  return Tokenizer::parse(byte_vocabulary(options).value(), "chunks").value();
}

class Parity : public testing::TestWithParam<std::string> {};

TEST_P(Parity, ids_equal_those_of_hugging_face_on_every_line) {
  const Tokenizer tokenizer = Tokenizer::load(kData + GetParam() + ".tokenizer.json").value();
  const Json lines = fixture(GetParam() + ".lines.json");
  ASSERT_EQ(lines.size(), 400u);
  for (const Json& line : lines) {
    const auto text = line["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), line["ids"].get<std::vector<TokenId>>()) << line["text"];
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, Parity, testing::Values("smollm_like", "qwen_like", "ours"));

TEST(Tokenizer, gives_every_text_back) {
  const Tokenizer tokenizer = small_tokenizer();
  for (const Json& line : fixture("smollm_like.lines.json")) {
    const auto text = line["text"].get<std::string>();
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Tokenizer, gives_bytes_back_that_are_not_utf8) {
  const Tokenizer tokenizer = small_tokenizer();
  std::string bytes = "a\xff\xfe b\xc3(\xed\xa0\x80 \xf4\x90\x80\x80 end\xe2\x82";
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes)), bytes);
}

TEST(Tokenizer, special_tokens_in_text_stay_text_unless_allowed) {
  const Tokenizer tokenizer = small_tokenizer();
  const std::string text = "x<|im_start|>system\n";
  const TokenId mark = tokenizer.id_of("<|im_start|>").value();
  const std::vector<TokenId> plain = tokenizer.encode(text);
  EXPECT_THAT(plain, testing::Not(testing::Contains(mark)));
  EXPECT_EQ(tokenizer.decode(plain), text);
  const std::vector<TokenId> allowed = tokenizer.encode(text, AllowSpecial::yes);
  EXPECT_EQ(allowed.at(1), mark);
  EXPECT_EQ(tokenizer.decode(allowed), text);
  EXPECT_TRUE(tokenizer.is_special(mark));
  EXPECT_FALSE(tokenizer.is_special(mark + 100));
}

TEST(Tokenizer, chunk_tokens_are_matched_longest_first) {
  const Tokenizer tokenizer = chunks();
  const auto id = [&](const char* piece) { return tokenizer.id_of(piece).value(); };
  EXPECT_THAT(tokenizer.encode("(1,2)Direction 2 Want(1,?"),
              ElementsAre(id("(1,2)"), id("Direction 2"), id(" Want"), id("(1,"), id("?")));
  EXPECT_EQ(tokenizer.encode("Direction 3").size(), 11u);
  EXPECT_THAT(tokenizer.beginning(), ElementsAre(id("<bos>")));
  EXPECT_EQ(tokenizer.vocabulary_size(), 2 + 5 + 255);
}

TEST(Tokenizer, ids_outside_the_vocabulary_have_no_bytes) {
  const Tokenizer tokenizer = small_tokenizer();
  const auto beyond = static_cast<TokenId>(tokenizer.vocabulary_size());
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{-1, beyond, beyond + 7}), "");
  EXPECT_FALSE(tokenizer.id_of("no such piece").has_value());
}

TEST(Tokenizer, the_hash_tells_vocabularies_apart) {
  EXPECT_EQ(small_tokenizer().content_hash(), small_tokenizer().content_hash());
  EXPECT_NE(small_tokenizer().content_hash(), chunks().content_hash());
  EXPECT_EQ(small_tokenizer().content_hash().size(), 64u);
}

TEST(Tokenizer, threads_get_the_ids_of_one_thread) {
  const Tokenizer tokenizer = small_tokenizer();
  const Json lines = fixture("smollm_like.lines.json");
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&lines, &count, tokenizer] {
      for (const Json& line : lines) {
        const auto expected = line["ids"].get<std::vector<TokenId>>();
        count += tokenizer.encode(line["text"].get_ref<const std::string&>()) != expected ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(wrong, testing::Each(0));
}

// The limit is generous for busy machines and sanitizers; a quadratic method takes hours.
TEST(Tokenizer, megabytes_of_one_kind_take_seconds) {
  const auto repeated = [](std::string_view unit, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      text += unit;
    }
    return text;
  };
  const std::size_t megabyte = std::size_t{1} << 20;
  const std::vector<std::string> texts = {
      repeated("a", 5 * megabyte), repeated(" ", megabyte),          repeated("\n", megabyte),
      repeated("1", megabyte),     repeated("\xff", megabyte),       repeated("<", megabyte),
      repeated("ab", megabyte),    repeated("\u200d", megabyte),     repeated("a\u0301", megabyte),
      repeated(" \n", megabyte),   repeated("<|im_start|", megabyte), repeated("'s", megabyte)};
  for (const char* name : {"smollm_like.tokenizer.json", "qwen_like.tokenizer.json"}) {
    const Tokenizer tokenizer = Tokenizer::load(kData + name).value();
    for (const std::string& text : texts) {
      const auto start = std::chrono::steady_clock::now();
      const std::string back = tokenizer.decode(tokenizer.encode(text));
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      EXPECT_LT(seconds.count(), 30.0) << name << " " << text.substr(0, 12);
      EXPECT_TRUE(back == text || nfc(text) == back) << name << " " << text.substr(0, 12);
    }
  }
}

TEST(Nfc, composes_every_character_as_python_does) {
  Sha256 digest;
  for (char32_t code = 1; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) {
      continue;
    }
    std::string text;
    append_utf8(text, code);
    text += " a";
    append_utf8(text, code);
    text += "\u0323\u0301";
    digest.update(nfc(text));
  }
  EXPECT_EQ(digest.hexdigest(), fixture("nfc.json")["sha256"].get<std::string>());
}

/// The small tokenizer's JSON after a change.
Result<Tokenizer> changed(const std::function<void(Json&)>& change) {
  Json root = fixture("smollm_like.tokenizer.json");
  change(root);
  return Tokenizer::parse(root.dump(), "changed.json");
}

std::string error_of(const std::function<void(Json&)>& change) {
  const Result<Tokenizer> tokenizer = changed(change);
  return tokenizer ? "" : tokenizer.error().text();
}

TEST(TokenizerFile, an_unchanged_one_is_read) {
  EXPECT_EQ(error_of([](Json&) {}), "");
}

TEST(TokenizerFile, what_is_not_byte_level_bpe_is_refused) {
  EXPECT_THAT(error_of([](Json& j) { j["model"]["type"] = "Unigram"; }),
              HasSubstr("expected type BPE; found \"Unigram\""));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["byte_fallback"] = true; }),
              HasSubstr("not supported"));
  EXPECT_THAT(error_of([](Json& j) { j["pre_tokenizer"] = {{"type", "Metaspace"}}; }),
              HasSubstr("/pre_tokenizer"));
  EXPECT_THAT(error_of([](Json& j) { j["pre_tokenizer"] = nullptr; }), HasSubstr("ByteLevel"));
  EXPECT_THAT(error_of([](Json& j) { j["decoder"] = nullptr; }), HasSubstr("/decoder"));
  EXPECT_THAT(error_of([](Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }),
              HasSubstr("NFC"));
  EXPECT_THAT(error_of([](Json& j) { j["added_tokens"][0]["lstrip"] = true; }),
              HasSubstr("/added_tokens/0/lstrip"));
  EXPECT_THAT(error_of([](Json& j) { j["truncation"] = {{"max_length", 5}}; }),
              HasSubstr("/truncation"));
  EXPECT_THAT(error_of([](Json& j) { j = Json::array(); }), HasSubstr("/model"));
}

TEST(TokenizerFile, bad_vocabularies_are_refused) {
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"]["a"] = j["model"]["vocab"]["b"]; }),
              HasSubstr("given twice"));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"]["a"] = -1; }), HasSubstr("found -1"));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"]["a"] = 1LL << 40; }),
              HasSubstr("expected an id"));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"]["a"] = "x"; }),
              HasSubstr("expected an id"));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"][""] = 99999; }), HasSubstr("empty text"));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["vocab"]["\u4e2d"] = 99999; }),
              HasSubstr("neither in the byte alphabet nor an added token"));
}

TEST(TokenizerFile, bad_merges_and_added_tokens_are_refused) {
  EXPECT_THAT(error_of([](Json& j) { j["model"]["merges"].push_back("a"); }),
              HasSubstr("expected \"a b\""));
  EXPECT_THAT(error_of([](Json& j) { j["model"]["merges"].push_back({"a", "\u4e2d"}); }),
              HasSubstr("the vocabulary has no token"));
  EXPECT_THAT(error_of([](Json& j) {
                j["model"]["merges"].push_back(j["model"]["merges"][0]);
              }),
              HasSubstr("merged twice"));
  EXPECT_THAT(error_of([](Json& j) { j["added_tokens"][1]["id"] = 0; }), HasSubstr("has id 0"));
  EXPECT_THAT(error_of([](Json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); }),
              HasSubstr("added twice"));
  EXPECT_THAT(error_of([](Json& j) { j["added_tokens"][0]["content"] = ""; }),
              HasSubstr("expected content"));
}

TEST(TokenizerFile, expressions_that_explode_or_do_not_compile_are_refused) {
  const auto with_pattern = [](const char* pattern) {
    return error_of([pattern](Json& j) {
      const Json split = {{"type", "Split"},
                          {"pattern", {{"Regex", pattern}}},
                          {"behavior", "Isolated"},
                          {"invert", false}};
      auto& parts = j["pre_tokenizer"]["pretokenizers"];
      parts.insert(parts.begin(), split);
    });
  };
  EXPECT_EQ(with_pattern(R"(\p{N}{1,3})"), "");
  EXPECT_THAT(with_pattern("(a+)+$"), HasSubstr("backtracks"));
  EXPECT_THAT(with_pattern("(a"), HasSubstr("not understood"));
  EXPECT_THAT(with_pattern(R"([\S])"), HasSubstr("not supported"));
}

TEST(TokenizerFile, errors_name_the_file) {
  EXPECT_THAT(Tokenizer::load("no/such/folder").error().text(), HasSubstr("no/such/folder"));
  EXPECT_THAT(Tokenizer::parse("{", "broken.json").error().text(), HasSubstr("broken.json:1"));
}

TEST(TokenizerFile, merges_may_be_texts_or_pairs) {
  const auto as_texts = changed([](Json& j) {
    for (Json& merge : j["model"]["merges"]) {
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
  });
  EXPECT_EQ(as_texts.value().encode("the agent observes"),
            small_tokenizer().encode("the agent observes"));
}

TEST(TokenizerFile, bytes_outside_the_vocabulary_become_the_unknown_token_or_nothing) {
  const auto without_q = [](Json& j) {
    Json& vocab = j["model"]["vocab"];
    j["model"]["merges"] = Json::array();
    vocab.erase("q");
  };
  EXPECT_EQ(changed(without_q).value().encode("aqb").size(), 2u);
  const auto with_unknown = changed([&](Json& j) {
    without_q(j);
    j["model"]["unk_token"] = "<|endoftext|>";
  });
  const auto unknown = with_unknown.value().id_of("<|endoftext|>").value();
  EXPECT_EQ(with_unknown.value().encode("aqb").at(1), unknown);
}

}  // namespace
}  // namespace turnhalle::lm
