// One libuv loop: timers, what other threads post, and the end of a turn.
//
// A turn is: wait, handle what is ready, then the ends of turn. Whoever gathered bytes to write
// registers for the end of the turn and writes once, however many replies came in between.
//
// The mailbox is the only way in from another thread. uv_async_send is a doorbell that may ring
// once for many letters (and in libuv 1.44 is no barrier), so the letters lie under a mutex.
// DrainMailbox() may be called at any time on the loop's own thread: a worker does so before it
// looks at what a client sent, and has then seen everything posted before those bytes were sent.
//
// The loop's own thread, but for Post() and the atomic look in MailWaits().
#pragma once

#include <uv.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/base/bytes.h"

namespace net {

// Wants to be called once at the end of the present turn.
class TurnEnd {
 public:
  virtual void OnTurnEnd() = 0;

 protected:
  ~TurnEnd() = default;
};

class Loop {
 public:
  Loop();
  // REQUIRES: everything that lives on the loop is closed.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Until Stop(). Then closes handles that are left and returns when they are gone.
  void Run();
  void Stop();

  // From any thread: `letter` is called on the loop's thread, in the order of posting.
  void Post(std::function<void()> letter);
  bool MailWaits() const { return mail_waits_.load(std::memory_order_acquire); }
  void DrainMailbox();

  // At the end of this turn, once for each time that it asks: whoever asks notes that it did.
  // CancelTurnEnd() before `who` goes.
  void AtTurnEnd(TurnEnd* who) { turn_ends_.push_back(who); }
  void CancelTurnEnd(TurnEnd* who);

  // Milliseconds of a clock that never goes back, as of the beginning of the turn.
  uint64_t now_ms() const { return uv_now(&loop_); }

  uv_loop_t* uv() { return &loop_; }
  base::ChunkPool& pool() { return pool_; }
  base::ReadArena& arena() { return arena_; }

 private:
  void RunTurnEnds();

  uv_loop_t loop_{};
  uv_async_t bell_{};
  uv_check_t check_{};      // after the sockets were served
  uv_prepare_t prepare_{};  // after timers ran
  std::mutex mutex_;
  std::vector<std::function<void()>> mailbox_;  // guarded by mutex_
  std::atomic<bool> mail_waits_{false};
  std::vector<TurnEnd*> turn_ends_;
  std::vector<TurnEnd*> running_;
  base::ChunkPool pool_;
  base::ReadArena arena_{pool_};
};

// Calls back after a time, once or again and again, until it is stopped or destroyed.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void StartOnce(uint64_t ms);
  void StartRepeating(uint64_t ms);
  void Stop();
  bool active() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_)) != 0; }

 private:
  static void Fire(uv_timer_t* handle);

  uv_timer_t* handle_;  // freed by its close callback
  std::function<void()> callback_;
};

// A signal of the process, on this loop.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> callback);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  uv_signal_t* handle_;
  std::function<void()> callback_;
};

}  // namespace net
