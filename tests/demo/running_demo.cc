#include "tests/demo/running_demo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace demo {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(60);

template <typename Condition>
bool Eventually(Condition condition) {
  const auto limit = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

int StatusOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

RunningDemo::RunningDemo(const std::vector<std::string>& args) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::string name = (std::filesystem::temp_directory_path() / "demo-test.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  tmp_ = name;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  std::vector<std::string> words = {"shacast", "demo"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  setenv("TMPDIR", tmp_.c_str(), 1);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execv(SHACAST_PROGRAM, pointers.data());
    _exit(127);
  }
  unsetenv("TMPDIR");
  close(ends[1]);
  out_ = ends[0];
}

RunningDemo::~RunningDemo() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  NobodyIsLeft();
  close(out_);
  std::error_code ignored;
  std::filesystem::remove_all(tmp_, ignored);
}

bool RunningDemo::ReadSome() {
  pollfd readable{out_, POLLIN, 0};
  const int limit_ms = static_cast<int>(std::chrono::milliseconds(kPatience).count());
  if (poll(&readable, 1, limit_ms) <= 0) return false;
  char bytes[4096];
  const ssize_t size = read(out_, bytes, sizeof bytes);
  if (size <= 0) return false;
  output_.append(bytes, static_cast<size_t>(size));
  return true;
}

bool RunningDemo::ReadUntil(std::string_view text) {
  while (output_.find(text) == std::string::npos)
    if (!ReadSome()) return false;
  return true;
}

int RunningDemo::WaitForEnd() {
  while (ReadSome()) {
  }
  ended_ = Eventually([&] { return waitpid(pid_, &status_, WNOHANG) == pid_; });
  return ended_ ? StatusOf(status_) : -1;
}

void RunningDemo::Send(int signal) const {
  kill(pid_, signal);
}

std::vector<pid_t> RunningDemo::Children() const {
  std::vector<pid_t> children;
  std::ifstream file("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) +
                     "/children");
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

bool RunningDemo::NobodyIsLeft() {
  return Eventually([] {
    pid_t pid = 0;
    do pid = waitpid(-1, nullptr, WNOHANG);
    while (pid > 0);
    return pid < 0 && errno == ECHILD;
  });
}

std::string AskOnce(int port, const std::string& command) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const timeval limit{kPatience.count(), 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::string line = command + "\r\n";
  std::string reply;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
    // The server closes when it has answered what it got.
    shutdown(fd, SHUT_WR);
    char bytes[4096];
    ssize_t size = 0;
    while ((size = read(fd, bytes, sizeof bytes)) > 0)
      reply.append(bytes, static_cast<size_t>(size));
  }
  close(fd);
  return reply;
}

int CallsCounted(int port, const std::string& command) {
  const std::string info = AskOnce(port, "INFO commandstats");
  const std::string field = "cmdstat_" + command + ":calls=";
  const size_t at = info.find(field);
  return at == std::string::npos ? 0 : std::atoi(info.c_str() + at + field.size());
}

}  // namespace demo
