#include "tests/support/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "tests/support/temp_folder.h"

namespace support {
namespace {

int OpenForAppend(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

}  // namespace

ChildProcess::ChildProcess(const Spec& spec) {
  // Everything that allocates comes before the fork.
  std::vector<char*> argv;
  for (const auto& word : spec.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int out =
      spec.output.empty() ? open("/dev/null", O_WRONLY | O_CLOEXEC) : OpenForAppend(spec.output);
  const int err = spec.errors.empty() ? dup(out) : OpenForAppend(spec.errors);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execvp(spec.program.c_str(), argv.data());
    _exit(127);
  }
  close(in);
  close(out);
  close(err);
  if (pid_ < 0) throw std::runtime_error("cannot start " + spec.program);
}

ChildProcess::~ChildProcess() {
  Kill();
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), ended_(other.ended_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  pid_ = std::exchange(other.pid_, -1);
  ended_ = other.ended_;
  return *this;
}

bool ChildProcess::Running() {
  if (pid_ < 0 || ended_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

void ChildProcess::Signal(int number) {
  if (Running()) kill(pid_, number);
}

std::optional<int> ChildProcess::WaitExit(milliseconds deadline) {
  WaitUntil([this] { return !Running(); }, deadline);
  return ended_;
}

void ChildProcess::Kill() {
  if (!Running()) return;
  kill(pid_, SIGKILL);
  WaitExit();
}

Finished RunToEnd(const std::string& program, const std::vector<std::string>& arguments) {
  const TempFolder folder;
  std::vector<std::string> argv = {program};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  ChildProcess child({program, argv, folder.File("out"), folder.File("err")});
  const auto status = child.WaitExit();
  if (!status) throw std::runtime_error(program + " did not end");
  return {*status, ReadFile(folder.File("out")), ReadFile(folder.File("err"))};
}

}  // namespace support
