#include "proxy/demo/server_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace demo {
namespace {

bool IsProgram(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> InPath(std::string_view search_path, const std::string& name) {
  while (!search_path.empty()) {
    const size_t colon = std::min(search_path.find(':'), search_path.size());
    const std::string folder(search_path.substr(0, colon));
    search_path.remove_prefix(std::min(colon + 1, search_path.size()));
    const std::string path = (folder.empty() ? "." : folder) + "/" + name;
    if (IsProgram(path)) return path;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ServerProgram> FindServerProgram(std::string_view search_path,
                                               std::string_view tools) {
  for (const char* name : {"redis-server", "valkey-server"})
    if (const auto path = InPath(search_path, name)) return ServerProgram{*path, name};
  if (IsProgram(std::string(tools))) return ServerProgram{std::string(tools), "redis-server"};
  return std::nullopt;
}

std::string NoServerProgramWords(std::string_view search_path) {
  return "there is no Redis or Valkey server to show it with.\n"
         "  Looked for redis-server and valkey-server in PATH\n"
         "    (" +
         std::string(search_path) +
         ")\n"
         "  and for " +
         std::string(kToolsProgram) +
         ".\n"
         "  On Debian: apt-get install redis-tools\n"
         "  (it has the server too, under that last name, and starts no service).\n";
}

}  // namespace demo
