// Reads lines and prints their token ids, for comparisons with the tokenizers library.
//
//   lm_tokenize_lines TOKENIZER   lines of JSON strings on standard input; a line of ids,
//                                 separated by spaces, for each
//   lm_tokenize_lines --train     trains the vocabulary of trained_here.h on them, prints its
//                                 tokenizer.json
#include <iostream>
#include <string>
#include <vector>

#include "agents/lm/tokenizer.h"
#include "core/json.h"
#include "tests/lm/trained_here.h"

namespace turnhalle::lm {
namespace {

int fail(const std::string& message) {
  std::cerr << "lm_tokenize_lines: " << message << "\n";
  return 2;
}

int train(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Result<std::string> json = train_bpe(views, trained_here_options());
  if (!json) {
    return fail(json.error().text());
  }
  std::cout << *json;
  return 0;
}

int tokenize(const std::string& path, const std::vector<std::string>& texts) {
  const Result<Tokenizer> tokenizer = Tokenizer::load(path);
  if (!tokenizer) {
    return fail(tokenizer.error().text());
  }
  for (const std::string& text : texts) {
    std::string separator;
    for (const TokenId id : tokenizer->encode(text)) {
      std::cout << separator << id;
      separator = " ";
    }
    std::cout << "\n";
  }
  return 0;
}

int run(int argc, char** argv) {
  if (argc != 2) {
    return fail("expected one argument, a tokenizer.json or --train");
  }
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) {
    const Result<JsonDocument> document = parse_json(line, "standard input");
    if (!document || !document->root.is_string()) {
      return fail("expected a JSON string on every line");
    }
    texts.push_back(document->root.get<std::string>());
  }
  const std::string argument = argv[1];
  return argument == "--train" ? train(texts) : tokenize(argument, texts);
}

}  // namespace
}  // namespace turnhalle::lm

int main(int argc, char** argv) { return turnhalle::lm::run(argc, argv); }
