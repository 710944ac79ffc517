// Thousands of random histories, held against the promises.
//
// SHACAST_SEED=n runs the history of one seed, and prints what happens in it.
// SHACAST_HISTORIES=n runs more of them, or fewer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "history_run.h"

namespace history {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, KeepsThePromisesInEveryHistory) {
  const uint64_t one = FromEnvironment("SHACAST_SEED", 0);
  const uint64_t count = FromEnvironment("SHACAST_HISTORIES", 20'000);
  Tally tally;
  for (uint64_t seed = one == 0 ? 1 : one; seed <= (one == 0 ? count : one); ++seed) {
    const History history = Make(seed, ScenarioOf(seed));
    std::string trace;
    const Outcome outcome = Play(history, Policy(), one == 0 ? nullptr : &trace);
    tally.Add(outcome.tally);
    if (one != 0) std::cout << trace;
    ASSERT_EQ(outcome.violation, "") << Report(seed, history, Policy());
  }
  std::cout << tally.Words() << "\n";
}

}  // namespace
}  // namespace history
