// Who is master, who can be read: asks the nodes, lets the tracker think, tells the crew.
//
// It also carries out what the tracker says of scripts: raises the generations of nodes whose
// knowledge is void, all of them when a replica attached. And it asks each new master for its
// command table.
//
// The control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "proxy/backend/node_shared.h"
#include "proxy/base/log.h"
#include "proxy/control/crew.h"
#include "proxy/control/node_monitor.h"
#include "proxy/net/loop.h"
#include "replication/topology_tracker.h"

namespace control {

class TopologyService {
 public:
  TopologyService(net::Loop& loop, const config::Settings& settings, Crew& crew);
  ~TopologyService();
  TopologyService(const TopologyService&) = delete;
  TopologyService& operator=(const TopologyService&) = delete;

  void Start();
  // What connections to the nodes speak TLS with from now on; null: plain.
  void UseTls(net::TlsRef tls) { tls_ = std::move(tls); }
  // Something looked as if the picture were out of date: ask all nodes now.
  void AskNow();
  // A replica attached, as somebody saw it happen.
  void RaiseAll(const std::string& why);
  // What was known of one node's scripts is void; `scripts_lost`: and it is proven to have lost
  // some.
  void RaiseNode(replication::NodeId id, const std::string& why, bool scripts_lost);

  const replication::Topology& picture() const { return *tracker_.picture(); }
  const std::vector<backend::NodeSharedRef>& shared() const { return shared_; }
  // The way to ask a node; null where it cannot be asked.
  ControlConnection* Connection(replication::NodeId id);
  bool Watches(replication::NodeId id) const {
    return id < monitors_.size() && monitors_[id] != nullptr;
  }
  // See NodeMonitor::Flush().
  void Flush(replication::NodeId id, std::function<void(bool flushed)> done);
  // A node that is not watched at present has missed a SCRIPT FLUSH: it is flushed when it is.
  void OweFlush(replication::NodeId id);

 private:
  void SyncMonitors();
  void Watch(replication::NodeId id, const config::Address& address);
  void Act(const std::vector<replication::Event>& events);
  void Say(const replication::Event& event);
  void AskForCommands();

  net::Loop& loop_;
  const config::Settings& settings_;
  Crew& crew_;
  net::TlsRef tls_;
  replication::TopologyTracker tracker_;
  std::vector<std::unique_ptr<NodeMonitor>> monitors_;  // by node id; null: not watched
  // No longer watched. They go on a turn of their own: one of them may be on the stack.
  std::vector<std::unique_ptr<NodeMonitor>> gone_;
  net::Timer burial_;
  std::vector<backend::NodeSharedRef> shared_;  // by node id
  std::shared_ptr<const replication::Topology> told_;
  std::string commands_of_;   // the run id of the master that told its commands, or is asked
  std::string unknown_told_;  // ... of the one of which commands.unknown was said
  base::log::Budget lines_{20};
};

// The rows of a COMMAND reply.
std::vector<resp::ServerCommand> ParseCommands(const ReplyTree& reply);

}  // namespace control
