// The oracle: what a server says to random commands, and what shacast before another one says.
//
// ORACLE_COMMANDS=n how many commands; ORACLE_SEED=n where the streams begin, each of which has
// a seed of its own. Without them so many as are done within some seconds.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/oracle_run.h"

namespace {

using namespace support;

constexpr size_t kCommandsOfAStream = 1500;
constexpr size_t kMostDifferences = 3;

long long FromEnvironment(const char* name, long long otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr || *given == '\0' ? otherwise : std::atoll(given);
}

TEST(Oracle, ShacastSaysWhatTheServerSays) {
  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                            began)
        .count();
  };
  const long long wanted = FromEnvironment("ORACLE_COMMANDS", 0);
  const auto first = static_cast<uint32_t>(FromEnvironment("ORACLE_SEED", 1));
  constexpr long long kSeconds = 12;
  OracleRun run;
  size_t commands = 0;
  size_t differences = 0;
  uint32_t seed = first;
  const auto more = [&] {
    if (differences >= kMostDifferences) return false;
    return wanted > 0 ? commands < static_cast<size_t>(wanted) : seconds() < kSeconds;
  };
  for (size_t told = 0; more(); ++seed) {
    const OracleStream stream = MakeOracleStream(seed, kCommandsOfAStream);
    const auto found = run.Play(stream);
    commands += stream.commands();
    if (found) {
      ++differences;
      ADD_FAILURE() << found->Told();
      const auto least = run.Shrink(*found, milliseconds(20'000));
      std::cout << (least ? "With fewer commands:\n" + least->Told()
                          : "It does not show when the same stream is played again.\n")
                << std::flush;
    }
    if (commands / 250'000 > told) {
      told = commands / 250'000;
      std::cout << commands << " commands, up to seed " << seed << ", " << seconds() << " s\n"
                << std::flush;
    }
  }
  std::cout << commands << " commands in " << seed - first << " streams, seeds " << first << " to "
            << seed - 1 << ", with " << Server().version << ", in " << seconds()
            << " s: " << differences << " differences\n";
}

}  // namespace
