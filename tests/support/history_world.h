// A history as it happens: servers, links, workers, control, clients, and chance in the order of
// steps. Each step is one thing that happens: a message arrives, somebody looks at his letters, a
// client sends, something breaks. Nothing happens by itself, so a list of steps is a history, and
// the same list is the same history again.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "history_control.h"
#include "history_judge.h"
#include "history_policy.h"
#include "history_random.h"
#include "history_worker.h"
#include "model_link.h"
#include "model_server.h"

namespace history {

struct Step {
  enum class Kind : uint8_t {
    kClientSends,  // a: session, b: what, n: how many commands at most
    kClientLeaves,
    kRead,  // the bytes of a client are read
    kUp,    // a request arrives, and is executed
    kDown,  // a reply arrives
    kMail,  // a worker reads its letters
    kControlMail,
    kPoll,
    kTick,
    kRetire,  // a lane is given no more
    kAttach,  // a replica attaches
    kStrangerFlush,
    kStrangerEval,
    kCut,  // a connection breaks
    kRestart,
    kBoot,
    kBusy,  // begins or ends
    kFailover,
  };
  Kind kind;
  uint32_t a = 0;
  uint32_t b = 0;
  uint8_t n = 0;
};

class World {
 public:
  World(const Scenario& scenario, const Policy& policy, std::string* trace = nullptr);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void Do(const Step& step);
  // Everything that is under way comes to its end, and the judge looks at the whole.
  void Finish();

  const Scenario& scenario() const { return scenario_; }
  const Policy& policy() const { return policy_; }
  Judge& judge() { return judge_; }
  Time now() const { return now_; }
  void Trace(const std::string& line);
  bool tracing() const { return trace_ != nullptr; }

  // For the proxy's parts.
  Server& server(int node) { return *servers_[static_cast<size_t>(node)]; }
  uint64_t generation(int node) const { return generations_[static_cast<size_t>(node)]; }
  replication::BodyTraffic& bodies(int node) { return bodies_[static_cast<size_t>(node)]; }
  uint64_t lost_in(int node) const { return lost_in_[static_cast<size_t>(node)]; }
  bool owes_flush(int node) const { return control_->owes_flush(node); }
  void Raise(int node, const char* why);
  void ProvenLost(int node, uint64_t generation);
  Link& Connect(int worker, int node, Link::Kind kind);
  void CloseByProxy(Link& link);
  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  void FlushEverywhere(int worker, std::function<void()> done);
  void Distribute(int worker, ScriptId script, uint64_t epoch, std::function<void()> done);
  void TellLearned(ScriptId script, uint64_t epoch);

  // For histories that are written by hand.
  void Send(int session, std::vector<Command> commands);
  Command Make(int session, const Op& op, std::vector<Op> queued = {});
  // Lets everything that is under way arrive, without end.
  bool Settle();
  Worker& worker(int index) { return *workers_[static_cast<size_t>(index)]; }
  Session& session(int index) { return *sessions_[static_cast<size_t>(index)]; }
  std::vector<std::unique_ptr<Link>>& links() { return links_; }
  void DeliverUp(Link& link);
  void DeliverDown(Link& link);
  void Cut(Link& link, size_t executed, size_t answered);
  int master() const { return master_; }
  void Failover(int node);

 private:
  Worker& WorkerOf(int session) {
    return *workers_[static_cast<size_t>(session) % workers_.size()];
  }
  std::vector<Command> MakePipeline(int session, uint32_t seed, uint8_t most);
  Link* Pick(uint32_t which, bool up);
  void Restart(int node, uint32_t how);
  void Boot(int node);
  void CloseAtProxy(Link& link);
  bool Quiet() const;
  void Prune();

  const Scenario scenario_;
  const Policy policy_;
  std::string* trace_;
  Time now_ = 1;
  Judge judge_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<uint64_t> generations_;
  std::vector<uint64_t> lost_in_;
  std::deque<replication::BodyTraffic> bodies_;  // by node
  int master_ = 0;
  uint64_t next_link_ = 1;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> live_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Session*> sessions_;
  std::unique_ptr<Control> control_;
};

}  // namespace history
