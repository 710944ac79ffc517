// The few numbers of a node that all threads share.
//
// Made by the control thread when a node's address is first seen, and kept as long as anybody holds
// it. Atomics only: reading the generation is one load on the hot path.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "config/settings.h"
#include "replication/body_traffic.h"
#include "replication/node.h"

namespace backend {

struct NodeShared {
  NodeShared(replication::NodeId node, config::Address where)
      : id(node), address(std::move(where)), name(address.ToString()) {}

  const replication::NodeId id;
  const config::Address address;
  const std::string name;

  // The generation of what is known of its scripts. Raising it empties every worker's dict for this
  // node at the next look.
  std::atomic<uint64_t> generation{1};
  // The highest generation in which the node was proven to have lost scripts that it held. A
  // NOSCRIPT to something sent in that generation or before is the server's own, even where another
  // worker has given the script back meanwhile.
  std::atomic<uint64_t> lost_in{0};  // 0: never

  // It has not carried out a SCRIPT FLUSH that everybody else has forgotten already. Written by the
  // control thread.
  std::atomic<bool> owes_flush{false};
  // Bodies on their way to it.
  replication::BodyTraffic bodies;
  // SCRIPT FLUSHes of clients on their way to it.
  std::atomic<uint32_t> flushes{0};
  // Until when, on the loops' clock, the node holds back what may write (CLIENT PAUSE, FAILOVER),
  // as far as anybody knows. Everything behind such a command on its connection waits too.
  std::atomic<uint64_t> writes_paused_until_ms{0};
  bool WritesPaused(uint64_t now_ms) const {
    return now_ms < writes_paused_until_ms.load(std::memory_order_relaxed);
  }
  // Never shortens what is known already.
  void PauseWrites(uint64_t until_ms) {
    uint64_t seen = writes_paused_until_ms.load();
    while (seen < until_ms && !writes_paused_until_ms.compare_exchange_weak(seen, until_ms)) {
    }
  }
  void UnpauseWrites() { writes_paused_until_ms.store(0); }
  // When the newest poll began that the node has answered. By the control thread.
  std::atomic<uint64_t> answered_since_ms{0};

  // A NOSCRIPT may be the effect of a SCRIPT FLUSH that went through us and is not settled yet.
  bool MayBeFlushed() const { return flushes.load() > 0 || owes_flush.load(); }

  // Lanes of any worker that have exposed calls of a generation on their way, by generation modulo
  // the number of places. Touched when a worker's first such call is sent and its last answered.
  static constexpr size_t kPlaces = 4;
  std::atomic<uint32_t> exposed[kPlaces] = {};

  // The node has just lost scripts, and calls that believe in them are still on their way. They
  // will all miss, in their order, and can all be repaired; but not if somebody gives a script back
  // before the last of them has arrived.
  bool MustNotReload(uint64_t present) const {
    const uint64_t lost = lost_in.load(std::memory_order_acquire);
    if (lost == 0 || lost + kPlaces <= present) return false;
    for (size_t place = 0; place < kPlaces; ++place)
      if (place != present % kPlaces && exposed[place].load() > 0) return true;
    return false;
  }

  // It was flushed just now, or will be: what was sent before is answered by NOSCRIPT in the
  // server's own words, whatever is found there later.
  void Flushed() {
    ProvenLost(generation.load());
    Raise();
  }
  // Returns the new generation.
  uint64_t Raise() { return generation.fetch_add(1) + 1; }
  void ProvenLost(uint64_t in_generation) {
    uint64_t seen = lost_in.load();
    while (seen < in_generation && !lost_in.compare_exchange_weak(seen, in_generation)) {
    }
  }
};

using NodeSharedRef = std::shared_ptr<NodeShared>;

}  // namespace backend
