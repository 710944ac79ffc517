// A worker as proxy/ has it: sessions, lanes, leases, its own dicts and its own registry, letters.
// It asks the real classes of replication/ and does with their answers what proxy/frontend does.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "history_policy.h"
#include "history_session.h"
#include "model_link.h"
#include "replication/script_cache.h"
#include "replication/script_registry.h"
#include "replication/topology.h"

namespace history {

class World;

// What one worker knows of one node, and its ways there.
struct Pool {
  int node = 0;
  bool evicts = false;
  bool blocked = false;  // the last attempt to connect failed
  std::string run_id;
  replication::ScriptCache scripts;
  std::vector<Link*> lanes;  // null: to be connected when needed
};

class Worker {
 public:
  Worker(World& world, int index);

  int index() const { return index_; }
  World& world() { return world_; }
  std::vector<std::unique_ptr<Session>>& sessions() { return sessions_; }

  void Post(std::function<void()> letter) { mailbox_.push_back(std::move(letter)); }
  bool has_mail() const { return !mailbox_.empty(); }
  void DrainMail();
  void Tick();
  void EndTurn();

  // For sessions.
  Pool& pool(int node) { return pools_[static_cast<size_t>(node)]; }
  replication::ScriptCache& Scripts(Pool& pool);
  replication::ScriptRegistry& registry() { return registry_; }
  uint32_t& BodiesOf(uint64_t epoch) { return bodies_[epoch & 1]; }
  const replication::Topology& picture() const { return *picture_; }
  int Master() const { return picture_->master ? static_cast<int>(*picture_->master) : -1; }
  Link* Lane(Pool& pool);
  Link* TakeLease(Pool& pool, Session& session);
  void RetireLane(int node, uint32_t which);
  void Raise(int node, const char* why);
  // News of a proof goes to all dicts, also of the others.
  void Known(int node, uint64_t generation, ScriptId script);
  void Learned(ScriptId script, uint64_t epoch);
  void AskMiss(Link& link, ScriptId script, uint64_t generation, uint32_t given_mark,
               std::function<void(Verdict)> waiter);
  void Schedule(Session& session) { scheduled_.push_back(&session); }

  // Letters.
  void TakePicture(std::shared_ptr<const replication::Topology> picture);
  void TakeLearned(ScriptId script, uint64_t epoch);
  void TakeKnown(int node, uint64_t generation, ScriptId script);
  void TakeFlush(uint64_t epoch, std::function<void()> forgot);

  // A lane or lease of ours has ended.
  void OnClosed(Link& link, bool was_ready);

 private:
  struct Question {
    uint64_t link;
    ScriptId script;
    struct Asker {
      uint64_t generation;
      uint32_t given_mark;
      std::function<void(Verdict)> waiter;
    };
    std::vector<Asker> waiters;
  };
  struct PendingFlush {
    uint64_t old_epoch;
    std::function<void()> forgot;
  };

  static const replication::ScriptRef& Scripts_(ScriptId script);
  void AnswerQuestion(int node, Question& question, const Reply* reply);
  Link* Connect(Pool& pool, Link::Kind kind);

  World& world_;
  const int index_;
  std::vector<Pool> pools_;
  replication::ScriptRegistry registry_;
  uint32_t bodies_[2] = {0, 0};
  std::shared_ptr<const replication::Topology> picture_ =
      std::make_shared<const replication::Topology>();
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Session*> scheduled_;
  std::deque<std::function<void()>> mailbox_;
  std::vector<std::unique_ptr<Question>> questions_;
  std::vector<PendingFlush> flushes_;
};

}  // namespace history
