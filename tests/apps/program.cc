#include "tests/apps/program.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace turnhalle {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

Json ProgramResult::json() const {
  const Json value = Json::parse(out, nullptr, false);
  EXPECT_TRUE(value.is_object()) << "standard output:\n" << out << "\nstandard error:\n" << err;
  return value.is_object() ? value : Json::object();
}

std::string ProgramResult::error() const {
  constexpr std::string_view kPrefix = "turnhalle: error: ";
  const bool one_line = err.find('\n') == err.size() - 1;
  if (!err.starts_with(kPrefix) || !one_line) {
    return "";
  }
  return err.substr(kPrefix.size(), err.size() - kPrefix.size() - 1);
}

ProgramResult turnhalle_program(const std::string& words, const std::string& before) {
  const ScratchFolder scratch;
  const std::string out = scratch.file("out");
  const std::string err = scratch.file("err");
  const std::string command = before + std::string(TURNHALLE_PROGRAM) + " " + words + " >" + out +
                              " 2>" + err + " </dev/null";
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return {code, content_of(out), content_of(err)};
}

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "turnhalle-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return file(name);
}

bool ScratchFolder::empty() const { return std::filesystem::is_empty(path_); }

}  // namespace turnhalle
