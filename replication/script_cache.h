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
// A server that loses all its scripts at once leaves no young knowledge beside old one: what was
// lost between two looks is all that was there. So knowledge has an age, counted in proofs: a
// script was last loaded before proof number loaded_at (kNotYet while a body of it is on its way,
// known though it may be), and was there for certain when proof number present_at was the last one.
// Of two scripts X and Y with Y.loaded_at <= X.present_at none can be lost without the other while
// Y is the one asked for later.
//
// Bounded as in Redis: 10,000 scripts, the first ones in go out first.
//
// No socket, clock or thread: each worker has its own dicts.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "replication/body_traffic.h"
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
  // `traffic`: the node's, of all workers; null in tests that need none.
  explicit ScriptCache(size_t capacity = kDefaultCapacity, BodyTraffic* traffic = nullptr)
      : capacity_(capacity), traffic_(traffic) {}

  uint64_t generation() const { return generation_; }
  // The node is at `generation` now: if that is another one, everything is forgotten. True if
  // something was.
  bool Enter(uint64_t generation);

  static constexpr uint64_t kNotYet = ~uint64_t{0};
  struct Belief {
    State state = State::kUnknown;
    uint64_t loaded_at = 0;
    uint64_t present_at = 0;
  };
  Belief About(const Sha1& sha, LaneId lane) const;
  State Of(const Sha1& sha, LaneId lane) const { return About(sha, lane).state; }
  // How many proofs there were: what is sent now is executed after them.
  uint64_t proofs() const { return proofs_; }

  // A body that will register itself if the node runs it was sent on `lane`.
  void BeginLoading(const Sha1& sha, LaneId lane);
  // ... and the node did not run it.
  void EndLoading(const Sha1& sha, LaneId lane);
  // See BodyTraffic.
  void BodySent(const Sha1& sha) {
    if (traffic_ != nullptr) traffic_->Sent(sha);
  }
  void BodyAnswered(const Sha1& sha) {
    if (traffic_ != nullptr) traffic_->Answered(sha);
  }
  // Proof, by the answer to something that was sent under `generation`, when there had been
  // `sent_at` proofs (0: not known). `loaded`: it had the body with it. True if it is news.
  bool MarkKnown(const Sha1& sha, uint64_t generation, uint64_t sent_at = 0, bool loaded = false);

  // How many are known.
  size_t size() const { return fifo_.size(); }
  std::vector<Sha1> Known() const;

 private:
  struct Entry {
    bool known = false;
    LaneId lane = 0;  // while loading
    uint64_t loaded_at = 0;
    uint64_t present_at = 0;
  };

  size_t capacity_;
  BodyTraffic* traffic_;
  uint64_t generation_ = 0;
  uint64_t proofs_ = 0;  // never goes back, so that numbers of two generations cannot be mixed up
  std::unordered_map<Sha1, Entry, Sha1Hash> entries_;
  std::deque<Sha1> fifo_;  // the known ones, oldest first
};

}  // namespace replication
