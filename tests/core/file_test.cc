#include "core/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace turnhalle {
namespace {

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/turnhalle-file-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::size_t entries() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      count += entry.exists() ? 1 : 0;
    }
    return count;
  }
  std::string folder_;
};

TEST_F(File, ReadsBackWhatWasWritten) {
  const std::string content = std::string("a\0b\n", 4) + std::string(200'000, 'x');
  ASSERT_TRUE(write_file(path("a"), content).ok());
  EXPECT_EQ(*read_file(path("a")), content);
  ASSERT_TRUE(write_file(path("a"), "").ok());
  EXPECT_EQ(*read_file(path("a")), "");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, MissingFileSuggestsTheNearestName) {
  ASSERT_TRUE(write_file(path("frozen_lake_easy.json"), "{}").ok());
  const auto missing = read_file(path("frozen_lake_esay.json"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().text(), path("frozen_lake_esay.json") +
                                        ": expected a file; found: No such file or directory."
                                        " Did you mean \"" +
                                        path("frozen_lake_easy.json") + "\"?");
  EXPECT_EQ(read_file(path("zzzzzz")).error().message,
            "expected a file; found: No such file or directory");
  EXPECT_FALSE(read_file("").ok());
}

TEST_F(File, FolderAndLargeFileAreRefused) {
  EXPECT_EQ(read_file(folder_).error().message, "expected a file; found a folder");
  EXPECT_EQ(write_file(folder_, "x").error().message,
            "expected a file that can be written; found a folder");
  ASSERT_TRUE(write_file(path("a"), "12345").ok());
  EXPECT_TRUE(read_file(path("a"), 5).ok());
  EXPECT_EQ(read_file(path("a"), 4).error().message,
            "expected a file of at most 4 bytes; found a larger one");
}

TEST_F(File, MissingFolderIsAnErrorWithTheSystemsWords) {
  const Status status = write_file(path("none/a"), "x");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().text(), path("none/a") +
                                       ": expected a file that can be written; "
                                       "found: No such file or directory");
}

TEST_F(File, FullDeviceIsAnError) {
  const Status status = write_file("/dev/full", "x");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().text(),
            "/dev/full: expected a file that can be written; found: No space left on device");
  EXPECT_TRUE(write_file("/dev/null", "x").ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

// A limit on the size of files stands for a full disk: the write stops in the middle.
TEST_F(File, FailedWriteLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 1000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = write_file(path("a"), std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "expected a file that can be written; found: File too large");
  EXPECT_EQ(*read_file(path("a")), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, ModeIsKeptAndLinksAreFollowed) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  ASSERT_EQ(chmod(path("a").c_str(), 0640), 0);
  std::filesystem::create_symlink("a", path("link"));
  ASSERT_TRUE(write_file(path("link"), "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(*read_file(path("a")), "new");
  struct stat about = {};
  ASSERT_EQ(stat(path("a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0640u);
}

}  // namespace
}  // namespace turnhalle
