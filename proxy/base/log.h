// One line for each thing an operator would ask about.
//
// A line is an event id that never changes ("topology.changed"), a sentence, and fields. As text
//   2026-11-25T10:00:00.123Z info  topology.changed  master is 127.0.0.1:7001  epoch=4 why="..."
// or as one JSON object a line. Event ids are part of the public interface: docs/logging.md.
//
// Any thread may log. A line is handed to one writer thread; when that cannot keep up the oldest
// lines are dropped and counted, a worker never waits for a disk. Keys, values, arguments and
// bodies of scripts are never logged, only sha1s, names and counts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, uint64_t v) : key(k), value(std::to_string(v)), number(true) {}
  Field(std::string_view k, int64_t v) : key(k), value(std::to_string(v)), number(true) {}
  Field(std::string_view k, uint32_t v) : Field(k, uint64_t{v}) {}
  Field(std::string_view k, int v) : Field(k, int64_t{v}) {}

  std::string_view key;
  std::string value;
  bool number = false;
};

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string file;  // "" = standard error
};

// Starts the writer. False, with the reason in `why`, if the file cannot be opened. Without Init()
// lines go nowhere, which is what a unit test wants.
bool Init(const Options& options, std::string* why);
// Opens the file anew, after it was moved away. No effect on standard error.
void Reopen();
// Writes what waits, and stops.
void Shutdown();

bool Enabled(Level level);
void Write(Level level, std::string_view event, std::string_view message,
           std::initializer_list<Field> fields = {});

inline void Debug(std::string_view event, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, event, message, fields);
}
inline void Info(std::string_view event, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, event, message, fields);
}
inline void Warn(std::string_view event, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Write(Level::kWarn, event, message, fields);
}
inline void Error(std::string_view event, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Write(Level::kError, event, message, fields);
}

// For lines that a busy hour could write by the thousand: so many a second are written, the others
// are counted. One thread's.
class Budget {
 public:
  explicit Budget(uint32_t lines_a_second) : most_(lines_a_second) {}

  // May a line be written now? `now_ms`: any clock that does not go back.
  bool Take(uint64_t now_ms) {
    if (now_ms - second_ms_ >= 1000) {
      second_ms_ = now_ms;
      used_ = 0;
    }
    if (used_ < most_) {
      ++used_;
      return true;
    }
    ++unsaid_;
    return false;
  }
  // Lines that were not written since the last call.
  uint64_t TakeUnsaid() {
    const uint64_t unsaid = unsaid_;
    unsaid_ = 0;
    return unsaid;
  }

 private:
  const uint32_t most_;
  uint64_t second_ms_ = 0;
  uint32_t used_ = 0;
  uint64_t unsaid_ = 0;
};

// As Write(), within the budget; says how many lines were left out before.
void WriteWithin(Budget& budget, uint64_t now_ms, Level level, std::string_view event,
                 std::string_view message, std::initializer_list<Field> fields = {});

// How a line looks, without the time: for Write() and for tests.
std::string FormatText(Level level, std::string_view event, std::string_view message,
                       std::initializer_list<Field> fields);
std::string FormatJson(std::string_view time, Level level, std::string_view event,
                       std::string_view message, std::initializer_list<Field> fields);

}  // namespace base::log
