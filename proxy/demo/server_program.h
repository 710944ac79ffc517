// Where is a server program on this machine?
//
// `redis-server`, else `valkey-server`, as the shell would find them. Else Debian's redis-tools:
// its programs are one file that looks at its own name, so the package is enough, and no service of
// the package redis-server was ever started.
//
// Pure but for looking at the file system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace demo {

struct ServerProgram {
  std::string path;
  std::string name;  // what it is to be called as (argv[0])
};

inline constexpr std::string_view kToolsProgram = "/usr/bin/redis-check-rdb";

// `search_path` is the PATH variable, `tools` the file to fall back on.
std::optional<ServerProgram> FindServerProgram(std::string_view search_path,
                                               std::string_view tools = kToolsProgram);

// What was looked for, and how to install it, if nothing was found.
std::string NoServerProgramWords(std::string_view search_path);

}  // namespace demo
