// repl_scriptcache_dict: the scripts that ONE node is proven to hold.
//
// Redis up to 6.2 kept one such set for all its replicas together, because they were fed by one
// ordered stream. Ours have a connection each, and a restart of one says nothing of the others; so
// there is one dict for each node, the master too.
//
//   unknown ──EVAL sent on lane L──► loading on L ──its reply proves it──► known
//      ▲                                  │ refused                          │
//      └──────────────────────────────────┴──── the node's generation was raised
//
// Known is set by the node's answer, never when a body is sent: connections have no order between
// them. On the one connection that carries the body the order is certain, so calls behind it may
// ride: they go as EVALSHA before the answer is there.
//
// A generation is a number for a node's knowledge. Raising it empties the dict, and a reply to
// something sent under an older generation proves nothing any more. Emptying too often costs a body
// for each script; emptying too seldom costs a NOSCRIPT that must be repaired. Both are safe.
//
// Bounded as in Redis: 10,000 scripts, the first ones in go out first.
//
// No socket, clock or thread: each worker has its own dicts.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "replication/node.h"
#include "replication/sha1.h"

namespace replication {

class ScriptCache {
 public:
  enum class State : uint8_t {
    kUnknown,
    kRiding,  // a body is on its way on the very lane that asks
    kKnown,
  };

  static constexpr size_t kDefaultCapacity = 10'000;
  explicit ScriptCache(size_t capacity = kDefaultCapacity) : capacity_(capacity) {}

  uint64_t generation() const { return generation_; }
  // The node is at `generation` now: if that is another one, everything is forgotten. True if
  // something was.
  bool Enter(uint64_t generation);

  State Of(const Sha1& sha, LaneId lane) const;

  // A body that will register itself if the node runs it was sent on `lane`.
  void BeginLoading(const Sha1& sha, LaneId lane);
  // ... and the node did not run it.
  void EndLoading(const Sha1& sha, LaneId lane);
  // Proof, by the answer to something that was sent under `generation`. True if it is news.
  bool MarkKnown(const Sha1& sha, uint64_t generation);
  void Forget(const Sha1& sha);

  // How many are known.
  size_t size() const { return known_; }
  std::vector<Sha1> Known() const;

 private:
  struct Entry {
    bool known = false;
    LaneId lane = 0;     // while loading
    uint64_t order = 0;  // when it became known; tells a stale note in fifo_ from a true one
  };

  void DropOldest();

  size_t capacity_;
  uint64_t generation_ = 0;
  uint64_t next_order_ = 1;
  size_t known_ = 0;
  std::unordered_map<Sha1, Entry, Sha1Hash> entries_;
  std::deque<std::pair<Sha1, uint64_t>> fifo_;  // the known ones, oldest first
};

}  // namespace replication
