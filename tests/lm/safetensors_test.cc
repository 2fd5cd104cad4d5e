// Round trips, and the attacks M01 to M04 on the header.
#include "agents/lm/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/file.h"

namespace turnhalle::lm {
namespace {

using testing::HasSubstr;

std::string path_of(const std::string& name) {
  const std::string folder = testing::TempDir() + "safetensors_test";
  std::filesystem::create_directories(folder);
  return folder + "/" + name;
}

std::string write_bytes(const std::string& bytes) {
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string path = path_of(test + ".safetensors");
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string length_prefix(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(length >> (8 * i) & 0xFF);
  }
  return bytes;
}

/// A file with this header and `data_bytes` zero bytes of data.
std::string file_with(const std::string& header, std::size_t data_bytes) {
  return write_bytes(length_prefix(header.size()) + header + std::string(data_bytes, '\0'));
}

/// The message with which a file is refused; "" when it is read.
std::string refusal(const std::string& path) {
  const auto file = SafetensorsFile::open(path);
  if (file.ok()) {
    return "";
  }
  EXPECT_THAT(file.error().text(), HasSubstr(path));
  return file.error().text();
}

std::string refusal(const std::string& header, std::size_t data_bytes) {
  return refusal(file_with(header, data_bytes));
}

std::vector<TensorView> sample(std::span<const float> numbers, std::span<const std::int64_t> ids) {
  return {{"w.weight", DType::f32, {2, 3}, std::as_bytes(numbers)},
          {"empty", DType::u8, {0, 4}, {}},
          {"ids", DType::i64, {2}, std::as_bytes(ids)}};
}

const std::vector<float> numbers = {1, 2, 3, 4, 5, 6.5F};
const std::vector<std::int64_t> ids = {-7, 8};

TEST(Safetensors, what_is_written_is_read) {
  const std::string path = path_of("round.safetensors");
  ASSERT_TRUE(write_safetensors(path, sample(numbers, ids), {{"step", "12"}}).ok());
  const auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().text();
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->metadata().at("step"), "12");
  ASSERT_EQ(file->tensors().size(), 3u);
  const TensorView* weight = file->find("w.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(weight->dtype, DType::f32);
  ASSERT_EQ(weight->data.size(), 24u);
  EXPECT_EQ(std::memcmp(weight->data.data(), numbers.data(), 24), 0);
  EXPECT_EQ(file->find("empty")->data.size(), 0u);
  EXPECT_EQ(file->find("nothing"), nullptr);
}

TEST(Safetensors, views_outlive_moves_of_the_file) {
  const std::string path = path_of("moved.safetensors");
  ASSERT_TRUE(write_safetensors(path, sample(numbers, ids)).ok());
  std::vector<SafetensorsFile> files;
  files.push_back(SafetensorsFile::open(path).value());
  const TensorView kept = *files[0].find("ids");
  const SafetensorsFile moved = std::move(files[0]);
  files.clear();
  EXPECT_EQ(std::memcmp(kept.data.data(), ids.data(), 16), 0);
  EXPECT_EQ(moved.find("ids")->data.data(), kept.data.data());
}

TEST(Safetensors, equal_tensors_give_equal_files_and_no_traces) {
  const std::string folder = path_of("equal");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string one = folder + "/one.safetensors";
  const std::string two = folder + "/two.safetensors";
  ASSERT_TRUE(write_safetensors(one, sample(numbers, ids)).ok());
  ASSERT_TRUE(write_safetensors(two, sample(numbers, ids)).ok());
  ASSERT_TRUE(write_safetensors(two, sample(numbers, ids)).ok());
  EXPECT_EQ(read_file(one).value(), read_file(two).value());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(entry.path().extension(), ".safetensors") << "left behind";
  }
}

TEST(Safetensors, a_folder_that_is_not_there_is_an_error) {
  const std::string path = path_of("none/x.safetensors");
  EXPECT_THAT(write_safetensors(path, {}).error().text(), HasSubstr(path));
  EXPECT_THAT(SafetensorsFile::open(path).error().text(), HasSubstr("No such file"));
  EXPECT_THAT(SafetensorsFile::open(path_of("")).error().text(), HasSubstr("regular file"));
}

TEST(SafetensorsAttack, M01_length_of_the_header) {
  EXPECT_THAT(refusal(write_bytes("")), HasSubstr("empty"));
  for (std::size_t bytes = 1; bytes < 8; ++bytes) {
    EXPECT_THAT(refusal(write_bytes(std::string(bytes, '\1'))), HasSubstr("found only"));
  }
  EXPECT_THAT(refusal(write_bytes(length_prefix(~0ull) + "{}")), HasSubstr("give a header"));
  EXPECT_NE(refusal(write_bytes(length_prefix(3) + "{}")), "");
  EXPECT_NE(refusal(write_bytes(length_prefix(100'000'001) + "{}")), "");
  EXPECT_NE(refusal(write_bytes(length_prefix(0))), "");
  EXPECT_EQ(refusal(write_bytes(length_prefix(2) + "{}")), "");
}

TEST(SafetensorsAttack, M02_offsets) {
  const auto two = [](const std::string& first, const std::string& second) {
    const std::string head = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)";
    return head + first + R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(refusal(two("[0,4]", "[4,8]"), 8), "");
  EXPECT_EQ(refusal(two("[4,8]", "[0,4]"), 8), "");
  EXPECT_THAT(refusal(two("[0,4]", "[3,7]"), 8), HasSubstr("overlaps"));
  EXPECT_THAT(refusal(two("[0,4]", "[0,4]"), 8), HasSubstr("overlaps"));
  EXPECT_THAT(refusal(two("[0,4]", "[5,9]"), 9), HasSubstr("hole"));
  EXPECT_THAT(refusal(two("[1,5]", "[5,9]"), 9), HasSubstr("hole"));
  EXPECT_THAT(refusal(two("[4,0]", "[4,8]"), 8), HasSubstr("data_offsets"));
  EXPECT_THAT(refusal(two("[-4,0]", "[0,4]"), 8), HasSubstr("data_offsets"));
  EXPECT_THAT(refusal(two("[0,4]", "[4,8]"), 7), HasSubstr("take 8 bytes"));
  EXPECT_THAT(refusal(two("[0,4]", "[4,8]"), 9), HasSubstr("take 8 bytes"));
  EXPECT_NE(refusal(two("[0,4]", "[4,18446744073709551615]"), 8), "");
  EXPECT_NE(refusal(two("[0,4]", "[4]"), 8), "");
  EXPECT_NE(refusal(two("[0,4]", "[4,8.0]"), 8), "");
}

TEST(SafetensorsAttack, M03_shapes_and_dtypes) {
  const auto one = [](const std::string& dtype, const std::string& shape, std::size_t bytes) {
    return refusal(R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape +
                       R"(,"data_offsets":[0,)" + std::to_string(bytes) + "]}}",
                   bytes);
  };
  EXPECT_EQ(one("F32", "[2,2]", 16), "");
  EXPECT_EQ(one("F32", "[]", 4), "");
  EXPECT_EQ(one("F32", "[0,9223372036854775807]", 0), "");
  EXPECT_THAT(one("F32", "[4294967296,4294967296]", 0), HasSubstr("shape"));
  EXPECT_THAT(one("F32", "[4611686018427387904,4]", 0), HasSubstr("shape"));
  EXPECT_THAT(one("F32", "[-1,-4]", 16), HasSubstr("shape"));
  EXPECT_THAT(one("F32", "[3]", 16), HasSubstr("does not take the bytes"));
  EXPECT_THAT(one("F4", "[3]", 2), HasSubstr("expected dtype"));
  EXPECT_THAT(one("f32", "[4]", 16), HasSubstr("expected dtype"));
  std::string many = "[1";
  for (int i = 0; i < 1'000'000; ++i) {
    many += ",1";
  }
  EXPECT_THAT(one("U8", many + "]", 1), HasSubstr("at most 16 sizes"));
}

TEST(SafetensorsAttack, M04_json_of_the_header) {
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_EQ(refusal(R"({"a":)" + entry + "}", 1), "");
  EXPECT_EQ(refusal(R"({"a":)" + entry + "}   ", 1), "");
  EXPECT_THAT(refusal(R"({"a":)" + entry + R"(,"a":)" + entry + "}", 1),
              HasSubstr("each key once"));
  EXPECT_NE(refusal(R"({"a":)" + std::string(100000, '['), 1), "");
  EXPECT_NE(refusal(std::string(R"({"a)") + '\0' + R"(":)" + entry + "}", 1), "");
  EXPECT_NE(refusal("{\"a\xff\":" + entry + "}", 1), "");
  for (const char* name : {"../x", "a/b", "a\\\\b", "", "a b", "a\\u0000b", "a..b"}) {
    EXPECT_THAT(refusal(R"({")" + std::string(name) + R"(":)" + entry + "}", 1),
                testing::AnyOf(HasSubstr("tensor name"), HasSubstr("NUL")))
        << name;
  }
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})", 0), HasSubstr("expected texts"));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})", 0), HasSubstr("expected an object"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1),
              HasSubstr("expected dtype, shape and data_offsets"));
  EXPECT_NE(refusal("[]", 0), "");
  EXPECT_NE(refusal("{} x", 0), "");
}

TEST(SafetensorsAttack, M04_too_many_tensors) {
  std::string header = "{";
  for (int i = 0; i <= 100'000; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  }
  EXPECT_THAT(refusal(header + "}", 0), HasSubstr("at most 100000 tensors"));
}

class Sharded : public testing::Test {
 protected:
  Sharded() {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const std::vector<TensorView> all = sample(numbers, ids);
    write("model-1.safetensors", {all[0]});
    write("model-2.safetensors", {all[1], all[2]});
  }
  void write(const std::string& name, const std::vector<TensorView>& tensors) {
    EXPECT_TRUE(write_safetensors(folder + "/" + name, tensors).ok());
  }
  auto open(const std::string& weight_map) {
    std::ofstream(folder + "/model.safetensors.index.json")
        << R"({"metadata":{},"weight_map":)" + weight_map + "}";
    return open_model_weights(folder);
  }
  const std::string folder =
      path_of(testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Sharded, every_shard_is_opened_once) {
  const auto files = open(R"({"w.weight":"model-1.safetensors","empty":"model-2.safetensors",
                              "ids":"model-2.safetensors"})");
  ASSERT_TRUE(files.ok()) << files.error().text();
  EXPECT_EQ(files->size(), 2u);
}

TEST_F(Sharded, an_index_that_disagrees_is_refused) {
  EXPECT_THAT(open(R"({"w.weight":"model-1.safetensors","ids":"model-2.safetensors"})")
                  .error().text(),
              HasSubstr("empty is not where"));
  EXPECT_THAT(open(R"({"w.weight":"model-1.safetensors","x":"model-1.safetensors"})")
                  .error().text(),
              HasSubstr("has no tensor x"));
  EXPECT_THAT(open(R"({"w.weight":"../model-1.safetensors"})").error().text(),
              HasSubstr("expected the name of a .safetensors file"));
  EXPECT_THAT(open("[]").error().text(), HasSubstr("weight_map"));
}

TEST_F(Sharded, without_an_index_the_one_file_is_read) {
  EXPECT_THAT(open_model_weights(folder).error().text(), HasSubstr("model.safetensors"));
  write("model.safetensors", sample(numbers, ids));
  EXPECT_EQ(open_model_weights(folder)->size(), 1u);
}

}  // namespace
}  // namespace turnhalle::lm
