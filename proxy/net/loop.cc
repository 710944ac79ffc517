#include "proxy/net/loop.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace net {

Loop::Loop() {
  // What fails here is lack of memory or descriptors at start: there is nothing to go on with.
  if (uv_loop_init(&loop_) != 0) std::abort();
  loop_.data = this;
  bell_.data = this;
  check_.data = this;
  prepare_.data = this;
  if (uv_async_init(&loop_, &bell_,
                    [](uv_async_t* h) { static_cast<Loop*>(h->data)->DrainMailbox(); }) != 0)
    std::abort();
  uv_check_init(&loop_, &check_);
  uv_check_start(&check_, [](uv_check_t* h) { static_cast<Loop*>(h->data)->RunTurnEnds(); });
  uv_prepare_init(&loop_, &prepare_);
  uv_prepare_start(&prepare_, [](uv_prepare_t* h) { static_cast<Loop*>(h->data)->RunTurnEnds(); });
}

Loop::~Loop() {
  const auto close = [](auto* handle) {
    auto* h = reinterpret_cast<uv_handle_t*>(handle);
    if (uv_is_closing(h) == 0) uv_close(h, nullptr);
  };
  close(&bell_);
  close(&check_);
  close(&prepare_);
  // Again and again: a Stop() that came after the end would keep it from running once.
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  const int left = uv_loop_close(&loop_);
  assert(left == 0);
  static_cast<void>(left);
}

void Loop::Run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  // Handles that were closed by whoever stopped us get their close callbacks.
  uv_run(&loop_, UV_RUN_NOWAIT);
}

void Loop::Stop() {
  uv_stop(&loop_);
}

void Loop::Post(std::function<void()> letter) {
  {
    const std::lock_guard lock(mutex_);
    mailbox_.push_back(std::move(letter));
    mail_waits_.store(true, std::memory_order_release);
  }
  uv_async_send(&bell_);
}

void Loop::DrainMailbox() {
  std::vector<std::function<void()>> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(mailbox_);
    mail_waits_.store(false, std::memory_order_release);
  }
  for (auto& letter : letters) letter();
}

void Loop::CancelTurnEnd(TurnEnd* who) {
  std::replace(turn_ends_.begin(), turn_ends_.end(), who, static_cast<TurnEnd*>(nullptr));
  std::replace(running_.begin(), running_.end(), who, static_cast<TurnEnd*>(nullptr));
}

void Loop::RunTurnEnds() {
  // What is registered while these run belongs to this turn too, but not without end.
  for (int round = 0; round < 4 && !turn_ends_.empty(); ++round) {
    running_.swap(turn_ends_);
    for (size_t i = 0; i < running_.size(); ++i)
      if (running_[i] != nullptr) running_[i]->OnTurnEnd();
    running_.clear();
  }
  if (!turn_ends_.empty()) uv_async_send(&bell_);  // ... and the next turn comes without waiting
}

Timer::Timer(Loop& loop, std::function<void()> callback)
    : handle_(new uv_timer_t), callback_(std::move(callback)) {
  uv_timer_init(loop.uv(), handle_);
  handle_->data = this;
}

// The callback may destroy the timer: a copy of it is what runs.
void Timer::Fire(uv_timer_t* handle) {
  const auto callback = static_cast<Timer*>(handle->data)->callback_;
  callback();
}

Timer::~Timer() {
  uv_close(reinterpret_cast<uv_handle_t*>(handle_),
           [](uv_handle_t* h) { delete reinterpret_cast<uv_timer_t*>(h); });
}

void Timer::StartOnce(uint64_t ms) {
  uv_timer_start(handle_, Fire, ms, 0);
}

void Timer::StartRepeating(uint64_t ms) {
  uv_timer_start(handle_, Fire, ms, ms);
}

void Timer::Stop() {
  uv_timer_stop(handle_);
}

Signal::Signal(Loop& loop, int number, std::function<void()> callback)
    : handle_(new uv_signal_t), callback_(std::move(callback)) {
  uv_signal_init(loop.uv(), handle_);
  handle_->data = this;
  uv_signal_start(
      handle_, [](uv_signal_t* h, int) { static_cast<Signal*>(h->data)->callback_(); }, number);
}

Signal::~Signal() {
  uv_close(reinterpret_cast<uv_handle_t*>(handle_),
           [](uv_handle_t* h) { delete reinterpret_cast<uv_signal_t*>(h); });
}

}  // namespace net
