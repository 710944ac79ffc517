// A loop on the test's own thread, run turn by turn until a condition holds.
//
// Nothing happens between turns: a test sees each state, and no thread is needed.
#pragma once

#include <uv.h>

#include <chrono>
#include <utility>

#include "proxy/net/loop.h"
#include "tests/support/wait_until.h"

namespace support {

// One turn, without waiting: what is ready is handled, then the ends of turn.
inline void Turn(net::Loop& loop) {
  uv_run(loop.uv(), UV_RUN_NOWAIT);
}

// Runs turns until `condition` holds, waiting for events in between. False if it did not in time.
// `between` is called after each turn: for whatever lives beside the loop, such as a FakeNode.
template <typename Condition, typename Between>
[[nodiscard]] bool RunUntil(net::Loop& loop, Condition condition, Between between) {
  return WaitUntil([&] {
    // Whatever follows at once is done without a pause.
    for (int i = 0; i < 8; ++i) {
      Turn(loop);
      between();
      if (condition()) return true;
    }
    return false;
  });
}

template <typename Condition>
[[nodiscard]] bool RunUntil(net::Loop& loop, Condition condition) {
  return RunUntil(loop, std::move(condition), [] {});
}

}  // namespace support
