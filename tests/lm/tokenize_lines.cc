// Reads lines, prints their token ids: what bench/peers/tokenizer_parity.py compares with the
// tokenizers library.
//
//   lm_tokenize_lines TOKENIZER     lines of JSON strings on standard input; one line of ids,
//                                   separated by spaces, for each
#include <iostream>
#include <string>

#include "agents/lm/tokenizer.h"
#include "core/json.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: lm_tokenize_lines TOKENIZER < LINES\n";
    return 2;
  }
  const auto tokenizer = turnhalle::lm::Tokenizer::load(argv[1]);
  if (!tokenizer) {
    std::cerr << tokenizer.error().text() << "\n";
    return 2;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto document = turnhalle::parse_json(line, "standard input");
    if (!document || !document->root.is_string()) {
      std::cerr << "expected a JSON string on every line\n";
      return 2;
    }
    const auto& text = document->root.get_ref<const std::string&>();
    std::string separator;
    for (const turnhalle::lm::TokenId id : tokenizer->encode(text)) {
      std::cout << separator << id;
      separator = " ";
    }
    std::cout << "\n";
  }
  return 0;
}
