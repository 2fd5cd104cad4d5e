// TensorBoard files byte by byte, and metrics.jsonl of resumed runs.
#include "trainers/metrics.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/text.h"
#include "tests/trainers/training_fixture.h"

namespace turnhalle {
namespace {

template <class T>
T little_endian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

std::uint32_t unmasked(std::uint32_t crc) {
  const std::uint32_t rotated = crc - 0xa282ead8U;
  return (rotated >> 17) | (rotated << 15);
}

// The payloads of a TFRecord file; both checksums of every record are checked.
std::vector<std::string> read_records(std::string_view bytes) {
  std::vector<std::string> records;
  while (bytes.size() >= 16) {
    const auto length = little_endian<std::uint64_t>(bytes);
    EXPECT_EQ(unmasked(little_endian<std::uint32_t>(bytes.substr(8))), crc32c(bytes.substr(0, 8)));
    const std::string_view data = bytes.substr(12, length);
    EXPECT_EQ(unmasked(little_endian<std::uint32_t>(bytes.substr(12 + length))), crc32c(data));
    records.emplace_back(data);
    bytes.remove_prefix(16 + length);
  }
  EXPECT_TRUE(bytes.empty());
  return records;
}

struct Scalar {
  std::uint64_t step = 0;
  std::string tag;
  float value = 0.0F;
};

std::uint64_t read_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[0]);
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

// Event{1: wall_time, 2: step, 5: summary{1: value{1: tag, 2: simple_value}}}.
Scalar read_scalar(std::string_view event) {
  Scalar scalar;
  EXPECT_EQ(event[0], 0x09);
  event.remove_prefix(9);
  EXPECT_EQ(read_varint(event), 0x10U);
  scalar.step = read_varint(event);
  EXPECT_EQ(read_varint(event), 0x2AU);
  const std::uint64_t summary = read_varint(event);
  EXPECT_EQ(summary, event.size());
  EXPECT_EQ(read_varint(event), 0x0AU);
  const std::uint64_t entry = read_varint(event);
  EXPECT_EQ(entry, event.size());
  EXPECT_EQ(read_varint(event), 0x0AU);
  const std::uint64_t length = read_varint(event);
  scalar.tag = std::string(event.substr(0, length));
  event.remove_prefix(length);
  EXPECT_EQ(read_varint(event), 0x15U);
  scalar.value = std::bit_cast<float>(little_endian<std::uint32_t>(event));
  EXPECT_EQ(event.size(), 4U);
  return scalar;
}

std::string only_event_file(const TestFolder& folder) {
  std::vector<std::string> files;
  for (const auto& item : std::filesystem::directory_iterator(folder.file("tb"))) {
    files.push_back(item.path().string());
  }
  EXPECT_EQ(files.size(), 1U);
  return files.front();
}

// Check values of RFC 3720, appendix B.4, and of the CRC catalogue.
TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(TensorBoard, ARecordIsFramedAsTfRecord) {
  // Length 3 and "abc"; CRC-32C of "abc" is 0x364b3fb7, masked 0x21f1576e.
  const std::string record = tensorboard_record("abc");
  EXPECT_EQ(record.size(), 19U);
  EXPECT_EQ(hex(record.substr(0, 8)), "0300000000000000");
  EXPECT_EQ(record.substr(12, 3), "abc");
  EXPECT_EQ(crc32c("abc"), 0x364b3fb7U);
  EXPECT_EQ(hex(record.substr(15)), "6e57f121");
  EXPECT_EQ(read_records(record), std::vector<std::string>{"abc"});
}

TEST(TensorBoard, AScalarHasTheGoldenBytes) {
  EXPECT_EQ(hex(tensorboard_scalar(1.0, 300, "a/b", 0.5F)),
            "09000000000000f03f"   // wall time 1.0
            "10ac02"               // step 300
            "2a0c" "0a0a"          // summary, its value
            "0a03612f62"           // tag a/b
            "150000003f");         // 0.5
}

TEST(TensorBoard, AFileReadsBack) {
  const TestFolder folder;
  {
    const auto writer = TensorBoardWriter::create(folder.file("tb"), 12.5, "x").value();
    writer->scalar(12.5, 1, "loss", 0.25);
    writer->scalar(13.5, 200, "loss", -2.0);
    writer->flush();
  }
  const std::string file = only_event_file(folder);
  EXPECT_TRUE(file.ends_with("/events.out.tfevents.0000000012.x"));
  const std::vector<std::string> records = read_records(bytes_of_file(file));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(records[0].ends_with("brain.Event:2"));
  const Scalar second = read_scalar(records[2]);
  EXPECT_EQ(second.step, 200U);
  EXPECT_EQ(second.tag, "loss");
  EXPECT_EQ(second.value, -2.0F);
}

TEST(Metrics, AliasesOfTrlStandBesideVerlsNames) {
  StepMetrics metrics = {{"critic/rewards/mean", 0.5}, {"actor/grad_norm", 2.0}};
  add_trl_aliases(metrics);
  EXPECT_EQ(metrics.at("reward"), 0.5);
  EXPECT_EQ(metrics.at("grad_norm"), 2.0);
  EXPECT_EQ(metrics.size(), 4U);
}

TEST(Metrics, ALineAndAScalarAreWrittenForEveryNumber) {
  const TestFolder folder;
  {
    const auto log = MetricsLog::open(folder.path(), 0).value();
    ASSERT_TRUE(log->write(1, "imitate", {{"loss", 0.5}, {"rate", 2.0}}));
    ASSERT_TRUE(log->write(2, "reinforce",
                           {{"loss", std::numeric_limits<double>::quiet_NaN()},
                            {"norm", std::numeric_limits<double>::infinity()}}));
  }
  EXPECT_EQ(bytes_of_file(folder.file("metrics.jsonl")),
            "{\"loss\":0.5,\"phase\":\"imitate\",\"rate\":2.0,\"step\":1}\n"
            "{\"loss\":null,\"norm\":null,\"phase\":\"reinforce\",\"step\":2}\n");
  EXPECT_EQ(read_records(bytes_of_file(only_event_file(folder))).size(), 3U);
}

TEST(Metrics, LinesOfStepsThatAreComputedAgainAreDropped) {
  const TestFolder folder;
  {
    const auto log = MetricsLog::open(folder.path(), 0).value();
    for (std::int64_t step = 1; step <= 5; ++step) {
      ASSERT_TRUE(log->write(step, "imitate", {{"loss", 1.0 / static_cast<double>(step)}}));
    }
  }
  const std::string before = bytes_of_file(folder.file("metrics.jsonl"));
  ASSERT_TRUE(write_file(folder.file("metrics.jsonl"), before + "{\"loss\":0.1,\"st"));
  {
    const auto log = MetricsLog::open(folder.path(), 3).value();
    ASSERT_TRUE(log->write(4, "imitate", {{"loss", 7.0}}));
  }
  const std::string after = bytes_of_file(folder.file("metrics.jsonl"));
  const std::size_t kept = before.find("{\"loss\":0.25");
  EXPECT_EQ(after, before.substr(0, kept) + "{\"loss\":7.0,\"phase\":\"imitate\",\"step\":4}\n");
}

}  // namespace
}  // namespace turnhalle
