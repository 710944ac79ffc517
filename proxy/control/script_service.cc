#include "proxy/control/script_service.h"

#include <utility>

#include "proxy/base/log.h"

namespace control {
namespace {

// Counts answers, and calls back once: when all are there, or when the time is up.
class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(net::Loop& loop, uint64_t limit_ms, std::function<void()> done)
      : done_(std::move(done)), timer_(loop, [this] { Finish(); }) {
    timer_.StartOnce(limit_ms);
  }

  void Expect() { ++expected_; }
  void Answered() {
    if (--expected_ == 0 && complete_) Finish();
  }
  bool finished() const { return !done_; }
  // Everybody was asked.
  void Complete() {
    complete_ = true;
    if (expected_ == 0) Finish();
  }

 private:
  void Finish() {
    timer_.Stop();
    if (!done_) return;
    const auto self = weak_from_this().lock();  // the callback may drop the last reference
    std::exchange(done_, nullptr)();
  }

  std::function<void()> done_;
  net::Timer timer_;
  int expected_ = 0;
  bool complete_ = false;
};

// How much the answer of one node to SCRIPT KILL or FUNCTION KILL says: OK if one killed, else
// UNKILLABLE, else BUSY (it runs the other kind), before NOTBUSY.
int RankOf(const ReplyTree& answer) {
  if (!answer.is_error()) return 4;
  if (answer.is_error("UNKILLABLE")) return 3;
  if (answer.is_error("BUSY")) return 2;
  return answer.is_error("NOTBUSY") ? 1 : 0;
}

}  // namespace

ScriptService::ScriptService(net::Loop& loop, const config::Settings& settings,
                             TopologyService& topology, Crew& crew)
    : loop_(loop), settings_(settings), topology_(topology), crew_(crew) {}

void ScriptService::OnLearned(replication::ScriptRef script, uint64_t epoch) {
  if (scripts_.Add(std::move(script), epoch)) MakeRoom();
}

void ScriptService::Learn(replication::ScriptRef script, uint64_t epoch, const std::string& how) {
  if (epoch != scripts_.epoch() || scripts_.Find(script->sha) != nullptr) return;
  base::log::WriteWithin(
      script_lines_, loop_.now_ms(), base::log::Level::kInfo, "script.learned",
      "a script can be given to every node now",
      {{"sha", script->sha.ToString()}, {"bytes", uint64_t{script->text.size()}}, {"from", how}});
  script->last_used.store(loop_.now_ms() << 16, std::memory_order_relaxed);
  crew_.TellLearned(script, epoch);
  OnLearned(std::move(script), epoch);
}

void ScriptService::MakeRoom() {
  const auto victims = scripts_.Victims(settings_.scripts.max_memory);
  if (victims.empty()) return;
  for (const auto& sha : victims) scripts_.Remove(sha);
  crew_.TellEvicted(victims);
  base::log::WriteWithin(script_lines_, loop_.now_ms(), base::log::Level::kInfo, "script.evicted",
                         "the scripts used least recently made room",
                         {{"scripts", uint64_t{victims.size()}}, {"bytes_kept", scripts_.bytes()}});
}

void ScriptService::Distribute(replication::ScriptRef script, uint64_t epoch,
                               std::function<void()> done) {
  if (epoch != scripts_.epoch()) {  // a flush came between: it is to be forgotten, not spread
    done();
    return;
  }
  const auto gathering = std::make_shared<Gathering>(loop_, kDistributeMs, std::move(done));
  for (const auto& node : topology_.picture().nodes) {
    if (topology_.picture().master == node.id || !node.up) continue;
    ControlConnection* connection = topology_.Connection(node.id);
    if (connection == nullptr) continue;
    const uint64_t generation = topology_.shared()[node.id]->generation.load();
    gathering->Expect();
    backend::NodeSharedRef shared = topology_.shared()[node.id];
    shared->bodies.Sent(script->sha);
    connection->Ask({"SCRIPT", "LOAD", script->text}, [this, gathering, script, generation, shared,
                                                       id = node.id](const ReplyTree* answer) {
      shared->bodies.Answered(script->sha);
      if (answer != nullptr && answer->text == script->sha.ToString())
        crew_.TellKnown(id, generation, script->sha);
      gathering->Answered();
    });
  }
  gathering->Complete();
}

void ScriptService::FlushEverywhere(bool master_too, std::function<void()> done) {
  flushes_.push_back({master_too, std::move(done)});
  if (flushes_.size() == 1) BeginFlush();
}

void ScriptService::BeginFlush() {
  const uint64_t epoch = scripts_.epoch() + 1;
  scripts_.Flush(epoch);
  base::log::Info("scripts.flushed", "SCRIPT FLUSH: lua_scripts is empty, all nodes are flushed",
                  {{"flush", epoch}});
  // A script that runs for minutes on some node must not hold up the flush for as long.
  const auto forgotten = std::make_shared<Gathering>(loop_, kFlushMs, [this] { FlushNodes(); });
  forgotten->Expect();
  crew_.TellFlush(epoch, [forgotten] { forgotten->Answered(); });
  forgotten->Complete();
}

void ScriptService::RaiseAll() {
  for (const auto& node : topology_.shared()) node->Raise();
}

void ScriptService::FlushNodes() {
  RaiseAll();
  const auto gathering = std::make_shared<Gathering>(loop_, kFlushMs, [this] { EndFlush(); });
  for (const auto& node : topology_.picture().nodes) {
    if (!flushes_.front().master_too && topology_.picture().master == node.id) continue;
    gathering->Expect();
    topology_.Flush(node.id, [this, gathering, id = node.id](bool flushed) {
      if (flushed && gathering->finished()) {
        topology_.RaiseNode(id, "it did a SCRIPT FLUSH late", true);
      } else if (flushed) {
        backend::NodeShared& shared = *topology_.shared()[id];
        shared.ProvenLost(shared.generation.load());  // it is raised when all have answered
      }
      gathering->Answered();
    });
  }
  // An address that is not watched any more may come back, with the same process.
  for (const auto& node : topology_.shared())
    if (!topology_.Watches(node->id)) topology_.OweFlush(node->id);
  gathering->Complete();
}

void ScriptService::EndFlush() {
  RaiseAll();
  const auto done = std::move(flushes_.front().done);
  flushes_.pop_front();
  done();
  if (!flushes_.empty()) BeginFlush();
}

void ScriptService::KillEverywhere(const char* container, std::function<void(std::string)> done) {
  struct Best {
    int rank = -1;
    std::string text = "UPSTREAMDOWN no node can be asked to kill a script";
  };
  const auto best = std::make_shared<Best>();
  const auto gathering =
      std::make_shared<Gathering>(loop_, kFlushMs, [best, done = std::move(done)] {
        done(best->rank == 4 ? "+OK\r\n" : "-" + best->text + "\r\n");
      });
  for (const auto& node : topology_.picture().nodes) {
    ControlConnection* connection = topology_.Connection(node.id);
    if (connection == nullptr) continue;
    gathering->Expect();
    best->text = "UPSTREAMLOST no node answered " + std::string(container) +
                 " KILL; the command may have been executed";
    connection->Ask({container, "KILL"}, [best, gathering](const ReplyTree* answer) {
      const int rank = answer == nullptr ? -1 : RankOf(*answer);
      if (rank > best->rank) *best = {rank, answer->text};
      gathering->Answered();
    });
  }
  gathering->Complete();
}

void ScriptService::Verify(replication::NodeId node, uint64_t epoch,
                           std::vector<replication::ScriptRef> scripts) {
  ControlConnection* connection = topology_.Connection(node);
  if (connection == nullptr || epoch != scripts_.epoch()) return;
  // What a node says while it is still to be flushed teaches nothing.
  const bool is_flushed =
      Flushing() && !flushes_.front().master_too && topology_.picture().master == node;
  if (Flushing() && !is_flushed) return;
  const uint64_t generation = topology_.shared()[node]->generation.load();
  for (auto& script : scripts) {
    if (scripts_.Find(script->sha) != nullptr) continue;
    if (script->text.size() > settings_.scripts.max_memory) continue;
    connection->Ask({"SCRIPT", "EXISTS", script->sha.ToString()},
                    [this, script, epoch, generation, node](const ReplyTree* answer) {
                      if (answer == nullptr || answer->elements.size() != 1) return;
                      if (answer->elements[0].integer != 1) return;
                      Learn(script, epoch, "SCRIPT EXISTS");
                      crew_.TellKnown(node, generation, script->sha);
                    });
  }
}

void ScriptService::Show(replication::NodeId node, const replication::Sha1& sha) {
  const replication::Node* at = topology_.picture().Find(node);
  ControlConnection* connection = topology_.Connection(node);
  if (Flushing()) return;
  // Valkey 8 and later can show a body; others answer with an error each time.
  if (connection == nullptr || at == nullptr || !at->version.starts_with("valkey")) return;
  if (shown_ms_.size() > kMostShown) shown_ms_.clear();
  const auto [asked, first] = shown_ms_.try_emplace(sha, loop_.now_ms());
  if (!first && loop_.now_ms() - asked->second < kShowAgainMs) return;
  asked->second = loop_.now_ms();
  const uint64_t epoch = scripts_.epoch();
  connection->Ask({"SCRIPT", "SHOW", sha.ToString()}, [this, sha, epoch](const ReplyTree* answer) {
    if (answer == nullptr || !answer->is_text()) return;
    if (answer->text.size() > settings_.scripts.max_memory) return;
    auto script = std::make_shared<const replication::ScriptBody>(answer->text);
    if (script->sha == sha) Learn(std::move(script), epoch, "SCRIPT SHOW");
  });
}

}  // namespace control
