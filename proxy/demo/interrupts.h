// Ctrl-C and its like, noticed only where somebody looks: the demo always ends by its own hand.
//
// SIGINT, SIGTERM and SIGHUP are blocked and taken from the kernel's list when asked for, so no
// handler runs and no system call is cut short. Every wait of the demo is a wait for a condition,
// with a limit, and ends at once when one of them comes.
//
// The main thread.
#pragma once

#include <chrono>
#include <functional>

namespace demo {

class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // One of them came, now or before.
  bool Came();
  // True as soon as `condition` holds. False: it did not within `limit`, or one of them came.
  bool WaitFor(std::chrono::milliseconds limit, const std::function<bool()>& condition);

  // In a forked child, before exec: signals as a fresh program expects them. Safe there.
  static void RestoreInChild();

 private:
  bool came_ = false;
};

}  // namespace demo
