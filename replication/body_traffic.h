// Which bodies are on their way to ONE node, on whatever connection of whatever worker, and which
// were lately.
//
// A body that is on its way gives its script back to a node that somebody has flushed behind our
// back: in the middle of a pipeline, or before the node is asked whether it has the script. Then
// what missed cannot be told from what the script itself said, unless it is known that somebody of
// ours was just giving it.
//
// Counted by the first byte of the sha1: two scripts that share it are taken for one, which costs a
// little caution. Atomics only, for all threads; no lock, no allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "replication/sha1.h"

namespace replication {

class BodyTraffic {
 public:
  // Before it is sent; and when it was answered, or never will be. In pairs.
  void Sent(const Sha1& sha) {
    Lane& lane = Of(sha);
    lane.on_the_way.fetch_add(1);
    lane.sent.fetch_add(1);
  }
  void Answered(const Sha1& sha) { Of(sha).on_the_way.fetch_sub(1); }

  bool OnTheWay(const Sha1& sha) const { return Of(sha).on_the_way.load() > 0; }

  // A call of the script is sent now. GivenSince(): a body of it may have been executed since.
  uint32_t Mark(const Sha1& sha) const {
    const uint32_t on_the_way = Of(sha).on_the_way.load();
    return Of(sha).sent.load() - on_the_way;
  }
  bool GivenSince(const Sha1& sha, uint32_t mark) const { return Of(sha).sent.load() != mark; }

 private:
  struct Lane {
    std::atomic<uint32_t> on_the_way{0};
    std::atomic<uint32_t> sent{0};
  };

  Lane& Of(const Sha1& sha) { return lanes_[sha.bytes[0]]; }
  const Lane& Of(const Sha1& sha) const { return lanes_[sha.bytes[0]]; }

  std::array<Lane, 256> lanes_;
};

}  // namespace replication
