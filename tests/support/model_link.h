// A connection to a server: requests up, replies down, each in its order, each as late as chance
// will have it. When it breaks, some of what was sent has arrived, and some of what was answered
// comes through before the end is seen.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "model_server.h"

namespace history {

struct Link {
  enum class Kind : uint8_t { kLane, kLease, kControl };
  enum class State : uint8_t { kHandshake, kReady, kClosed };  // as the proxy sees it

  struct Pending {
    Request request;
    std::function<void(const Reply&)> answered;
    std::function<void(bool sent)> lost;
  };

  uint64_t id = 0;
  int node = 0;
  int worker = -1;  // -1: the control thread
  Kind kind = Kind::kLane;
  State state = State::kHandshake;

  // The proxy's end.
  std::deque<Pending> waiting;     // until the handshake is done
  std::deque<Pending> on_the_way;  // sent, not answered
  std::function<void(const std::string& run_id)> ready;
  std::function<void(bool was_ready)> closed;

  // The wire and the server's end.
  std::deque<Request> up;
  std::deque<Reply> down;
  bool ended = false;  // nothing more comes behind what is in `down`
  std::vector<Queued> transaction;

  bool is_closed() const { return state == State::kClosed; }
  size_t outstanding() const { return waiting.size() + on_the_way.size(); }

  // REQUIRES: not closed.
  void Send(Pending pending) {
    if (state == State::kHandshake) {
      waiting.push_back(std::move(pending));
      return;
    }
    if (!ended) up.push_back(pending.request);
    on_the_way.push_back(std::move(pending));
  }

  bool has_up() const { return !ended && !up.empty(); }
  bool has_down() const { return state != State::kClosed && (ended || !down.empty()); }
};

}  // namespace history
