#include "history_worker.h"

#include <algorithm>
#include <utility>

#include "history_judge.h"
#include "history_world.h"

namespace history {

Worker::Worker(World& world, int index) : world_(world), index_(index) {
  for (int node = 0; node < world.scenario().nodes; ++node) {
    pools_.emplace_back();
    pools_.back().node = node;
    pools_.back().scripts =
        replication::ScriptCache(replication::ScriptCache::kDefaultCapacity, &world.bodies(node));
    pools_.back().lanes.resize(static_cast<size_t>(world.scenario().lanes));
  }
}

void Worker::DrainMail() {
  while (!mailbox_.empty()) {
    const auto letter = std::move(mailbox_.front());
    mailbox_.pop_front();
    letter();
  }
}

void Worker::EndTurn() {
  if (!world_.policy().flush_waits_for_bodies) bodies_[0] = bodies_[1] = 0;
  for (size_t i = 0; i < flushes_.size();) {
    if (BodiesOf(flushes_[i].old_epoch) > 0) {
      ++i;
      continue;
    }
    flushes_[i].forgot();
    flushes_.erase(flushes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (int round = 0; round < 4 && !scheduled_.empty(); ++round) {
    const std::vector<Session*> now = std::exchange(scheduled_, {});
    for (Session* session : now) {
      session->EndOfSchedule();
      session->Pump();
    }
  }
}

void Worker::Tick() {
  for (Pool& pool : pools_) pool.blocked = false;
  for (const auto& session : sessions_) session->Pump();
}

// --- Nodes ---------------------------------------------------------------------------------------

replication::ScriptCache& Worker::Scripts(Pool& pool) {
  const uint64_t generation = world_.generation(pool.node);
  if (pool.scripts.generation() != generation) {
    pool.scripts.Enter(generation);
    world_.judge().OnEntered(pool.scripts);
  }
  return pool.scripts;
}

void Worker::Raise(int node, const char* why) {
  world_.Raise(node, why);
}

Link* Worker::Connect(Pool& pool, Link::Kind kind) {
  if (pool.blocked) return nullptr;
  Link& link = world_.Connect(index_, pool.node, kind);
  if (kind == Link::Kind::kLane) {
    link.ready = [this, &pool](const std::string& run_id) {
      if (run_id.empty()) {
        Raise(pool.node, "a lane that does not say which process it is");
      } else if (!pool.run_id.empty() && run_id != pool.run_id) {
        Raise(pool.node, "a lane leads to another process");
        pool.run_id = run_id;
      }
    };
  }
  link.closed = [this, &link](bool was_ready) { OnClosed(link, was_ready); };
  return &link;
}

Link* Worker::Lane(Pool& pool) {
  Link** best = nullptr;
  for (Link*& lane : pool.lanes) {
    if (lane == nullptr) {
      if (pool.blocked) continue;
      best = &lane;
      break;
    }
    if (best == nullptr || lane->outstanding() < (*best)->outstanding()) best = &lane;
  }
  if (best == nullptr) return nullptr;
  if (*best == nullptr) *best = Connect(pool, Link::Kind::kLane);
  return *best;
}

Link* Worker::TakeLease(Pool& pool, Session& session) {
  Link* lease = Connect(pool, Link::Kind::kLease);
  if (lease == nullptr) return nullptr;
  lease->closed = [this, lease, &session](bool was_ready) {
    OnClosed(*lease, was_ready);
    session.OnLeaseLost(*lease);
  };
  return lease;
}

void Worker::RetireLane(int node, uint32_t which) {
  auto& lanes = pool(node).lanes;
  lanes[which % lanes.size()] = nullptr;
}

void Worker::OnClosed(Link& link, bool was_ready) {
  Pool& of = pool(link.node);
  if (!was_ready) {
    of.blocked = true;
  } else if (world_.policy().raise_on_loss) {
    Raise(link.node, "a connection was lost");
  }
  for (Link*& lane : of.lanes)
    if (lane == &link) lane = nullptr;
}

// --- What concerns all workers -------------------------------------------------------------------

void Worker::Known(int node, uint64_t generation, ScriptId script) {
  for (const auto& other : world_.workers())
    if (other.get() != this)
      other->Post([to = other.get(), node, generation, script] {
        to->TakeKnown(node, generation, script);
      });
}

void Worker::Learned(ScriptId script, uint64_t epoch) {
  const uint64_t as_of = world_.policy().registry_epochs ? epoch : registry_.epoch();
  if (!registry_.Add(Scripts_(script), as_of)) return;
  world_.Trace("  w" + std::to_string(index_) + " learns " + NameOf(script));
  for (const auto& other : world_.workers())
    if (other.get() != this)
      other->Post([to = other.get(), script, epoch] { to->TakeLearned(script, epoch); });
  world_.TellLearned(script, epoch);
}

const replication::ScriptRef& Worker::Scripts_(ScriptId script) {
  return history::Scripts()[static_cast<size_t>(script)].body;
}

void Worker::TakePicture(std::shared_ptr<const replication::Topology> picture) {
  picture_ = std::move(picture);
  for (const auto& node : picture_->nodes) {
    Pool& of = pool(static_cast<int>(node.id));
    of.run_id = node.run_id;
    of.evicts = node.evicts;
  }
  for (const auto& session : sessions_) session->Pump();
}

void Worker::TakeLearned(ScriptId script, uint64_t epoch) {
  registry_.Add(Scripts_(script), world_.policy().registry_epochs ? epoch : registry_.epoch());
}

void Worker::TakeKnown(int node, uint64_t generation, ScriptId script) {
  if (Scripts(pool(node)).MarkKnown(Scripts_(script)->sha, generation))
    world_.judge().OnKnown(node, generation, script);
}

void Worker::TakeFlush(uint64_t epoch, std::function<void()> forgot) {
  const uint64_t old_epoch =
      world_.policy().flush_waits_for_own_past ? epoch - 1 : registry_.epoch();
  flushes_.push_back({old_epoch, std::move(forgot)});
  registry_.Flush(epoch);
}

// --- Is it the server's own word? ----------------------------------------------------------------

void Worker::AskMiss(Link& link, ScriptId script, uint64_t generation, uint32_t given_mark,
                     std::function<void(Verdict)> waiter) {
  for (const auto& question : questions_) {
    if (question->link != link.id || question->script != script) continue;
    question->waiters.push_back({generation, given_mark, std::move(waiter)});
    return;
  }
  questions_.push_back(std::make_unique<Question>(Question{link.id, script, {}}));
  Question& question = *questions_.back();
  question.waiters.push_back({generation, given_mark, std::move(waiter)});
  Request request;
  request.op = {Verb::kScriptExists, script, false, false};
  link.Send(
      {std::move(request),
       [this, node = link.node, &question](const Reply& reply) {
         AnswerQuestion(node, question, &reply);
       },
       [this, node = link.node, &question](bool) { AnswerQuestion(node, question, nullptr); }});
}

void Worker::AnswerQuestion(int node, Question& question, const Reply* reply) {
  const auto at = std::find_if(questions_.begin(), questions_.end(),
                               [&](const auto& open) { return open.get() == &question; });
  const std::unique_ptr<Question> done = std::move(*at);
  questions_.erase(at);
  const bool answered = reply != nullptr && reply->error.empty();
  const bool absent = answered && !reply->exists;
  const bool present = answered && reply->exists;
  if (absent) {
    uint64_t newest = 0;
    for (const auto& asker : done->waiters) newest = std::max(newest, asker.generation);
    world_.ProvenLost(node, newest);
    if (newest == world_.generation(node) && world_.policy().raise_on_miss)
      Raise(node, "it answered NOSCRIPT for a script that it held");
  }
  for (const auto& [generation, given_mark, waiter] : done->waiters) {
    Verdict verdict = Verdict::kUnsure;
    const bool on_record = !world_.policy().lost_in_by_generation ||
                           world_.lost_in(node) >= generation ||
                           world_.bodies(node).GivenSince(Scripts_(done->script)->sha, given_mark);
    if (absent || (present && on_record)) {
      verdict = Verdict::kServers;
    } else if (present) {
      verdict = Verdict::kScripts;
    }
    waiter(verdict);
  }
}

}  // namespace history
