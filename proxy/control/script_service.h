// What concerns the scripts of all nodes at once: SCRIPT LOAD to the replicas, SCRIPT FLUSH, SCRIPT
// KILL, and the one registry that decides which bodies go when they are too many.
//
// A flush, in order, so that it is true when the client reads OK:
//   the master has accepted the client's own SCRIPT FLUSH (the session saw to that)
//   1 every worker forgets lua_scripts, and waits until no rewritten call is on the way
//   2 every node's generation is raised, and every node is flushed, the master once more
//   3 generations are raised again: what was proven meanwhile is void
// A node that cannot be told is told when it comes back, before it is used. One that does it later
// than we wait has its generation raised once more then.
//
// The control thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "proxy/base/log.h"
#include "proxy/control/crew.h"
#include "proxy/control/topology_service.h"
#include "proxy/net/loop.h"
#include "replication/script_registry.h"

namespace control {

class ScriptService {
 public:
  ScriptService(net::Loop& loop, const config::Settings& settings, TopologyService& topology,
                Crew& crew);

  // A worker has learned a script, and told the other workers itself.
  void OnLearned(replication::ScriptRef script, uint64_t epoch);

  void Distribute(replication::ScriptRef script, uint64_t epoch, std::function<void()> done);
  // `master_too`: the master once more; else it has done all that it should.
  void FlushEverywhere(bool master_too, std::function<void()> done);
  // `container`: SCRIPT or FUNCTION. `done` gets the reply for the client.
  void KillEverywhere(const char* container, std::function<void(std::string)> done);
  void Verify(replication::NodeId node, uint64_t epoch,
              std::vector<replication::ScriptRef> scripts);
  void Show(replication::NodeId node, const replication::Sha1& sha);

 private:
  void Learn(replication::ScriptRef script, uint64_t epoch, const std::string& how);
  void MakeRoom();
  // What a node says that it has may be what is just to be flushed.
  bool Flushing() const { return !flushes_.empty(); }
  void BeginFlush();
  void FlushNodes();
  void EndFlush();
  void RaiseAll();

  // A replica that does not answer must not hold up the client's SCRIPT LOAD for longer.
  static constexpr uint64_t kDistributeMs = 250;
  static constexpr uint64_t kFlushMs = 2'000;
  // A node that shows no body is not asked for it with every call.
  static constexpr uint64_t kShowAgainMs = 10'000;
  static constexpr size_t kMostShown = 1'000;

  net::Loop& loop_;
  const config::Settings& settings_;
  TopologyService& topology_;
  Crew& crew_;
  replication::ScriptRegistry scripts_;
  struct Flush {
    bool master_too;
    std::function<void()> done;
  };
  base::log::Budget script_lines_{20};
  std::unordered_map<replication::Sha1, uint64_t, replication::Sha1Hash> shown_ms_;  // asked when
  std::deque<Flush> flushes_;  // the first one is under way
};

}  // namespace control
