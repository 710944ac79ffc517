#include "config/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "config/quoting.h"
#include "config/units.h"

namespace config {

namespace {

// No password is that long; the bound is for a path that leads to something else, like /dev/zero.
constexpr size_t kMostPasswordBytes = 64u << 10;

std::string ErrnoWords() {
  return std::generic_category().message(errno);
}

Parsed<std::string> ReadPassword(const std::string& path) {
  using Result = Parsed<std::string>;
  Parsed<std::string> text = ReadWholeFile(path, kMostPasswordBytes);
  if (!text) return Result::Wrong("cannot read " + Shown(path) + ": " + text.words);
  std::string password = std::move(*text.value);
  const size_t newline = password.ends_with("\r\n") ? 2 : password.ends_with('\n') ? 1 : 0;
  password.resize(password.size() - newline);
  if (password.empty()) return Result::Wrong(Shown(path) + " holds no password, it is empty");
  return Result::Ok(std::move(password));
}

}  // namespace

Parsed<std::string> ReadWholeFile(const std::string& path, size_t max_bytes) {
  using Result = Parsed<std::string>;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Result::Wrong(ErrnoWords());
  std::string text;
  char buffer[16 * 1024];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof buffer)) != 0 && text.size() <= max_bytes) {
    if (got > 0) {
      text.append(buffer, static_cast<size_t>(got));
    } else if (errno != EINTR) {
      break;
    }
  }
  const std::string words = got < 0 ? ErrnoWords() : "";
  close(fd);
  if (!words.empty()) return Result::Wrong(words);
  if (text.size() > max_bytes) return Result::Wrong("larger than " + FormatSize(max_bytes));
  return Result::Ok(std::move(text));
}

void ReadPasswordFiles(Draft& draft) {
  Settings& settings = draft.loaded.settings;
  const Origins& origins = draft.loaded.origins;
  if (!settings.upstream.password_file.empty() && draft.Sound({"upstream.password_file"})) {
    Parsed<std::string> password = ReadPassword(settings.upstream.password_file);
    if (password) {
      settings.upstream.password = std::move(*password.value);
    } else {
      draft.Complain(origins.Find("upstream.password_file")->place,
                     "upstream.password_file: " + password.words);
      draft.broken.insert("upstream.password_file");
    }
  }
  for (size_t i = 0; i < settings.proxy.users.size() && draft.Sound({"proxy.users"}); ++i) {
    User& user = settings.proxy.users[i];
    Parsed<std::string> password = ReadPassword(user.password_file);
    if (password) {
      user.password = std::move(*password.value);
    } else {
      draft.Complain(origins.Find("proxy.users")->items[i], "proxy.users: " + password.words);
    }
  }
}

void CheckLogFile(Draft& draft) {
  const std::string& file = draft.loaded.settings.log.file;
  if (file.empty() || !draft.Sound({"log.file"})) return;
  const Place& place = draft.loaded.origins.Find("log.file")->place;
  const std::filesystem::path path(file);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    draft.Complain(place, "log.file: " + Shown(file) + " is a folder");
  } else if (!std::filesystem::is_directory(folder, ignored)) {
    draft.Complain(place, "log.file: the folder " + Shown(folder.string()) + " does not exist");
  }
}

}  // namespace config
