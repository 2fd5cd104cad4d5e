// The kept corpora, and a fixed number of mutations of them: the same in every run. What libFuzzer
// finds (scripts/fuzz) goes into corpus/ and is tried here from then on.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/rng.h"
#include "tests/fuzz/targets.h"

namespace turnhalle::fuzz {
namespace {

std::vector<std::string> inputs_of(const Target& target) {
  std::vector<std::string> inputs = target.seeds();
  const std::filesystem::path folder =
      std::filesystem::path(TURNHALLE_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::exists(folder)) {
    for (const auto& item : std::filesystem::directory_iterator(folder)) {
      files.push_back(item.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// Flips a bit, sets a byte, cuts, repeats, swaps in a piece of another input.
std::string mutate(std::string bytes, const std::vector<std::string>& inputs, Random& random) {
  for (std::uint64_t times = 1 + random.below(4); times > 0; --times) {
    const std::size_t at = random.below(bytes.size() + 1);
    const std::size_t length = random.below(std::min<std::size_t>(bytes.size() - at, 16) + 1);
    const std::string& other = inputs[random.below(inputs.size())];
    switch (random.below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random.below(256));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      default:
        bytes.replace(at, length, other.substr(random.below(other.size() + 1), length));
    }
  }
  return bytes;
}

class EveryTarget : public testing::TestWithParam<const char*> {};

TEST_P(EveryTarget, KeepsItsPromiseOnCorpusAndMutations) {
  const Target& target = *find_target(GetParam());
  const std::vector<std::string> inputs = inputs_of(target);
  ASSERT_FALSE(inputs.empty());
  for (const std::string& input : inputs) target.run(input);
  target.run("");
  Random random(RandomKey::from_seed(1).split(target.name));
  for (int i = 0; i < target.mutations; ++i) {
    target.run(mutate(inputs[random.below(inputs.size())], inputs, random));
  }
}

std::vector<const char*> names() {
  std::vector<const char*> all;
  for (const Target& target : targets()) all.push_back(target.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Targets, EveryTarget, testing::ValuesIn(names()),
                         [](const auto& item) { return std::string(item.param); });

}  // namespace
}  // namespace turnhalle::fuzz
