// A program that a test started: ended by its pid, and at the latest with the test itself.
//
// Started by the test's main thread only: the kernel ends a child with the thread that made it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/wait_until.h"

namespace support {

class ChildProcess {
 public:
  struct Spec {
    std::string program;            // a path, or a name to be found on PATH
    std::vector<std::string> argv;  // argv[0] included
    std::string output;             // a file for stdout and stderr together; appended to
    std::string errors;             // a file for stderr alone, if not ""
  };

  ChildProcess() = default;
  explicit ChildProcess(const Spec& spec);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool Running();
  // Nothing happens if it has ended.
  void Signal(int number);
  // Its exit status, or 128 + the signal that ended it; nullopt if it still runs at the deadline.
  std::optional<int> WaitExit(milliseconds deadline = Patience());
  // SIGKILL, and waits.
  void Kill();

 private:
  pid_t pid_ = -1;  // -1: never started
  std::optional<int> ended_;
};

struct Finished {
  int status = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end.
Finished RunToEnd(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace support
