// The command line: what was asked for, or how to end at once.
//
// CLI11 behind one .cc. No thread; start-up only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/loader.h"

namespace proxy {

// Exit statuses, the same for every way to start shacast.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;          // it ran, and something went wrong
inline constexpr int kExitUsage = 2;           // the command line
inline constexpr int kExitConfiguration = 78;  // the configuration (EX_CONFIG)

struct CommandLine {
  enum class Mode { kServe, kCheckConfig, kPrintConfig, kDemo };
  Mode mode = Mode::kServe;
  std::optional<std::string> config_file;
  config::Flags flags;
  bool demo_once = false;
};

// Returns nullopt if there is nothing (more) to do: `exit_status` says how to end, and what there
// was to say has been printed.
std::optional<CommandLine> ParseCommandLine(int argc, char** argv, int* exit_status);

}  // namespace proxy
