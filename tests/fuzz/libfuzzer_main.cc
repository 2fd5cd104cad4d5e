// The entry of libFuzzer. The first argument is --target=NAME; --write-seeds=FOLDER writes the
// inputs to start from and ends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/fuzz/targets.h"

namespace {

const turnhalle::fuzz::Target* chosen = nullptr;

void write_seeds(const std::string& folder) {
  int number = 0;
  for (const std::string& seed : chosen->seeds()) {
    const std::string name = "seed_" + std::to_string(number++);
    std::ofstream(std::filesystem::path(folder) / name, std::ios::binary) << seed;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  for (int i = 1; i < *count; ++i) {
    const std::string word = (*words)[i];
    if (word.starts_with("--target=")) chosen = turnhalle::fuzz::find_target(word.substr(9));
    if (word.starts_with("--write-seeds=") && chosen != nullptr) {
      write_seeds(word.substr(14));
      std::exit(0);
    }
  }
  if (chosen == nullptr) {
    std::cerr << "expected --target=NAME, one of:";
    for (const auto& target : turnhalle::fuzz::targets()) std::cerr << ' ' << target.name;
    std::cerr << '\n';
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
