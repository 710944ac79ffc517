// The house: one control thread (the caller's), the workers, the listeners.
//
// The only place that knows all rooms. What a worker tells the others, what the control thread
// finds out and what signals ask for passes through here; nothing else does.
//
// Life: Run() binds, starts the workers, watches the nodes, and returns when it was told to stop.
// SIGTERM and SIGINT drain: no new clients, what was asked is answered, then the end; after
// drain_timeout, or at the second signal, at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "proxy/base/result.h"
#include "proxy/certificates.h"
#include "proxy/control/crew.h"
#include "proxy/control/script_service.h"
#include "proxy/control/topology_service.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/worker.h"

namespace proxy {

class Server final : private control::Crew, private Switchboard {
 public:
  // REQUIRES: nothing is wrong with the certificates.
  Server(std::shared_ptr<const config::Settings> settings, Certificates certificates);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Signals wait, in this thread and in those that begin meanwhile. REQUIRES: held before any
  // thread begins; Run() lets them come, to its own thread alone, while it can answer them.
  static void HoldSignals(bool hold);
  // Until it is stopped. An error: it could not start.
  base::Status Run();

 private:
  // control::Crew
  void TellPicture(std::shared_ptr<const replication::Topology> picture,
                   const std::vector<backend::NodeSharedRef>& shared) override;
  void TellTable(std::shared_ptr<const resp::CommandTable> table) override;
  void TellLearned(replication::ScriptRef script, uint64_t epoch) override;
  void TellKnown(replication::NodeId node, uint64_t generation,
                 const replication::Sha1& sha) override;
  void TellEvicted(const std::vector<replication::Sha1>& scripts) override;
  void TellFlush(uint64_t epoch, std::function<void()> all_forgot) override;
  // Switchboard
  void Learned(size_t by_worker, replication::ScriptRef script, uint64_t epoch) override;
  void Known(size_t by_worker, replication::NodeId node, uint64_t generation,
             const replication::Sha1& sha) override;
  void Distribute(size_t for_worker, replication::ScriptRef script, uint64_t epoch,
                  std::function<void()> done) override;
  void FlushEverywhere(size_t for_worker, bool master_too, std::function<void()> done) override;
  void KillEverywhere(size_t for_worker, const char* container,
                      std::function<void(std::string)> done) override;
  void Verify(replication::NodeId node, uint64_t epoch,
              std::vector<replication::ScriptRef> scripts) override;
  void Show(replication::NodeId node, const replication::Sha1& sha) override;
  void ReplicaThroughUs() override;
  void AskNodesNow() override;
  void ClientLeft(size_t from_worker) override;
  void VisitClients(size_t for_worker, std::function<void(frontend::Session&)> visit,
                    std::function<void()> done) override;

  void VisitFrom(size_t worker, std::function<void(frontend::Session&)> visit,
                 std::function<void()> done);
  base::Status Listen();
  void SayStart() const;
  void OnAccepted(int fd, const std::string& peer, bool tls);
  void OnReloadSignal();
  void OnStopSignal(const char* name);
  void OnDrained();
  void Finish();

  const std::shared_ptr<const config::Settings> settings_;
  Certificates certificates_;
  net::Loop loop_;
  backend::LeaseBudget budget_;
  std::atomic<uint64_t> clients_{0};
  const frontend::ProcessFacts process_;
  std::atomic<bool> ask_posted_{false};
  uint64_t next_client_id_ = 1;
  size_t next_worker_ = 0;
  base::Counters own_counters_;                      // what the control thread counts
  std::vector<const base::Counters*> all_counters_;  // filled before a worker starts
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<control::TopologyService> topology_;
  std::unique_ptr<control::ScriptService> scripts_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<net::Signal>> signals_;
  std::unique_ptr<net::Timer> drain_timer_;
  size_t draining_workers_ = 0;
  bool draining_ = false;
  bool refusal_logged_ = false;
};

}  // namespace proxy
