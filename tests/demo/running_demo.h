// `shacast demo` as a child process, read along line by line.
//
// This process adopts orphans: whatever the demo leaves behind becomes our child, so "nobody is
// left" is something that can be asked of the kernel. One at a time; the test's thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

class RunningDemo {
 public:
  // `args` behind "demo". Its temporary files go to a folder of ours, tmp().
  explicit RunningDemo(const std::vector<std::string>& args);
  // Kills what is left of it.
  ~RunningDemo();
  RunningDemo(const RunningDemo&) = delete;
  RunningDemo& operator=(const RunningDemo&) = delete;

  // Reads until a line contains `text`. False: the output ended before, or stopped coming.
  bool ReadUntil(std::string_view text);
  // Reads to the end of the output, then waits for its end. Returns the exit status, 128 + the
  // signal if it was one, -1 if it does not end.
  int WaitForEnd();
  void Send(int signal) const;

  // Standard output and standard error, as far as read.
  const std::string& output() const { return output_; }
  pid_t pid() const { return pid_; }
  const std::filesystem::path& tmp() const { return tmp_; }
  // The processes that the demo has started and that run now.
  std::vector<pid_t> Children() const;
  // Everything that it ever started has ended. REQUIRES: WaitForEnd() has returned.
  static bool NobodyIsLeft();

 private:
  bool ReadSome();

  pid_t pid_ = -1;
  int out_ = -1;
  int status_ = -1;
  bool ended_ = false;
  std::string output_;
  std::filesystem::path tmp_;
};

// One command as an inline command on a connection of its own, and the first bytes of the reply; ""
// if there is none.
std::string AskOnce(int port, const std::string& command);

// The number of calls of `command` in a server's INFO commandstats.
int CallsCounted(int port, const std::string& command);

}  // namespace demo
