// From a seed to a history, from a history to a verdict, and from a long history that breaks a
// promise to a short one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "history_judge.h"
#include "history_policy.h"
#include "history_world.h"

namespace history {

struct History {
  Scenario scenario;
  std::vector<Step> steps;
};

// A history of a kind that `seed` chooses. `imitators`: scripts that imitate the server's NOSCRIPT.
Scenario ScenarioOf(uint64_t seed);
History Make(uint64_t seed, const Scenario& scenario, size_t steps = 160);

struct Outcome {
  std::string violation;  // "" = all promises held
  Tally tally;
};
Outcome Play(const History& history, const Policy& policy, std::string* trace = nullptr);

// Cuts steps away for as long as the same promise stays broken.
History Shrink(History history, const Policy& policy);

// What to print of a broken promise: the seed, the shortest history, and what happened in it.
std::string Report(uint64_t seed, const History& history, const Policy& policy);

}  // namespace history
