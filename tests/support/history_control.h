// The control thread as proxy/control has it: polls with a real TopologyTracker, SCRIPT FLUSH and
// SCRIPT LOAD for all nodes, letters to the workers.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model_link.h"
#include "replication/script_registry.h"
#include "replication/topology_tracker.h"

namespace history {

class World;

class Control {
 public:
  explicit Control(World& world);

  void Post(std::function<void()> letter) { mailbox_.push_back(std::move(letter)); }
  bool has_mail() const { return !mailbox_.empty(); }
  void DrainMail();
  void Poll(int node);

  void FlushEverywhere(int worker, std::function<void()> done);
  void Distribute(int worker, ScriptId script, uint64_t epoch, std::function<void()> done);
  void OnLearned(ScriptId script, uint64_t epoch);
  bool owes_flush(int node) const { return owes_flush_[static_cast<size_t>(node)]; }
  std::string Words() const;

 private:
  // Counts answers, and calls back when all are there.
  struct Gathering {
    int expected = 1;
    std::function<void()> done;
    void Answered() {
      if (--expected == 0) done();
    }
  };
  struct Flush {
    int worker;
    std::function<void()> done;
  };

  Link* Connection(int node);
  void Ask(Link& link, Request request, std::function<void(const Reply*)> answered);
  void AskInfo(int node, Link& link);
  void OnInfo(int node, const Reply& reply);
  void Act(const std::vector<replication::Event>& events);
  void TellPicture();
  void BeginFlush();
  void FlushNodes();
  void EndFlush();

  World& world_;
  replication::TopologyTracker tracker_;
  replication::ScriptRegistry registry_;
  std::deque<std::function<void()>> mailbox_;
  std::vector<Link*> links_;
  std::vector<bool> polling_;
  std::vector<bool> owes_flush_;
  std::deque<Flush> flushes_;
  std::shared_ptr<const replication::Topology> told_;
};

}  // namespace history
