// What the tests of config/ share: complaints as lines, settings as text, a folder for one test.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "config/loader.h"
#include "config/rendering.h"
#include "config/schema.h"

namespace config {

using Lines = std::vector<std::string>;

inline Lines LinesOf(const LoadResult& result) {
  Lines lines;
  for (const Diagnostic& complaint : result.complaints()) lines.push_back(complaint.ToString());
  return lines;
}

// The complaints about a file named "f" with that text.
inline Lines ComplaintsAbout(std::string_view toml) {
  return LinesOf(LoadText(toml, "f"));
}

// Every setting as text, so that two Settings can be compared and a difference can be read.
// Passwords stand in it too.
inline std::string TextOf(const Settings& settings) {
  std::string text;
  for (const Row& row : Schema()) {
    text += row.Name() + " = " + RenderValue(row, settings) + "\n";
  }
  text += "password = " + settings.upstream.password + "\n";
  for (const User& user : settings.proxy.users) text += user.name + ": " + user.password + "\n";
  return text;
}

inline std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A folder that goes away with its contents.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config_test.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, std::string_view text) const {
    std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::string path_;
};

}  // namespace config
