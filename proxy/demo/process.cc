#include "proxy/demo/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "proxy/demo/interrupts.h"

namespace demo {
namespace {

constexpr int kCannotRun = 127;

// Between fork and exec: only what is safe there.
[[noreturn]] void BecomeProgram(const char* program, char* const* args, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before the line above: then the kernel will tell us nothing.
  if (getppid() != parent) _exit(kCannotRun);
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(output, STDERR_FILENO) < 0)
    _exit(kCannotRun);
  if (nothing > STDERR_FILENO) close(nothing);
  Interrupts::RestoreInChild();
  execv(program, args);
  _exit(kCannotRun);
}

}  // namespace

base::Result<std::unique_ptr<Process>> Process::Start(const Command& command) {
  const int output = open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) return base::Error{command.output + ": " + std::strerror(errno)};
  std::vector<std::string> args = command.args;
  std::vector<char*> pointers;
  pointers.reserve(args.size() + 1);
  for (std::string& arg : args) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(command.program.c_str(), pointers.data(), output, parent);
  const int error = errno;
  close(output);
  if (pid < 0) return base::Error{std::string("cannot start a process: ") + std::strerror(error)};
  return std::unique_ptr<Process>(new Process(pid));
}

Process::~Process() {
  if (Ended()) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Process::Ended() {
  if (!ended_) ended_ = waitpid(pid_, nullptr, WNOHANG) == pid_;
  return ended_;
}

void Process::AskToEnd() {
  if (!Ended()) kill(pid_, SIGTERM);
}

}  // namespace demo
