// The scripts of the histories, and what they do when they run.
#pragma once

#include <string>
#include <vector>

#include "replication/script_registry.h"

namespace history {

using ScriptId = int;

enum class Nature : uint8_t {
  kWrites,
  kReads,         // but nobody can know: no flags
  kFlaggedReads,  // #!lua flags=no-writes
  kFails,         // writes, then an error that shows that it was running
  kImitates,      // writes, then at every second call the server's own NOSCRIPT, word for word
  kBroken,        // does not compile
};

struct Script {
  Nature nature;
  replication::ScriptRef body;
  std::string running_error;   // kFails
  std::string readonly_error;  // a write on a replica
  std::string ro_error;        // a write under an _RO command
};

// Those that clients call come first, then those that only foreign clients use.
inline constexpr int kClientScripts = 9;
inline constexpr int kScriptCount = 16;

inline const std::vector<Script>& Scripts() {
  static const std::vector<Script> scripts = [] {
    constexpr Nature kNatures[kClientScripts] = {
        Nature::kWrites,       Nature::kWrites, Nature::kWrites,   Nature::kReads, Nature::kReads,
        Nature::kFlaggedReads, Nature::kFails,  Nature::kImitates, Nature::kBroken};
    std::vector<Script> all;
    for (int i = 0; i < kScriptCount; ++i) {
      const Nature nature = i < kClientScripts ? kNatures[i] : Nature::kReads;
      std::string text = nature == Nature::kFlaggedReads ? "#!lua flags=no-writes\n" : "";
      text += "return '" + std::to_string(i) + "'";
      if (nature == Nature::kImitates) text += " -- or NOSCRIPT";
      auto body = std::make_shared<const replication::ScriptBody>(text);
      const std::string mark = " script: " + body->sha.ToString() + ", on @user_script:1.";
      all.push_back({nature, body, "ERR value is not an integer or out of range" + mark,
                     "READONLY You can't write against a read only replica." + mark,
                     "ERR Write commands are not allowed from read-only scripts." + mark});
    }
    return all;
  }();
  return scripts;
}

// How the traces call it.
inline std::string NameOf(ScriptId script) {
  static const char* const kNames[kClientScripts] = {"W0", "W1", "W2", "R3", "R4",
                                                     "N5", "F6", "I7", "B8"};
  return script < 0 ? "-" : script < kClientScripts ? kNames[script] : "x" + std::to_string(script);
}

inline bool Writes(Nature nature) {
  return nature == Nature::kWrites || nature == Nature::kFails || nature == Nature::kImitates;
}

}  // namespace history
