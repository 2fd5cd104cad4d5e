// Rules about the source tree that a compiler does not know: layers, fences, banned calls, the
// shape of files, and pages that must mention what exists. (The ten words of an environment's
// header and its golden file are checked by tests/conformance.)
//
// Each rule is a function from one file to a list of findings, so that it is tested on planted
// text as well as run on the tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "envs/all.h"

namespace turnhalle {
namespace {

namespace fs = std::filesystem;
using Findings = std::vector<std::string>;

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::string text;
  std::vector<std::string> lines;

  SourceFile(std::string name, std::string content)
      : path(std::move(name)), text(std::move(content)) {
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  bool in(std::string_view folder) const { return path.starts_with(std::string(folder) + "/"); }
  bool is(std::initializer_list<std::string_view> endings) const {
    return std::any_of(endings.begin(), endings.end(),
                       [this](std::string_view ending) { return path.ends_with(ending); });
  }
  bool is_code() const { return is({".h", ".cc", ".cu"}); }
  bool is_header() const { return is({".h"}); }
  std::string at(std::size_t line) const { return path + ":" + std::to_string(line + 1) + ": "; }
};

// A line without string and character literals and without a line comment.
std::string code_of(const std::string& line) {
  std::string out;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      i += c == '\\' ? 1 : 0;
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || (c == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(
                                                        line[i - 1])) == 0))) {
      quote = c;
    } else if (c == '/' && i + 1 < line.size() && line[i + 1] == '/') {
      break;
    } else {
      out += c;
    }
  }
  return out;
}

// Layers -----------------------------------------------------------------------------------

// Longest prefixes first.
constexpr std::array<std::string_view, 12> kLayers = {
    "core/net", "trainers/algo", "agents/lm", "agents/users", "agents/wire", "core", "envs",
    "agents",   "kernels",       "trainers",  "apps",         "tests"};

std::string layer_of(std::string_view path) {
  for (const std::string_view layer : kLayers) {
    if (path.starts_with(std::string(layer) + "/")) return std::string(layer);
  }
  return "";
}

const std::map<std::string, std::set<std::string>>& allowed_includes() {
  static const std::map<std::string, std::set<std::string>> kAllowed = {
      {"core", {"core"}},
      {"core/net", {"core", "core/net"}},
      {"agents/users", {"core", "agents/users"}},
      {"envs", {"core", "agents/users", "envs"}},
      {"trainers/algo", {"core", "trainers/algo"}},
      {"agents", {"core", "agents/users", "agents"}},
      {"agents/wire", {"core", "agents", "agents/wire"}},
      {"kernels", {"core", "kernels"}},
      {"agents/lm", {"core", "agents", "kernels", "agents/lm"}},
      {"trainers",
       {"core", "envs", "trainers/algo", "agents", "kernels", "agents/lm", "trainers"}},
      {"apps",
       {"core", "core/net", "agents/users", "envs", "trainers/algo", "agents", "agents/wire",
        "kernels", "agents/lm", "trainers", "apps"}},
  };
  return kAllowed;
}

Findings layers(const SourceFile& file) {
  Findings findings;
  const std::string own = layer_of(file.path);
  if (!file.is_code() || own.empty() || own == "tests") return findings;
  static const std::regex kInclude("^#include \"([^\"]+)\"");
  static const std::set<std::string> kWorlds = {"core/agent.h", "core/env.h",  "core/lifecycle.h",
                                                "core/pool.h",  "core/world.h"};
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(file.lines[i], match, kInclude)) continue;
    const std::string target = match[1];
    const std::string other = layer_of(target);
    if (other.empty()) {
      findings.push_back(file.at(i) + "include paths start at the root; found \"" + target + "\"");
    } else if (!allowed_includes().at(own).contains(other)) {
      findings.push_back(file.at(i) + own + " must not include " + other);
    } else if (own == "kernels" && kWorlds.contains(target)) {
      findings.push_back(file.at(i) + "kernels know no worlds");
    }
  }
  return findings;
}

// Fences around heavy libraries ------------------------------------------------------------

struct Fence {
  std::regex include;
  std::string library;
  std::regex allowed;  // paths
};

const std::vector<Fence>& fences() {
  static const std::vector<Fence> kFences = {
      {std::regex("<(torch|ATen|c10)/"), "torch",
       std::regex("_torch\\.(h|cc)$|_torch_test\\.cc$|^agents/lm/(torch_model|checkpoint)\\.cc$|"
                  "^trainers/trainer\\.cc$|^tests/(lm|trainers)/")},
      {std::regex("<boost/asio"), "Boost.Asio",
       std::regex("^core/(agent\\.h|(world|pool|replay)\\.cc|net/.*\\.cc)$|^agents/|^tests/")},
      {std::regex("<boost/beast"), "Boost.Beast",
       std::regex("^(core/net/.*|agents/wire/http_client)\\.cc$|^tests/")},
      {std::regex("<boost/context"), "Boost.Context", std::regex("^tests/kernels/")},
      {std::regex("<(cuda|cooperative_groups|cub/|mma\\.h)"), "CUDA",
       std::regex("^kernels/(.*\\.cu|cuda_.*\\.h)$|^tests/kernels/")},
      {std::regex("<CLI/"), "CLI11", std::regex("^apps/arguments\\.cc$")},
      {std::regex("<sqlite3\\.h>"), "SQLite", std::regex("^core/sqlite\\.(h|cc)$|^tests/core/")},
      {std::regex("<pcre2"), "PCRE2", std::regex("^agents/lm/[a-z_]*\\.(cc|h)$")},
  };
  return kFences;
}

Findings library_fences(const SourceFile& file) {
  Findings findings;
  if (!file.is_code()) return findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (!file.lines[i].starts_with("#include <")) continue;
    for (const Fence& fence : fences()) {
      if (std::regex_search(file.lines[i], fence.include) &&
          !std::regex_search(file.path, fence.allowed)) {
        findings.push_back(file.at(i) + fence.library + " may not be included here");
      }
    }
  }
  return findings;
}

// Banned words -----------------------------------------------------------------------------

struct Ban {
  std::regex pattern;
  std::string instead;
  std::string folders;  // a regular expression on paths
};

const std::vector<Ban>& bans() {
  static const std::string kSimulator = "^(core|envs|trainers/algo)/";
  static const std::string kLibraries = "^(core|envs|agents|kernels|trainers)/";
  static const std::vector<Ban> kBans = {
      {std::regex("(^|[^\\w.:>])s?rand\\("), "Random of core/rng.h", "."},
      {std::regex("std::(mt19937|minstd|ranlux|default_random)"), "Random of core/rng.h", "."},
      {std::regex("std::\\w+_distribution"), "Random of core/rng.h", "."},
      {std::regex("random_device"), "RandomKey::from_seed", "."},
      {std::regex("(system|steady|high_resolution)_clock"), "virtual time (SimTime)", kSimulator},
      {std::regex("\\bgetenv\\b"), "an option of the command line", kSimulator},
      {std::regex("std::sto(i|l|ll|f|d|ul|ull)\\b"), "parse_integer or parse_double", "."},
      {std::regex("std::cout"), "a result, or a stream of the caller", kLibraries},
      {std::regex("(^|[^_\\w])assert\\("), "check()", "."},
      {std::regex("std::unordered_(map|set)"), "std::map: its order is the same everywhere",
       "^(core|envs)/"},
      {std::regex("using namespace"), "a namespace alias", "."},
      {std::regex("^\\s*#\\s*define\\s+\\w+\\("), "a function or a template", "."},
  };
  return kBans;
}

Findings banned_calls(const SourceFile& file) {
  Findings findings;
  if (!file.is_code()) return findings;
  for (const Ban& ban : bans()) {
    if (!std::regex_search(file.path, std::regex(ban.folders))) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      const std::string code = code_of(file.lines[i]);
      if (std::regex_search(code, match, ban.pattern)) {
        findings.push_back(file.at(i) + "banned: " + match.str() + "; use " + ban.instead);
      }
    }
  }
  return findings;
}

// The shape of files -----------------------------------------------------------------------

std::size_t columns_of(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

Findings lines_are_clean(const SourceFile& file) {
  Findings findings;
  const bool width_counts = file.is_code() || file.is({"CMakeLists.txt", ".cmake"});
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (line.find('\t') != std::string::npos) findings.push_back(file.at(i) + "a tab");
    if (line.ends_with(" ")) findings.push_back(file.at(i) + "blanks at the end of the line");
    if (width_counts && columns_of(line) > 100) {
      findings.push_back(file.at(i) + "more than 100 columns");
    }
  }
  return findings;
}

// Files over their budget, with the size that they may not exceed. Sizes only ever shrink.
const std::map<std::string, std::size_t>& ratchet() {
  static const std::map<std::string, std::size_t> kSizes = {};
  return kSizes;
}

Findings size_budget(const SourceFile& file) {
  std::size_t budget = 0;
  if (file.is({"README.md"})) {
    budget = file.path == "README.md" ? 300 : 150;
  } else if (file.in("tests") && file.is_code()) {
    budget = 800;
  } else if (file.is_header() && !file.is({"_impl.h"})) {
    budget = 300;
  } else if (file.is_code()) {
    budget = 500;
  }
  const auto exception = ratchet().find(file.path);
  if (exception != ratchet().end()) budget = exception->second;
  Findings findings;
  if (budget > 0 && file.lines.size() > budget) {
    findings.push_back(file.path + ": " + std::to_string(file.lines.size()) +
                       " lines; the budget is " + std::to_string(budget));
  }
  if (file.text.size() > 500'000) findings.push_back(file.path + ": more than 500 KB");
  return findings;
}

// Blocks at the outermost and at the members' level that are no type or namespace.
Findings short_functions(const SourceFile& file) {
  Findings findings;
  if (!file.is_code()) return findings;
  static const std::regex kNoFunction(
      "^\\s*(namespace|struct|class|enum|union|extern|TEST|public|template <.*> (struct|class))\\b|"
      "=\\s*\\{$|^\\s*\\{");
  for (const std::string_view indent : {"", "  "}) {
    std::size_t begin = 0;
    bool inside = false;
    const std::string close = std::string(indent) + "}";
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool at_level = line.starts_with(indent) && line.size() > indent.size() &&
                            line[indent.size()] != ' ' && line[indent.size()] != '/';
      if (inside && line.starts_with(close)) {
        inside = false;
        if (i - begin + 1 > 70) {
          findings.push_back(file.at(begin) + "a function of " + std::to_string(i - begin + 1) +
                             " lines; 70 are allowed");
        }
      } else if (!inside && at_level && line.ends_with("{") &&
                 !std::regex_search(line, kNoFunction)) {
        inside = true;
        begin = i;
      }
    }
  }
  return findings;
}

Findings comments_are_prose(const SourceFile& file) {
  Findings findings;
  if (!file.is_code()) return findings;
  // One blank after the slashes: examples in the comment of a header are indented further.
  static const std::regex kCode(
      "^\\s*//[/!]? ?((if|for|while|switch) \\(.*\\{|(return|auto|const|int|std::|static|delete)"
      "\\b.*;|[\\w:.>*-]+\\(.*\\);|[\\w:.>\\[\\]*-]+ [-+*/|]?= .*;|#include .*)$");
  static const std::regex kMarkers("\\b(TO" "DO|FIX" "ME|XX" "X|HA" "CK)\\b");
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], kCode)) {
      findings.push_back(file.at(i) + "code in a comment");
    }
    if (std::regex_search(file.lines[i], kMarkers)) {
      findings.push_back(file.at(i) + "a marker of unfinished work");
    }
  }
  return findings;
}

Findings headers_have_guards(const SourceFile& file) {
  Findings findings;
  if (!file.is_header()) return findings;
  if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end()) {
    findings.push_back(file.path + ": no #pragma once");
  }
  if (!file.text.starts_with("//")) {
    findings.push_back(file.path + ": a header begins with a comment that says what it is");
  }
  return findings;
}

// Nothing about the machine on which a file was written. The words are put together here so that
// this file does not hold them. (The machines of terminal_sim are simulated.)
Findings no_machine_names(const SourceFile& file) {
  static const std::vector<std::string> kPaths = {std::string("/wo") + "rk/",
                                                  std::string("/ro") + "ot/",
                                                  std::string("/ho") + "me/"};
  static const std::vector<std::string> kHosts = {
      std::string("pypi") + ".org",      std::string("python") + "hosted",
      std::string("index") + "-url",     std::string("debian") + ".org",
      std::string("registry") + ".npm",  std::string("ghcr") + ".io",
      std::string("arti") + "factory",   std::string("trusted") + "-host"};
  const bool simulated = file.path.find("/terminal_") != std::string::npos;
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (const std::string& path : kPaths) {
      if (!simulated && file.lines[i].find(path) != std::string::npos) {
        findings.push_back(file.at(i) + "the path of a machine: " + path);
      }
    }
    for (const std::string& host : kHosts) {
      if (!file.is({".md"}) && file.lines[i].find(host) != std::string::npos) {
        findings.push_back(file.at(i) + "the name of a package server: " + host);
      }
    }
  }
  return findings;
}

// Every function file of the algorithms names where its formula comes from.
Findings names_its_paper(const SourceFile& file) {
  static const std::regex kFunction(
      "^trainers/algo/(advantage|credit|objective|reward)/\\w+\\.cc$");
  static const std::regex kSource("arXiv[ :]\\d{4}\\.\\d{4,5}|doi\\.org|https://");
  if (!std::regex_search(file.path, kFunction) || std::regex_search(file.text, kSource)) {
    return {};
  }
  return {file.path + ": names no paper (arXiv number or link)"};
}

// The tree ---------------------------------------------------------------------------------

bool is_ours(const std::string& path) {
  static const std::regex kLeftOut(
      "^(\\.git|build[^/]*|models|runs|\\.venv[^/]*|\\.cache)(/|$)|/__pycache__(/|$)");
  static const std::regex kText(
      "\\.(h|cc|cu|cmake|txt|md|py|json|sh|yml)$|^scripts/\\w+$|^\\.ci/|^\\.clang");
  return !std::regex_search(path, kLeftOut) && std::regex_search(path, kText);
}

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> kTree = [] {
    const fs::path root = TURNHALLE_SOURCE_DIR;
    std::vector<SourceFile> files;
    static const std::regex kSkipped("^(\\.git|build.*|models|runs|\\.venv.*|__pycache__)$");
    for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
      if (at->is_directory() && std::regex_match(at->path().filename().string(), kSkipped)) {
        at.disable_recursion_pending();
        continue;
      }
      const std::string path = fs::relative(at->path(), root).generic_string();
      if (!at->is_regular_file() || !is_ours(path)) continue;
      std::ifstream in(at->path(), std::ios::binary);
      files.emplace_back(path, std::string(std::istreambuf_iterator<char>(in), {}));
    }
    std::sort(files.begin(), files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return files;
  }();
  return kTree;
}

const SourceFile* find_file(const std::string& path) {
  for (const SourceFile& file : tree()) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

using Rule = Findings (*)(const SourceFile&);

Findings over_the_tree(Rule rule) {
  Findings all;
  for (const SourceFile& file : tree()) {
    const Findings findings = rule(file);
    all.insert(all.end(), findings.begin(), findings.end());
  }
  return all;
}

void expect_none(const Findings& findings) {
  for (const std::string& finding : findings) ADD_FAILURE() << finding;
}

TEST(Tidy, TheTreeIsFound) { EXPECT_GT(tree().size(), 100U); }
TEST(Tidy, IncludesFollowTheLayers) { expect_none(over_the_tree(layers)); }
TEST(Tidy, HeavyLibrariesStayBehindTheirFences) { expect_none(over_the_tree(library_fences)); }
TEST(Tidy, BannedCallsAreNotMade) { expect_none(over_the_tree(banned_calls)); }
TEST(Tidy, LinesAreCleanAndAtMostHundredColumns) { expect_none(over_the_tree(lines_are_clean)); }
TEST(Tidy, FilesKeepTheirBudget) { expect_none(over_the_tree(size_budget)); }
TEST(Tidy, FunctionsFitOnAScreen) { expect_none(over_the_tree(short_functions)); }
TEST(Tidy, CommentsAreProse) { expect_none(over_the_tree(comments_are_prose)); }
TEST(Tidy, HeadersHaveGuardsAndAreIntroduced) { expect_none(over_the_tree(headers_have_guards)); }
TEST(Tidy, NothingNamesTheMachineItWasWrittenOn) { expect_none(over_the_tree(no_machine_names)); }
TEST(Tidy, EveryAlgorithmNamesItsPaper) { expect_none(over_the_tree(names_its_paper)); }

void expect_mentioned(const std::string& page, const std::string& name) {
  const SourceFile* readme = find_file(page);
  ASSERT_NE(readme, nullptr) << page << " is missing";
  EXPECT_NE(readme->text.find(name), std::string::npos) << page << ": no row for " << name;
}

TEST(Tidy, EveryEnvironmentHasARowInTheReadme) {
  for (const std::string& name : all_environments().names()) {
    expect_mentioned("envs/README.md", name);
  }
}

TEST(Tidy, EveryRecipeHasARowInTheReadme) {
  for (const SourceFile& file : tree()) {
    if (file.in("scenarios/recipes") && file.is({".json"})) {
      expect_mentioned("trainers/README.md", fs::path(file.path).stem().string());
    }
  }
}

TEST(Tidy, EveryKernelHasARowInTheReadme) {
  for (const SourceFile& file : tree()) {
    if (file.in("kernels") && file.is({".cu"}) && !file.path.starts_with("kernels/device_")) {
      expect_mentioned("kernels/README.md", fs::path(file.path).stem().string());
    }
  }
}

// The rules themselves ---------------------------------------------------------------------

struct Planted {
  Rule rule;
  std::string path;
  std::string text;
};

class PlantedViolation : public testing::TestWithParam<Planted> {};

TEST_P(PlantedViolation, IsFound) {
  EXPECT_FALSE(GetParam().rule(SourceFile(GetParam().path, GetParam().text)).empty())
      << GetParam().path << "\n" << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Tidy, PlantedViolation,
    testing::Values(
        Planted{layers, "core/a.cc", "#include \"envs/all.h\"\n"},
        Planted{layers, "trainers/algo/a.cc", "#include \"trainers/trainer.h\"\n"},
        Planted{layers, "envs/a.cc", "#include \"all.h\"\n"},
        Planted{layers, "kernels/a.cc", "#include \"core/world.h\"\n"},
        Planted{library_fences, "core/a.cc", "#include <torch/torch.h>\n"},
        Planted{library_fences, "envs/a.cc", "#include <boost/asio/post.hpp>\n"},
        Planted{library_fences, "kernels/a_cpu.cc", "#include <cuda_runtime.h>\n"},
        Planted{banned_calls, "core/a.cc", "  int x = rand();\n"},
        Planted{banned_calls, "apps/a.cc", "std::uniform_int_distribution<int> d(0, 1);\n"},
        Planted{banned_calls, "envs/a.cc", "auto t = std::chrono::steady_clock::now();\n"},
        Planted{banned_calls, "agents/a.cc", "std::cout << 1;\n"},
        Planted{banned_calls, "agents/a.cc", "  assert(x == 1);\n"},
        Planted{banned_calls, "agents/a.cc", "#define TWICE(x) ((x) * 2)\n"},
        Planted{lines_are_clean, "README.md", "a line \n"},
        Planted{lines_are_clean, "core/a.h", "\tint x;\n"},
        Planted{lines_are_clean, "core/a.h", std::string(101, 'x') + "\n"},
        Planted{size_budget, "core/a.h", std::string(301, '\n')},
        Planted{size_budget, "scenarios/a.json", std::string(500'001, ' ')},
        Planted{short_functions, "core/a.cc", "void f() {\n" + std::string(70, '\n') + "}\n"},
        Planted{comments_are_prose, "core/a.cc", "// x = f(1);\n"},
        Planted{comments_are_prose, "core/a.cc", std::string("// FIX") + "ME: later.\n"},
        Planted{headers_have_guards, "core/a.h", "// What.\nint x;\n"},
        Planted{no_machine_names, "scripts/a", std::string("cd /ro") + "ot/x\n"},
        Planted{names_its_paper, "trainers/algo/reward/a.cc", "// A formula.\n"}));

TEST(TidyRules, LeaveGoodTextAlone) {
  const SourceFile good("core/a.cc",
                        "#include \"core/b.h\"\n"
                        "// A sentence that ends; another one.\n"
                        "static_assert(true);\n"
                        "const char* text = \"rand() and assert(x)\";\n"
                        "int operand(int x);  // no rand() here\n");
  for (const Rule rule : {layers, library_fences, banned_calls, lines_are_clean, size_budget,
                          short_functions, comments_are_prose, no_machine_names}) {
    EXPECT_EQ(rule(good), Findings{});
  }
}

}  // namespace
}  // namespace turnhalle
