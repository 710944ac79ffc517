#include "history_session.h"

#include <algorithm>
#include <utility>

#include "history_judge.h"
#include "history_worker.h"
#include "history_world.h"

namespace history {
namespace {

using replication::Wire;

const Script& ScriptOf(const Op& op) {
  return Scripts()[static_cast<size_t>(op.script)];
}

}  // namespace

// --- Reading -------------------------------------------------------------------------------------

void Session::Receive(std::vector<Command> commands) {
  for (Command& command : commands) socket_.push_back(std::move(command));
}

void Session::ReadSocket() {
  for (Command& command : socket_) inbox_.push_back(std::move(command));
  socket_.clear();
  ReadInbox();
}

Call* Session::FirstHeld() const {
  for (Call* call : queue_)
    if (call->state == CallState::kHeld) return call;
  return nullptr;
}

bool Session::MayParse() const {
  return !closed_ && FirstHeld() == nullptr && unsettled_ == 0 && withheld_ == 0;
}

void Session::ReadInbox() {
  while (!inbox_.empty() && MayParse()) {
    Command command = std::move(inbox_.front());
    inbox_.pop_front();
    OnCommand(std::move(command));
  }
}

void Session::OnCommand(Command command) {
  calls_.push_back(std::make_unique<Call>());
  Call& call = *calls_.back();
  call.command = std::move(command);
  call.more_follows = !inbox_.empty();
  const Op& op = call.op();
  switch (op.verb) {
    case Verb::kGet:
      call.read_only = true;
      call.where = Where::kReads;
      break;
    case Verb::kEval:
    case Verb::kEvalSha: {
      call.script.sha = ScriptOf(op).body->sha;
      call.script.by_sha = op.verb == Verb::kEvalSha;
      call.script.has_body = !call.script.by_sha;
      call.script.well_formed = !op.bad_numkeys;
      bool no_writes = !call.script.by_sha && ScriptOf(op).body->no_writes;
      if (const auto* body = worker_.registry().Find(call.script.sha)) {
        call.script.has_body = true;
        no_writes = (*body)->no_writes;
      }
      call.script.read_only = call.read_only = op.ro || no_writes;
      call.where = call.read_only ? Where::kReads : Where::kMaster;
      break;
    }
    case Verb::kScriptFlush:
      call.barrier = true;
      break;
    case Verb::kMulti:
    case Verb::kExec:
      call.where = Where::kLease;
      break;
    default:
      break;
  }
  queue_.push_back(&call);
  TrySend(call);
}

// --- Sending -------------------------------------------------------------------------------------

void Session::SchedulePump() {
  if (std::exchange(scheduled_, true) || closed_) return;
  worker_.Schedule(*this);
}

void Session::Pump() {
  if (closed_) return;
  if (unsettled_ > 0) {
    if (on_the_way_ > 0 || checking_ > 0) return;
    unsettled_ = 0;
    Settle();
    Deliver();
  }
  while (!closed_) {
    Call* held = FirstHeld();
    if (held == nullptr || !TrySend(*held)) break;
  }
  if (FirstHeld() == nullptr) ReadInbox();
}

void Session::Tick() {
  Pump();
}

bool Session::TrySend(Call& call) {
  if (unsettled_ > 0 || withheld_ > 0) return false;
  if (barrier_ || (call.barrier && on_the_way_ > 0)) return false;
  if (transaction_lost_) {
    if (on_the_way_ > 0) return false;
    if (call.op().verb == Verb::kExec) {
      transaction_lost_ = false;
      Refuse(call, "EXECABORT Transaction discarded because the connection to its node was lost");
    } else {
      Refuse(call, "UPSTREAMLOST the connection to the node was lost");
    }
    Deliver();
    return true;
  }
  const bool lease = lease_ != nullptr || call.where == Where::kLease;
  return (lease ? SendOnLease(call) : SendOnLane(call)) == Sending::kSent;
}

int Session::Route(const Call& call) {
  const int master = worker_.Master();
  if (call.where != Where::kReads || call.to_master) return master;
  if (!worker_.world().scenario().read_replicas) return master;
  std::vector<int> candidates;
  for (const auto& node : worker_.picture().nodes)
    if (node.readable) candidates.push_back(static_cast<int>(node.id));
  if (candidates.empty()) return master;
  if (on_the_way_ > 0 && std::find(candidates.begin(), candidates.end(), pool_) != candidates.end())
    return pool_;
  return candidates[call.command.id % candidates.size()];
}

Session::Sending Session::SendOnLane(Call& call) {
  const int node = Route(call);
  if (node < 0) return Sending::kWait;
  Pool& pool = worker_.pool(node);
  Link* lane = lane_;
  if (on_the_way_ > 0) {
    if (node != pool_ || lane->is_closed()) return Sending::kWait;
  } else {
    lane = worker_.Lane(pool);
  }
  if (lane == nullptr) return Sending::kWait;
  pool_ = node;
  if (call.is_script()) return SendScriptOnLane(call, pool, *lane);
  const replication::PipelineGuard::Command plain{call.read_only};
  if (worker_.world().policy().guard && !guard_.MaySend(plain)) return Sending::kWait;
  call.plan = {};
  if (call.op().verb == Verb::kScriptLoad)
    call.plan = {.generation = worker_.Scripts(pool).generation(),
                 .sent_at = worker_.Scripts(pool).proofs()};
  PutOnLink(call, *lane, Request{call.op(), call.command.id, Carried::kByClient, {}});
  return Sending::kSent;
}

void Session::FindBody(Call& call) {
  call.script.may_imitate =
      worker_.world().policy().imitators_carry_bodies && ScriptOf(call.op()).body->says_noscript;
  if (!call.script.by_sha) return;
  const bool flushed = call.script_epoch != worker_.registry().epoch();
  if (call.pass_body && !(flushed && worker_.world().policy().resend_forgets_body_at_flush)) return;
  call.pass_body = false;
  const auto* body = worker_.registry().Find(call.script.sha);
  call.body = body == nullptr ? nullptr : *body;
  call.script.has_body = call.body != nullptr;
}

Session::Sending Session::SendScriptOnLane(Call& call, Pool& pool, Link& lane) {
  const Policy& policy = worker_.world().policy();
  FindBody(call);
  if (MustAwaitFlush(pool, call.op())) return Sending::kWait;
  auto& cache = worker_.Scripts(pool);
  const bool evicts = pool.evicts && policy.guard_sees_eviction;
  const bool convert = worker_.world().scenario().convert_eval && !call.more_follows;
  replication::Plan plan;
  plan.generation = cache.generation();
  plan.sent_at = cache.proofs();
  if (!call.pass_body) {
    plan = replication::PlanCall(cache, lane.id, call.script, convert);
    if (!policy.ride_own_lane_only && !plan.exposed) {
      for (const Link* other : pool.lanes)
        if (other != nullptr && !plan.exposed)
          plan = replication::PlanCall(cache, other->id, call.script, convert);
    }
  } else if (call.script.by_sha) {
    plan.wire = Wire::kWithBody;
  }
  if (!policy.guard_sees_age) plan.loaded_at = 0;
  if (policy.guard && !guard_.MaySend(call.script, plan, evicts)) {
    if (plan.wire != Wire::kAsSha) return Sending::kWait;
    plan.wire = Wire::kAsCame;
    plan.exposed = plan.riding = false;
    if (!guard_.MaySend(call.script, plan, evicts)) return Sending::kWait;
  }
  call.plan = plan;
  Request request{call.op(), call.command.id, Carried::kByClient, {}};
  if (plan.wire == Wire::kWithBody) {
    call.body_count = &worker_.BodiesOf(worker_.registry().epoch());
    ++*call.body_count;
    request.op.verb = Verb::kEval;
    request.op.ro = request.op.ro && policy.keep_ro;
    request.carried = Carried::kByProxy;
  } else if (plan.wire == Wire::kAsSha) {
    request.op.verb = Verb::kEvalSha;
  }
  PutOnLink(call, lane, std::move(request));
  replication::Sent(cache, lane.id, call.script, plan);
  call.body_on_its_way = true;
  call.given_mark = worker_.world().bodies(pool.node).Mark(call.script.sha);
  const bool carries = replication::CarriesBody(call.script, plan);
  if (!policy.mark_by_answer && carries && cache.MarkKnown(call.script.sha, plan.generation))
    worker_.world().judge().OnKnown(pool.node, plan.generation, call.op().script);
  guard_.OnSent(call.script, plan);
  return Sending::kSent;
}

// The node owes a SCRIPT FLUSH: what nobody gave us since must not be found there.
bool Session::MustAwaitFlush(const Pool& pool, const Op& op) {
  const World& world = worker_.world();
  return op.verb == Verb::kEvalSha && world.owes_flush(pool.node) &&
         world.policy().owing_node_runs_nothing_unknown &&
         worker_.registry().Find(ScriptOf(op).body->sha) == nullptr;
}

Session::Sending Session::SendOnLease(Call& call) {
  const Policy& policy = worker_.world().policy();
  if (lease_ == nullptr) {
    if (on_the_way_ > 0 || worker_.Master() < 0) return Sending::kWait;
    Pool& pool = worker_.pool(worker_.Master());
    lease_ = worker_.TakeLease(pool, *this);
    if (lease_ == nullptr) return Sending::kWait;
    pool_ = pool.node;
    sent_multi_ = false;
  }
  if (lease_->is_closed()) return Sending::kWait;
  Pool& pool = worker_.pool(pool_);
  bool await = MustAwaitFlush(pool, call.op());
  for (const Op& op : call.command.queued) await = await || MustAwaitFlush(pool, op);
  if (await) return Sending::kWait;
  const Verb verb = call.op().verb;
  Request request{call.op(), call.command.id, Carried::kByClient, {}};
  call.plan = {};
  call.plan.generation = worker_.Scripts(worker_.pool(pool_)).generation();
  if (verb == Verb::kMulti) {
    sent_multi_ = true;
    request = QueueTransaction(call);
  } else if (verb == Verb::kExec) {
    sent_multi_ = false;
    // What was queued runs with EXEC, and is on the way until that is answered.
    call.body_count = std::exchange(transaction_bodies_, nullptr);
  } else if (call.is_script()) {
    FindBody(call);
    if (call.script.by_sha && call.body != nullptr) {
      call.plan.wire = Wire::kWithBody;
      request.op.verb = Verb::kEval;
      request.carried = Carried::kByProxy;
      if (policy.lease_bodies_count) {
        call.body_count = &worker_.BodiesOf(worker_.registry().epoch());
        ++*call.body_count;
      }
    }
  }
  PutOnLink(call, *lease_, std::move(request));
  return Sending::kSent;
}

Request Session::QueueTransaction(Call& call) {
  const Policy& policy = worker_.world().policy();
  Request request{call.op(), call.command.id, Carried::kByClient, {}};
  bool bodies = false;
  worker_.world().judge().OnQueuing(call);
  for (const Op& op : call.command.queued) {
    Queued queued{op, Carried::kByClient};
    const bool held =
        op.verb == Verb::kEvalSha && worker_.registry().Find(ScriptOf(op).body->sha) != nullptr;
    worker_.world().judge().OnQueued(call, op, held);
    if (held && policy.body_in_multi) {
      queued.op.verb = Verb::kEval;
      queued.carried = Carried::kByProxy;
      bodies = true;
    }
    request.queued.push_back(queued);
  }
  if (bodies && policy.lease_bodies_count) {
    transaction_bodies_ = &worker_.BodiesOf(worker_.registry().epoch());
    ++*transaction_bodies_;
  }
  return request;
}

void Session::PutOnLink(Call& call, Link& link, Request request) {
  call.state = CallState::kOnTheWay;
  call.in_connection = true;
  call.node = pool_;
  call.by_replica = lease_ == nullptr && pool_ != worker_.Master();
  call.link = &link;
  call.script_epoch = worker_.registry().epoch();
  ++call.attempts;
  ++on_the_way_;
  if (call.barrier) barrier_ = true;
  if (lease_ == nullptr) lane_ = &link;
  worker_.world().judge().OnSent(call);
  link.Send({std::move(request), [this, &call](const Reply& reply) { OnReply(call, reply); },
             [this, &call](bool sent) { OnLost(call, sent); }});
}

void Session::CountBody(uint32_t** count) {
  if (*count != nullptr) --*std::exchange(*count, nullptr);
}

}  // namespace history
