// Waiting for something to become true: the only place of the system tests that sleeps.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace support {

using std::chrono::milliseconds;

// How many times longer everything may take: SHACAST_TEST_PATIENCE, for sanitizers and slow
// machines.
inline int PatienceFactor() {
  static const int factor = [] {
    const char* text = std::getenv("SHACAST_TEST_PATIENCE");
    const int given = text == nullptr ? 1 : std::atoi(text);
    return given > 0 ? given : 1;
  }();
  return factor;
}

// What nothing healthy ever needs. A test that fails waits so long, one that passes never does.
inline milliseconds Patience() {
  return milliseconds(20'000) * PatienceFactor();
}

// True as soon as `condition` is; false if it was not within `deadline`.
template <typename Condition>
bool WaitUntil(Condition condition, milliseconds deadline = Patience()) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (milliseconds pause(1);; pause = std::min(2 * pause, milliseconds(20))) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace support
