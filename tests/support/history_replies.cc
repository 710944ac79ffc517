// What a session does with replies: the second half of history_session.h.
#include <utility>
#include <vector>

#include "history_judge.h"
#include "history_session.h"
#include "history_worker.h"
#include "history_world.h"

namespace history {
namespace {

using replication::Proof;

constexpr int kMostAttempts = 4;
constexpr std::string_view kUpstreamLost =
    "UPSTREAMLOST connection to the node lost; the command may have been executed";

bool NothingExecuted(const Call& call) {
  switch (call.state) {
    case CallState::kHeld:
      return true;
    case CallState::kMissed:
      return call.confirmed;
    case CallState::kLost:
      return !call.was_sent;
    default:
      return false;
  }
}

bool MaySendAgain(const Call& call) {
  if (call.state != CallState::kLost) return NothingExecuted(call);
  if (call.attempts >= kMostAttempts) return false;
  return !call.was_sent || call.read_only;
}

}  // namespace

void Session::BodyIsThere(Call& call) {
  if (std::exchange(call.body_on_its_way, false))
    replication::Answered(worker_.pool(call.node).scripts, call.script, call.plan);
}

void Session::OnAnswered(Call& call) {
  call.in_connection = false;
  BodyIsThere(call);
  CountBody(&call.body_count);
  if (call.plan.exposed) guard_.OnAnswered();
  if (call.barrier) barrier_ = false;
  if (--on_the_way_ > 0) return;
  lane_ = nullptr;
  guard_.Reset();
  if (lease_ == nullptr) pool_ = -1;
}

void Session::OnReply(Call& call, const Reply& reply) {
  if (closed_) {
    CountBody(&call.body_count);
    BodyIsThere(call);
    return;
  }
  OnAnswered(call);
  call.reply = reply;
  call.state = CallState::kAnswered;
  worker_.world().judge().OnAnswered(call);
  switch (call.op().verb) {
    case Verb::kEval:
    case Verb::kEvalSha:
      TakeScript(call);
      break;
    case Verb::kScriptLoad:
      TakeScriptLoad(call);
      break;
    case Verb::kScriptFlush:
      if (reply.error.empty()) worker_.world().FlushEverywhere(worker_.index(), Withhold(call));
      break;
    default:
      break;
  }
  if (lease_ != nullptr && on_the_way_ == 0 && !sent_multi_) {
    worker_.world().CloseByProxy(*std::exchange(lease_, nullptr));
    pool_ = -1;
  }
  Deliver();
}

void Session::TakeScript(Call& call) {
  World& world = worker_.world();
  Pool& pool = worker_.pool(call.node);
  auto& cache = worker_.Scripts(pool);
  const ScriptId script = call.op().script;
  const Proof proof = replication::Judge(call.reply.error, call.script.sha);
  replication::Plan plan = call.plan;
  if (!world.policy().learn_by_generation) plan.generation = cache.generation();
  if (replication::Learn(cache, call.link->id, call.script, plan, proof)) {
    world.judge().OnKnown(call.node, plan.generation, script);
    worker_.Known(call.node, plan.generation, script);
  }
  const bool had_body = replication::CarriesBody(call.script, call.plan);
  if (!call.script.by_sha && proof == Proof::kRan) {
    const bool present = worker_.registry().Find(call.script.sha) != nullptr;
    const bool flushed = call.script_epoch != worker_.registry().epoch();
    if (!present && !(flushed && world.policy().registry_epochs))
      worker_.Learned(script, call.script_epoch);
  }
  if (proof != Proof::kNoScript || had_body) return;
  if (call.plan.exposed) {
    OnMissed(call);
    return;
  }
  const bool again =
      (call.read_only && call.by_replica) || !world.policy().only_replicas_reads_go_to_master;
  if (!call.to_master && worker_.Master() != call.node && again) {
    call.to_master = true;
    call.state = CallState::kHeld;
    world.Trace("  c" + std::to_string(call.command.id) + " goes to the master");
  }
}

void Session::TakeScriptLoad(Call& call) {
  World& world = worker_.world();
  if (!call.reply.error.empty()) return;
  const ScriptId script = call.op().script;
  const auto& body = Scripts()[static_cast<size_t>(script)].body;
  if (worker_.Scripts(worker_.pool(call.node))
          .MarkKnown(body->sha, call.plan.generation, call.plan.sent_at)) {
    world.judge().OnKnown(call.node, call.plan.generation, script);
    worker_.Known(call.node, call.plan.generation, script);
  }
  const bool flushed = call.script_epoch != worker_.registry().epoch();
  if (worker_.registry().Find(body->sha) == nullptr && !flushed)
    worker_.Learned(script, call.script_epoch);
  if (!flushed || !world.policy().distribute_only_in_epoch)
    world.Distribute(worker_.index(), script, call.script_epoch, Withhold(call));
}

// --- After something went wrong ------------------------------------------------------------------

void Session::OnMissed(Call& call) {
  call.state = CallState::kMissed;
  call.checking = true;
  ++unsettled_;
  ++checking_;
  worker_.world().judge().OnMissed(call);
  const auto waiter = [this, &call](Verdict verdict) {
    if (!closed_) OnVerdict(call, verdict);
  };
  if (!worker_.world().policy().confirm_misses) {
    worker_.Post([waiter] { waiter(Verdict::kServers); });
    return;
  }
  worker_.AskMiss(*call.link, call.op().script, call.plan.generation, call.given_mark, waiter);
}

void Session::OnVerdict(Call& call, Verdict verdict) {
  World& world = worker_.world();
  call.checking = false;
  --checking_;
  if (verdict == Verdict::kUnsure) world.judge().OnUnsure(call.command.id);
  // What has no effect may be sent again whoever said it.
  if (call.read_only) verdict = Verdict::kServers;
  switch (verdict) {
    case Verdict::kServers:
      call.confirmed = true;
      break;
    case Verdict::kScripts:
      --unsettled_;
      if (!call.script.by_sha && world.policy().unsure_eval_is_lost) {
        Refuse(call, kUpstreamLost);
        break;
      }
      call.state = CallState::kAnswered;
      world.Trace("  c" + std::to_string(call.command.id) + ": its own words");
      break;
    case Verdict::kUnsure:
      world.Trace("  c" + std::to_string(call.command.id) + ": nobody can tell");
      --unsettled_;
      if (!call.script.by_sha && world.policy().unsure_eval_is_lost) {
        Refuse(call, kUpstreamLost);
        break;
      }
      call.state = CallState::kAnswered;
      break;
  }
  Deliver();
  SchedulePump();
}

void Session::OnLost(Call& call, bool sent) {
  if (closed_) {
    CountBody(&call.body_count);
    BodyIsThere(call);
    return;
  }
  worker_.world().Trace("  c" + std::to_string(call.command.id) + " is lost" +
                        (sent ? "" : ", unsent"));
  if (call.op().verb == Verb::kExec && !sent) transaction_lost_ = true;
  OnAnswered(call);
  call.state = CallState::kLost;
  call.was_sent = sent;
  if (sent) worker_.world().judge().OnLost(call);
  ++unsettled_;
  SchedulePump();
}

void Session::OnLeaseLost(Link& link) {
  if (lease_ != &link) return;
  lease_ = nullptr;
  pool_ = -1;
  transaction_lost_ = transaction_lost_ || sent_multi_;
  sent_multi_ = false;
  CountBody(&transaction_bodies_);
}

void Session::Settle() {
  World& world = worker_.world();
  std::vector<replication::Outcome> outcomes;
  for (const Call* call : queue_) outcomes.push_back({MaySendAgain(*call), call->read_only});
  std::vector<bool> again = replication::Repairable(outcomes);
  if (!world.policy().repair_in_order)
    for (size_t i = 0; i < again.size(); ++i) again[i] = outcomes[i].missed;
  for (size_t i = 0; i < queue_.size(); ++i) {
    Call& call = *queue_[i];
    if (call.state != CallState::kMissed && call.state != CallState::kLost) continue;
    const std::string name = "  c" + std::to_string(call.command.id);
    if (again[i]) {
      world.Trace(name + " may be sent once more");
      if (call.state == CallState::kMissed) {
        call.pass_body = true;
        world.judge().OnRepaired(call);
      }
      call.confirmed = call.checking = call.was_sent = false;
      call.plan = {};
      call.state = CallState::kHeld;
      continue;
    }
    if (call.state == CallState::kMissed) {
      world.Trace(name + " cannot be repaired");
      call.state = CallState::kAnswered;
      continue;
    }
    Refuse(call, kUpstreamLost);
  }
}

std::function<void()> Session::Withhold(Call& call) {
  call.withheld = true;
  ++withheld_;
  return [this, &call] {
    if (closed_) return;
    call.withheld = false;
    --withheld_;
    Deliver();
    SchedulePump();
  };
}

void Session::Refuse(Call& call, std::string_view error) {
  call.reply = {};
  call.reply.error = error;
  call.reply.call = call.command.id;
  call.state = CallState::kAnswered;
}

void Session::Deliver() {
  if (closed_) return;
  while (!queue_.empty() && queue_.front()->state == CallState::kAnswered &&
         !queue_.front()->withheld) {
    worker_.world().judge().OnDelivered(*queue_.front(), worker_.registry().epoch());
    queue_.pop_front();
  }
  if (FirstHeld() != nullptr || unsettled_ > 0 || !inbox_.empty()) SchedulePump();
}

void Session::Leave() {
  if (closed_ || lease_ != nullptr) return;
  closed_ = true;
  worker_.world().judge().OnLeft(index_);
}

std::string Session::Words() const {
  std::string words = "s" + std::to_string(index_) + ": inbox " + std::to_string(inbox_.size()) +
                      ", on the way " + std::to_string(on_the_way_) + ", unsettled " +
                      std::to_string(unsettled_) + ", checking " + std::to_string(checking_) +
                      ", withheld " + std::to_string(withheld_) + ", queue";
  for (const Call* call : queue_)
    words += " c" + std::to_string(call->command.id) + "/" +
             std::to_string(static_cast<int>(call->state));
  return words;
}

}  // namespace history
