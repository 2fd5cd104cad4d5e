// Seeds of the simulation, and the mistakes that its checkers must find.
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

#include <tuple>

#include "envs/all.h"

namespace turnhalle::simulation {
namespace {

constexpr std::uint64_t kSeeds = 120;

class SimulatedSeeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulatedSeeds, HoldUnderEveryChecker) {
  for (std::uint64_t seed = GetParam(); seed < kSeeds; seed += 4) {
    const auto failure = run_seed(TURNHALLE_SOURCE_DIR, seed);
    ASSERT_FALSE(failure) << "it does not hold that " << failure->rule << "\n"
                          << failure->detail << "\nagain: " << failure->repeat;
  }
}

INSTANTIATE_TEST_SUITE_P(Residues, SimulatedSeeds, testing::Range<std::uint64_t>(0, 4));

class EnvironmentUnderFault : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(EnvironmentUnderFault, HoldsUnderEveryChecker) {
  const auto& [environment, kind] = GetParam();
  const auto failure = run_fault(TURNHALLE_SOURCE_DIR, environment, static_cast<FaultKind>(kind));
  ASSERT_FALSE(failure) << "it does not hold that " << failure->rule << "\n"
                        << failure->detail << "\nagain: " << failure->repeat;
}

INSTANTIATE_TEST_SUITE_P(Matrix, EnvironmentUnderFault,
                         testing::Combine(testing::ValuesIn(all_environments().names()),
                                          testing::Range(0, kFaultKinds)),
                         [](const auto& item) {
                           const auto kind = static_cast<FaultKind>(std::get<1>(item.param));
                           return std::get<0>(item.param) + "_" +
                                  std::string(turnhalle::name_of(kind));
                         });

// The checkers of a row see faults that nobody wrote down.
TEST(SilentFaults, AreFoundInEveryKind) {
  for (int kind = 0; kind < kFaultKinds; ++kind) {
    const auto failure = run_fault(TURNHALLE_SOURCE_DIR, "frozen_lake_obscure",
                                   static_cast<FaultKind>(kind), Plant::silent_fault);
    ASSERT_TRUE(failure) << turnhalle::name_of(static_cast<FaultKind>(kind));
    EXPECT_NE(failure->rule, "the fault is injected at all");
    EXPECT_EQ(failure->repeat.find("simulation --environment frozen_lake_obscure --fault "), 0u);
  }
}

class PlantedMistake : public testing::TestWithParam<int> {};

TEST_P(PlantedMistake, IsFoundAndRepeatsByItsCommand) {
  const Plant plant = static_cast<Plant>(GetParam());
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    if (const auto failure = run_seed(TURNHALLE_SOURCE_DIR, seed, plant)) {
      EXPECT_EQ(failure->repeat, "simulation --first " + std::to_string(seed) +
                                     " --seeds 1 --plant " + name_of(plant));
      EXPECT_TRUE(run_seed(TURNHALLE_SOURCE_DIR, seed, plant)) << "and again";
      return;
    }
  }
  FAIL() << "sixty seeds do not find " << name_of(plant);
}

INSTANTIATE_TEST_SUITE_P(Plants, PlantedMistake, testing::Range(1, kPlants),
                         [](const auto& item) { return name_of(static_cast<Plant>(item.param)); });

}  // namespace
}  // namespace turnhalle::simulation
