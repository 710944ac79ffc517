// One worker's connections to one node, and what this worker knows of the node's scripts.
//
//   lanes   shared by all sessions of one identity, database and protocol. One write for many
//           clients' commands and one read for many replies: this is where a server's CPU is saved.
//   leases  lent to one session each (MULTI, WATCH, blocking, pub/sub), clean when they come back,
//           and closed when nobody wanted them for a while.
//
// Losing any connection that worked raises the node's generation: that alone catches every restart
// of a process we talk to. So does a connection that turns out to lead to another process (run id),
// or to one that will not say which it is. A connection that we close ourselves is not lost.
//
// A lane with a script on the way that has answered nothing for 100 ms is retired: it finishes what
// it carries, and new commands go to a fresh connection, where they get what a direct connection
// would get (they wait, then BUSY). The script need not be its oldest command: a server sends the
// replies to what it read together with a script only when that has ended. So is a lane that is
// busy with a reply larger than its client takes.
//
// While the node holds writes back (CLIENT PAUSE, FAILOVER) they have lanes of their own, shared by
// all clients too: what does not write goes past them, as on a direct connection. That it does is
// known from the command that passed through us, or from a write that waits while the node answers
// a poll that was asked after it.
//
// One worker's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "proxy/backend/connection.h"
#include "proxy/backend/node_shared.h"
#include "proxy/base/counters.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_context.h"
#include "replication/script_cache.h"
#include "replication/topology.h"

namespace backend {

// Told what happens to a lease while it is lent.
class LeaseHolder {
 public:
  virtual void OnLeaseLost(Connection& lease, const std::string& why) = 0;
  // Its node has taken bytes that it did not take at once.
  virtual void OnLeaseProgress(Connection& lease) = 0;

 protected:
  ~LeaseHolder() = default;
};

// How many leases there are in the whole process.
struct LeaseBudget {
  std::atomic<uint32_t> used{0};
};

// What all pools of a worker have in common.
struct PoolContext {
  net::Loop& loop;
  const config::UpstreamSettings& settings;
  base::Counters& counters;
  LeaseBudget& budget;
  replication::LaneId next_lane_id = 1;
  // A node behaved as if the picture were out of date: it should be asked now.
  std::function<void()> suspect;
  // What new connections speak TLS with; null: they are plain.
  net::TlsRef tls{};
};

class NodePool final : private ConnectionOwner {
 public:
  NodePool(PoolContext& context, NodeSharedRef shared);
  // REQUIRES: no session holds a connection.
  ~NodePool();
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  const NodeShared& shared() const { return *shared_; }
  // Raises the node's generation and says so in the log.
  void RaiseGeneration(const std::string& why);
  void ProvenLost(uint64_t in_generation) { shared_->ProvenLost(in_generation); }

  // repl_scriptcache_dict of this node, at its present generation.
  replication::ScriptCache& Scripts();

  // Exposed calls of this worker (see replication/script_rewriter.h) on their way to the node.
  // False, and nothing is noted, if the generation has just been raised: plan anew.
  [[nodiscard]] bool ExposedSent(uint64_t generation);
  void ExposedAnswered(uint64_t generation);
  // A client's SCRIPT FLUSH on its way; `flushed`: it happened, or nobody knows.
  void FlushSent() { shared_->flushes.fetch_add(1); }
  void FlushAnswered(bool flushed) {
    if (flushed) shared_->Flushed();
    shared_->flushes.fetch_sub(1);
  }
  // CLIENT PAUSE ... WRITE and UNPAUSE, once the node has said OK.
  void PauseWrites(uint64_t ms) { shared_->PauseWrites(context_.loop.now_ms() + ms); }
  void UnpauseWrites() { shared_->UnpauseWrites(); }
  bool WritesPaused() const { return shared_->WritesPaused(context_.loop.now_ms()); }

  // A body may be sent now; see NodeShared::MustNotReload().
  bool MayCarryBody() { return !shared_->MustNotReload(Scripts().generation()); }

  // The picture's word on which process this is, and whether it evicts.
  void SetNode(const replication::Node& node);
  bool evicts() const { return evicts_; }
  // The node wants a password, and who has given none is held to Redis' limits before AUTH.
  bool wants_auth() const { return wants_auth_; }

  // A lane to send on. Null: the last attempt to connect has just failed; try again soon.
  Connection* Lane(const ConnectionKey& key);
  // New commands go elsewhere; what it carries is finished.
  void RetireLane(Connection& lane);
  // Is it one of those that new commands are given?
  bool IsCurrent(const Connection& lane) const;

  // A connection for `holder` alone. Null: upstream.max_dedicated are in use, or connecting has
  // just failed (see connect_blocked()).
  // `beyond`: however many are in use.
  Connection* TakeLease(const ConnectionKey& key, LeaseHolder& holder, bool beyond = false);
  // `clean`: no state is left in it, and it may be lent again.
  void ReturnLease(Connection& lease, bool clean);
  bool connect_blocked() const;

  // Commands in flight on all lanes.
  size_t outstanding() const;
  size_t lanes_open() const;
  size_t leases_open() const { return lent_.size() + idle_.size(); }
  size_t leases_lent() const { return lent_.size(); }

  // About every 50 ms.
  void OnTick();
  void CloseAll();

 private:
  struct Group {
    ConnectionKey key;
    std::vector<std::unique_ptr<Connection>> lanes;  // null: to be connected when needed
    uint64_t used_ms = 0;
  };
  struct Lent {
    std::unique_ptr<Connection> connection;
    LeaseHolder* holder = nullptr;
  };
  struct Idle {
    std::unique_ptr<Connection> connection;
    uint64_t since_ms = 0;
  };

  void OnReady(Connection& connection, const std::string& run_id) override;
  void OnProgress(Connection& connection) override;
  void OnClosed(Connection& connection, Ending ending, const std::string& why) override;

  std::unique_ptr<Connection> Connect(const ConnectionKey& key, bool ask_run_id);
  bool MakeRoomForLease(bool beyond);
  void Bury(std::unique_ptr<Connection> connection);
  void RetireStuckLane();
  // Lanes with writes on the way take nothing else while those may be held back.
  void RetireLanesWithWrites(Group& group);
  // A write waits, and not because the node is slow.
  bool SeesPausedWrites() const;
  // See Connection::may_be_left_lying().
  void NudgeAll();

  static constexpr uint64_t kStuckAfterMs = 100;
  // So long after it was last seen that writes wait they are taken to be paused.
  static constexpr uint64_t kPausedForMs = 200;
  static constexpr uint64_t kGroupIdleMs = 60'000;
  static constexpr uint64_t kFirstBackoffMs = 20;
  static constexpr uint64_t kMostBackoffMs = 1'000;

  PoolContext& context_;
  const NodeSharedRef shared_;
  std::string run_id_;
  bool evicts_ = false;
  bool leaves_lying_ = false;
  bool wants_auth_ = false;
  replication::ScriptCache scripts_;
  uint32_t exposed_[NodeShared::kPlaces] = {};
  std::vector<Group> groups_;
  std::vector<std::unique_ptr<Connection>> retired_;
  std::vector<Lent> lent_;
  std::vector<Idle> idle_;
  std::vector<std::unique_ptr<Connection>> graveyard_;  // closed, freed at the next tick
  uint64_t backoff_ms_ = 0;
  uint64_t retry_at_ms_ = 0;
  uint64_t last_raise_logged_ms_ = 0;
};

}  // namespace backend
