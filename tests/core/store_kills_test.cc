// Programs that record are killed at any moment: what was acknowledged is there. More kills:
// `store_kills --kills 10000`.
#include <gtest/gtest.h>

#include "tests/core/store_kills.h"
#include "tests/test_folder.h"

namespace turnhalle {
namespace {

TEST(StoreKills, LoseNoAcknowledgedTurnAndResumeToTheSameDigest) {
  const TestFolder folder(memory_folder());
  const KillReport report = kill_recorders({.folder = folder.path(), .kills = 200, .seed = 13});
  EXPECT_EQ(report.problem, "");
  EXPECT_EQ(report.kills, 200);
  EXPECT_GT(report.acknowledged, 200);
  EXPECT_GT(report.runs, 3);
}

TEST(StoreKills, FindAProgramThatAcknowledgesTooEarly) {
  const TestFolder folder(memory_folder());
  const KillReport report = kill_recorders({.folder = folder.path(),
                                            .kills = 200,
                                            .seed = 13,
                                            .plant = KillPlant::early_acknowledgement});
  EXPECT_EQ(report.problem, "an acknowledged turn is lost");
}

}  // namespace
}  // namespace turnhalle
