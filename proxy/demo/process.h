// A program that we started, and that never outlives us.
//
// The kernel kills it when we end, however we end (PR_SET_PDEATHSIG); it is in a process group of
// its own, so that a Ctrl-C of the terminal comes to us alone and we end it in order.
//
// The main thread: the kernel's promise is bound to the thread that started the program.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/base/result.h"

namespace demo {

class Process {
 public:
  struct Command {
    std::string program;            // a path
    std::vector<std::string> args;  // the program's own name first
    std::string output;             // a file for what it says; appended to
  };
  static base::Result<std::unique_ptr<Process>> Start(const Command& command);

  // Kills it, if it has not ended.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Looks, does not wait.
  bool Ended();
  // SIGTERM, without waiting.
  void AskToEnd();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}

  const pid_t pid_;
  bool ended_ = false;
};

}  // namespace demo
