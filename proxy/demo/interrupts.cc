#include "proxy/demo/interrupts.h"

#include <csignal>
#include <ctime>

namespace demo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

sigset_t Ours() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // Under nohup the end of the terminal is no reason to end.
  struct sigaction hangup {};
  if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t ours = Ours();
  sigprocmask(SIG_BLOCK, &ours, nullptr);
  // A shell that starts us in the background makes us ignore Ctrl-C; what is ignored is lost.
  signal(SIGINT, SIG_DFL);
  // A reader of our output or a server that goes away is noticed by the failing write.
  signal(SIGPIPE, SIG_IGN);
}

bool Interrupts::Came() {
  const sigset_t ours = Ours();
  const timespec at_once{};
  if (!came_) came_ = sigtimedwait(&ours, nullptr, &at_once) > 0;
  return came_;
}

bool Interrupts::WaitFor(milliseconds limit, const std::function<bool()>& condition) {
  const sigset_t ours = Ours();
  const auto begin = Clock::now();
  while (!Came()) {
    if (condition()) return true;
    const auto waited = Clock::now() - begin;
    if (waited >= limit) return false;
    // Often at first, for what takes a moment only.
    const milliseconds pause(waited < milliseconds(2000) ? 10 : 100);
    const timespec time{0, std::chrono::nanoseconds(pause).count()};
    came_ = sigtimedwait(&ours, nullptr, &time) > 0;
  }
  return false;
}

void Interrupts::RestoreInChild() {
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace demo
