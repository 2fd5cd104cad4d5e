#include "core/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

using ::testing::HasSubstr;

StoredTurn turn_of(const std::string& reply, const std::string& observation) {
  StoredTurn turn;
  turn.reply.text = reply;
  turn.result.observation = observation;
  return turn;
}

// Three episodes: a success, an update that goes on and fails, and one that broke down.
std::vector<StoredEpisode> three_episodes() {
  std::vector<StoredEpisode> episodes(3);
  episodes[0].start.messages = {{Role::system, "rules", {}, {}}, {Role::user, "map", {}, {}}};
  episodes[0].start.context = "hint";
  episodes[0].turns = {turn_of("left", "moved"), turn_of("right", "goal")};
  episodes[0].turns[0].reply.tool_calls = {{"c1", "look", {{"x", 1}}}};
  episodes[0].turns[0].result.tool_results = {{Role::tool, "a wall", {}, "c1"}};
  episodes[0].end = EpisodeEnd{Outcome::done, 0.75, true, {}, "won"};
  episodes[1].start.kind = EpisodeKind::update_context;
  episodes[1].start.position = 1;
  episodes[1].start.continues = true;
  episodes[1].start.messages = {{Role::user, "new hint?", {}, {}}};
  episodes[1].turns = {turn_of("nonsense", "")};
  episodes[1].end = EpisodeEnd{Outcome::done, 0.0, false, {}, ""};
  episodes[2].start.messages = {{Role::user, "map 2", {}, {}}};
  episodes[2].turns = {turn_of("up", "")};
  episodes[2].end = EpisodeEnd{Outcome::infrastructure_error, std::nullopt, false, {}, ""};
  return episodes;
}

class ExportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = std::move(Store::create(folder_.file("s.sqlite"), sample_run())).value();
    record(*store->recorder({0}), three_episodes());
    ASSERT_TRUE(store->close().ok());
  }
  // The rows that a format gives.
  std::vector<Json> rows(const std::string& format) {
    const auto store = std::move(StoreReader::open(folder_.file("s.sqlite"))).value();
    const auto report = export_store(store, format, folder_.file("out"));
    EXPECT_TRUE(report.ok());
    std::vector<Json> lines;
    std::string text = read_file(folder_.file("out")).value();
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      lines.push_back(Json::parse(text.substr(0, end)));
      text.erase(0, end + 1);
    }
    EXPECT_EQ(report->rows, static_cast<std::int64_t>(lines.size()));
    EXPECT_EQ(report->files, std::vector<std::string>{folder_.file("out")});
    return lines;
  }
  TestFolder folder_;
};

std::string roles(const Json& messages) {
  std::string text;
  for (const Json& message : messages) {
    text += message["role"].get<std::string>().substr(0, 1);
  }
  return text;
}

TEST_F(ExportTest, JsonlHasOneEpisodeALine) {
  const auto lines = rows("jsonl");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["reward"], 0.75);
  EXPECT_EQ(lines[0]["context"], "hint");
  EXPECT_EQ(roles(lines[0]["messages"]), "suatua");
  EXPECT_EQ(lines[0]["messages"][2]["tool_calls"][0]["function"]["arguments"], R"({"x":1})");
  EXPECT_EQ(lines[0]["messages"][3]["tool_call_id"], "c1");
  EXPECT_EQ(lines[1]["kind"], "update_context");
  EXPECT_EQ(roles(lines[1]["messages"]), "ua");
  EXPECT_TRUE(lines[2]["reward"].is_null());
  EXPECT_EQ(lines[2]["outcome"], "infrastructure_error");
}

TEST_F(ExportTest, SftHasOnlyWhatSucceeded) {
  const auto lines = rows("sft");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(roles(lines[0]["messages"]), "suatua");
}

TEST_F(ExportTest, TrlSplitsAtTheFirstReplyAndLeavesOutEpisodesWithoutReward) {
  const auto lines = rows("trl");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(roles(lines[0]["prompt"]), "su");
  EXPECT_EQ(roles(lines[0]["completion"]), "atua");
  EXPECT_EQ(roles(lines[1]["prompt"]), "suatuau");
  EXPECT_EQ(lines[1]["completion"][0]["content"], "nonsense");
  EXPECT_EQ(lines[1]["reward"], 0.0);
}

TEST_F(ExportTest, VerlHasItsFiveColumns) {
  const auto lines = rows("verl");
  ASSERT_EQ(lines.size(), 2U);
  for (const char* key : {"data_source", "prompt", "ability", "reward_model", "extra_info"}) {
    EXPECT_TRUE(lines[0].contains(key)) << key;
  }
  EXPECT_EQ(lines[0]["extra_info"]["split"], "train");
}

TEST_F(ExportTest, WrongFormatAndPathAreErrors) {
  const auto store = std::move(StoreReader::open(folder_.file("s.sqlite"))).value();
  EXPECT_THAT(export_store(store, "jsonll", folder_.file("out")).error().text(),
              HasSubstr("Did you mean \"jsonl\"?"));
  EXPECT_THAT(export_store(store, "sft", folder_.file("none/out")).error().text(),
              HasSubstr("No such file"));
}

TEST_F(ExportTest, DamagedLifecycleIsNotExported) {
  ASSERT_TRUE(RawDatabase(folder_.file("s.sqlite"))
                  .run("UPDATE chunks SET turns = json_set(turns, '$[0].reply', 'other')"));
  const auto store = std::move(StoreReader::open(folder_.file("s.sqlite"))).value();
  EXPECT_THAT(export_store(store, "sft", folder_.file("out")).error().text(),
              HasSubstr("lifecycle 0 is damaged"));
}

}  // namespace
}  // namespace turnhalle
