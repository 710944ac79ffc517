// A worker: one thread, one loop, its own sessions, connections and knowledge of scripts.
//
// Workers share nothing on the hot path. What concerns the others goes by letter, through the
// switchboard; a letter posted before a reply leaves is read before anything that the client sends
// afterwards, on whatever connection (net::Stream drains the mailbox before it reads).
//
// Tell...() may be called from any thread; everything else is the worker's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/settings.h"
#include "proxy/backend/nodes.h"
#include "proxy/frontend/client_hub.h"
#include "proxy/frontend/miss_checks.h"
#include "proxy/frontend/orphans.h"
#include "proxy/frontend/session.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_context.h"
#include "replication/script_registry.h"

namespace proxy {

// Where a worker's letters to others go. Called on worker threads; answers come back as letters.
class Switchboard {
 public:
  virtual void Learned(size_t by_worker, replication::ScriptRef script, uint64_t epoch) = 0;
  virtual void Known(size_t by_worker, replication::NodeId node, uint64_t generation,
                     const replication::Sha1& sha) = 0;
  virtual void Distribute(size_t for_worker, replication::ScriptRef script, uint64_t epoch,
                          std::function<void()> done) = 0;
  virtual void FlushEverywhere(size_t for_worker, bool master_too, std::function<void()> done) = 0;
  virtual void KillEverywhere(size_t for_worker, const char* container,
                              std::function<void(std::string)> done) = 0;
  virtual void Verify(replication::NodeId node, uint64_t epoch,
                      std::vector<replication::ScriptRef> scripts) = 0;
  virtual void Show(replication::NodeId node, const replication::Sha1& sha) = 0;
  virtual void ReplicaThroughUs() = 0;
  virtual void AskNodesNow() = 0;
  virtual void ClientLeft(size_t from_worker) = 0;
  virtual void VisitClients(size_t for_worker, std::function<void(frontend::Session&)> visit,
                            std::function<void()> done) = 0;

 protected:
  ~Switchboard() = default;
};

class Worker final : private frontend::SessionOwner,
                     private frontend::ScriptHub,
                     private frontend::ClientHub,
                     private net::TurnEnd {
 public:
  Worker(size_t index, std::shared_ptr<const config::Settings> settings, net::TlsRef nodes_tls,
         backend::LeaseBudget& budget, const std::vector<const base::Counters*>& all_counters,
         const frontend::ProcessFacts& process, Switchboard& switchboard);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  const base::Counters& counters() const { return counters_; }
  // Clients that it was given and that have not left.
  size_t clients() const { return clients_.load(std::memory_order_relaxed); }

  void Start();
  // Closes everything, and joins.
  void Stop();

  // `tls`: what it is spoken to with; null: plainly.
  void TellClient(int fd, uint64_t id, std::string peer, net::TlsRef tls);
  // New connections to nodes use it.
  void TellNodesTls(net::TlsRef tls);
  void TellPicture(std::shared_ptr<const replication::Topology> picture,
                   std::vector<backend::NodeSharedRef> shared);
  void TellTable(std::shared_ptr<const resp::CommandTable> table);
  void TellLearned(replication::ScriptRef script, uint64_t epoch);
  void TellKnown(replication::NodeId node, uint64_t generation, const replication::Sha1& sha);
  void TellEvicted(std::vector<replication::Sha1> scripts);
  // `forgot`: called on this thread when nothing that was sent before is on the way any more.
  void TellFlush(uint64_t epoch, std::function<void()> forgot);
  // No more commands; `drained` on this thread when the last client has gone.
  void TellDrain(std::function<void()> drained);
  // `visit` with every open session, then `visited`, on this thread.
  void TellVisit(std::function<void(frontend::Session&)> visit, std::function<void()> visited);
  void Post(std::function<void()> letter) { loop_.Post(std::move(letter)); }

 private:
  // frontend::SessionOwner
  void OnSessionClosed(frontend::Session& session) override;
  void OnSessionWaits(frontend::Session& session) override;
  // frontend::ScriptHub
  void Learned(replication::ScriptRef script, uint64_t epoch, const char* how) override;
  void Known(replication::NodeId node, uint64_t generation, const replication::Sha1& sha) override;
  void Distribute(replication::ScriptRef script, uint64_t epoch,
                  std::function<void()> done) override;
  void FlushEverywhere(bool master_too, std::function<void()> done) override;
  void KillEverywhere(const char* container, std::function<void(std::string)> done) override;
  void Verify(replication::NodeId node, uint64_t epoch,
              std::vector<replication::ScriptRef> scripts) override;
  void Show(replication::NodeId node, const replication::Sha1& sha) override;
  void ReplicaThroughUs() override;
  void AskNodesNow() override;
  // frontend::ClientHub
  void VisitClients(std::function<void(frontend::Session&)> visit,
                    std::function<void()> done) override;
  // net::TurnEnd
  void OnTurnEnd() override;

  void OnTick();
  void PumpWaiting();
  void Bury();
  void CloseEverything();

  static constexpr uint64_t kTickMs = 20;
  static constexpr uint64_t kSlowTicks = 25;  // what is due twice a second

  const size_t index_;
  const std::shared_ptr<const config::Settings> settings_;
  Switchboard& switchboard_;
  std::atomic<size_t> clients_{0};
  base::Counters counters_;

  net::Loop loop_;
  std::unique_ptr<net::Timer> tick_;
  uint64_t ticks_ = 0;
  base::log::Budget script_lines_{20};
  base::log::Budget noscript_lines_{20};
  frontend::CallPool calls_;
  backend::PoolContext pool_context_;
  backend::Nodes nodes_;
  backend::IdentityTable identities_;
  replication::ScriptRegistry scripts_;
  frontend::BodiesOnTheWay bodies_;
  frontend::MissChecks miss_checks_;
  frontend::Orphans orphans_;
  frontend::EvalRights eval_rights_{loop_};
  frontend::SessionContext context_;

  std::unordered_map<uint64_t, std::unique_ptr<frontend::Session>> sessions_;
  std::unordered_set<uint64_t> waiting_;  // sessions that nobody will wake
  std::vector<uint64_t> closed_;          // sessions to be buried
  struct PendingFlush {
    uint64_t old_epoch;
    std::function<void()> forgot;
  };
  std::vector<PendingFlush> flushes_;
  std::function<void()> drained_;

  std::thread thread_;
};

}  // namespace proxy
