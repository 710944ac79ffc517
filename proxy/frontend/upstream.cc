#include "proxy/frontend/upstream.h"

#include <utility>

#include "proxy/frontend/router.h"
#include "proxy/frontend/script_wire.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

// WAIT is about the writes of its own connection, and ours went over lanes. A command that is
// replicated but changes and tells nothing makes this connection's last write the newest: a message
// on a channel of shards, which no pattern can match.
const std::string kTouchReplication = resp::EncodeCommand({"SPUBLISH", "shacast:waiting", ""});
// Up to 7.0 any command does that, and 6.x has no SPUBLISH.
const std::string kPing = resp::EncodeCommand({"PING"});
const std::string kDiscard = resp::EncodeCommand({"DISCARD"});

}  // namespace

Upstream::Upstream(SessionContext& context, SessionState& state, backend::ReplySink& sink)
    : context_(context), state_(state), sink_(sink), turn_(state.id) {}

Upstream::~Upstream() {
  DropLease();
}

Upstream::Sending Upstream::TrySend(Call& call, std::string* refusal) {
  if (barrier_ || (call.barrier && on_the_way_ > 0)) return Sending::kWait;
  if (state_.transaction_lost) return RefuseInLostTransaction(call, refusal);
  if (lease_ != nullptr || call.where == Where::kLease) return SendOnLease(call, refusal);
  return SendOnLane(call, refusal);
}

Upstream::Sending Upstream::Hold(Call& call, std::string* refusal) {
  const uint64_t now = context_.loop.now_ms();
  if (call.held_since_ms == 0) call.held_since_ms = now;
  const auto limit = static_cast<uint64_t>(context_.settings.routing.failover_hold.count());
  if (now - call.held_since_ms < limit) return Sending::kWait;
  const auto& picture = context_.nodes.picture();
  const std::string why = picture.master ? "it takes no connections" : picture.why_no_master;
  *refusal = "UPSTREAMDOWN no master" + (why.empty() ? "" : ": " + why);
  context_.counters.upstream_down.Add();
  return Sending::kRefused;
}

// The connection broke between MULTI and EXEC: nothing of the transaction may run, and the client
// is told so until it has ended it.
Upstream::Sending Upstream::RefuseInLostTransaction(const Call& call, std::string* refusal) {
  if (on_the_way_ > 0) return Sending::kWait;
  switch (call.after) {
    case After::kExec:
      state_.transaction_lost = state_.watch_lost = false;
      *refusal = "EXECABORT Transaction discarded because the connection to its node was lost";
      return Sending::kRefused;
    case After::kDiscard:
      state_.transaction_lost = state_.watch_lost = false;
      return Sending::kDiscarded;
    default:
      *refusal = "UPSTREAMLOST the connection to the node was lost; the transaction is discarded";
      return Sending::kRefused;
  }
}

backend::NodePool* Upstream::Route(const Call& call, std::string* refusal) {
  if (call.where != Where::kReads || call.to_master ||
      context_.settings.routing.reads == config::Reads::kMaster)
    return context_.nodes.Master();
  std::optional<replication::NodeId> stay;
  if (on_the_way_ > 0) stay = pool_->shared().id;
  const ReadRoute route = RouteRead(
      context_.nodes.picture(), context_.settings.routing.reads, stay,
      [this](replication::NodeId id) {
        const backend::NodePool* pool = context_.nodes.Pool(id);
        return pool == nullptr ? size_t{0} : pool->outstanding();
      },
      turn_++);
  if (!route.node) {
    if (!route.wait_for_master) {
      *refusal = "UPSTREAMDOWN no replica may be read (routing.reads = \"replica\")";
      context_.counters.upstream_down.Add();
    }
    return nullptr;
  }
  return context_.nodes.Pool(*route.node);
}

Upstream::Sending Upstream::SendOnLane(Call& call, std::string* refusal) {
  backend::NodePool* pool = Route(call, refusal);
  if (pool == nullptr) return refusal->empty() ? Hold(call, refusal) : Sending::kRefused;

  backend::Connection* lane = lane_;
  if (on_the_way_ > 0) {
    if (pool != pool_ || call.db >= 0 || call.protocol > 0 || lane->closed()) return Sending::kWait;
  } else if (call.db >= 0 || call.protocol > 0) {
    backend::ConnectionKey key = state_.key;
    if (call.db >= 0) key.db = call.db;
    if (call.protocol > 0) key.protocol = call.protocol;
    lane = pool->Lane(key);
  } else {
    lane = pool->Lane(state_.key);
  }
  if (lane == nullptr) return Hold(call, refusal);
  if (lane->unsent() > kMostUnsent) return Sending::kWait;

  pool_ = pool;
  if (call.after == After::kScript) return SendScriptOnLane(call, *lane);
  if (!guard_.MaySend(replication::PipelineGuard::Command{call.read_only})) return Sending::kWait;
  Note(call, *lane);
  if (call.after == After::kScriptLoad) PlanLoad(call);
  lane->Send(call, call.request);
  return Sending::kSent;
}

// Whether we hold the body is looked up when the call is sent: what was ahead of it may have
// brought the script, or flushed it. A call that missed keeps the body that it had, but not past a
// SCRIPT FLUSH: it would bring the script back.
void Upstream::FindBody(Call& call) {
  if (!call.script.by_sha) return;
  const bool flushed = call.script_epoch != context_.scripts.epoch();
  if (call.pass_body && !flushed) return;
  call.pass_body = false;
  const replication::ScriptRef* body = context_.scripts.Find(call.script.sha);
  call.body = body == nullptr ? nullptr : *body;
  call.script.has_body = call.body != nullptr;
  call.script.may_imitate = call.body != nullptr && call.body->says_noscript;
}

// The node has not carried out a SCRIPT FLUSH yet, so what nobody gave us since must not be found
// there. Not for ever: a script may run there for minutes, and the client should hear that.
bool Upstream::MustAwaitFlush(Call& call, const backend::NodePool& pool) {
  if (!call.script.by_sha || call.script.has_body || !pool.shared().owes_flush.load()) return false;
  const uint64_t now = context_.loop.now_ms();
  if (call.held_since_ms == 0) call.held_since_ms = now;
  return now - call.held_since_ms <
         static_cast<uint64_t>(context_.settings.routing.failover_hold.count());
}

EvalRights::Right Upstream::RightToSendBody(const Call& call, const backend::ConnectionKey& key) {
  return context_.eval_rights.Of(*pool_, key, HasReadOnlyName(call.request));
}

Upstream::Sending Upstream::SendScriptOnLane(Call& call, backend::Connection& lane) {
  using replication::Wire;
  FindBody(call);
  if (MustAwaitFlush(call, *pool_)) return Sending::kWait;
  auto& cache = pool_->Scripts();
  const bool evicts = pool_->evicts();
  // An EVAL with something behind it would make that wait, if it went as EVALSHA.
  const bool convert = context_.settings.scripts.eval_as_evalsha && !call.more_follows;
  replication::Plan plan;
  plan.generation = cache.generation();
  plan.sent_at = cache.proofs();
  if (!call.pass_body) {
    plan = replication::PlanCall(cache, lane.id(), call.script, convert);
  } else if (call.script.by_sha) {
    plan.wire = Wire::kWithBody;
  }
  if (plan.wire == Wire::kWithBody) {
    const auto right = RightToSendBody(call, lane.key());
    if (right == EvalRights::Right::kAsked) return Sending::kWait;
    if (right == EvalRights::Right::kNo) plan.wire = Wire::kAsCame;
  }
  if (!guard_.MaySend(call.script, plan, evicts)) {
    if (plan.wire != Wire::kAsSha) return Sending::kWait;
    plan.wire = Wire::kAsCame;
    plan.exposed = plan.riding = false;
    if (!guard_.MaySend(call.script, plan, evicts)) return Sending::kWait;
  }
  const bool carries_body = replication::CarriesBody(call.script, plan);
  if (carries_body && !pool_->MayCarryBody()) return Sending::kWait;
  if (plan.exposed) {
    if (!pool_->ExposedSent(plan.generation)) return SendScriptOnLane(call, lane);
    call.exposed_in = pool_;
    call.given_mark = pool_->shared().bodies.Mark(call.script.sha);
  }
  call.plan = plan;
  call.is_script = true;
  if (call.body != nullptr) call.body->last_used.store(context_.Tick(), std::memory_order_relaxed);
  if (plan.wire == Wire::kWithBody) {
    call.body_count = &context_.bodies.Of(context_.scripts.epoch());
    ++*call.body_count;
    context_.counters.evalsha_with_body.Add();
  } else if (plan.wire == Wire::kAsSha) {
    context_.counters.eval_as_evalsha.Add();
  } else if (call.script.by_sha) {
    context_.counters.evalsha_as_came.Add();
  }
  Note(call, lane);
  SendAs(lane, call);
  replication::Sent(cache, lane.id(), call.script, plan);
  if (carries_body) call.loading_in = pool_;
  guard_.OnSent(call.script, plan);
  return Sending::kSent;
}

void Upstream::PlanLoad(Call& call) {
  auto& cache = pool_->Scripts();
  call.plan.generation = cache.generation();
  call.plan.sent_at = cache.proofs();
  std::vector<std::string_view> args;
  resp::PeekArguments(call.request.view(), 3, &args);
  call.body = std::make_shared<replication::ScriptBody>(std::string(args[2]));
  if (call.queued) return;
  call.script.sha = call.body->sha;
  cache.BodySent(call.script.sha);
  call.loading_in = pool_;
}

void Upstream::SendAs(backend::Connection& connection, Call& call) {
  if (call.plan.wire == replication::Wire::kAsCame) {
    connection.Send(call, call.request);
    return;
  }
  Pieces pieces = call.plan.wire == replication::Wire::kWithBody
                      ? WithBody(call.request, call.body)
                      : AsSha(call.request, call.script.sha);
  connection.Send(call, std::move(pieces[0]));
  for (size_t i = 1; i < pieces.size(); ++i)
    if (!pieces[i].empty()) connection.More(std::move(pieces[i]));
}

bool Upstream::TakeLease(Call& call, std::string* refusal, Sending* sending) {
  *sending = Sending::kWait;
  if (on_the_way_ > 0) return false;
  backend::NodePool* pool = context_.nodes.Master();
  if (pool == nullptr) {
    *sending = Hold(call, refusal);
    return false;
  }
  backend::ConnectionKey key = state_.key;
  if (call.identity != nullptr) {
    key = {call.identity, 0, call.protocol > 0 ? call.protocol : state_.key.protocol};
  }
  backend::Connection* lease = pool->TakeLease(key, *this);
  if (lease == nullptr && pool->connect_blocked()) {
    *sending = Hold(call, refusal);
    return false;
  }
  if (lease == nullptr) {
    *refusal = "ERR all " + std::to_string(context_.settings.upstream.max_dedicated) +
               " dedicated connections are in use (upstream.max_dedicated)";
    *sending = Sending::kRefused;
    return false;
  }
  lease_ = lease;
  pool_ = pool;
  ForgetTransaction();
  return true;
}

Upstream::Sending Upstream::TakeLeaseForGood(Call& call, std::string* refusal) {
  if (on_the_way_ > 0) return Sending::kWait;
  if (lease_ == nullptr) {
    Sending sending;
    if (!TakeLease(call, refusal, &sending)) return sending;
  }
  return lease_->closed() ? Sending::kWait : Sending::kSent;
}

Upstream::Sending Upstream::SendOnLease(Call& call, std::string* refusal) {
  if (lease_ == nullptr) {
    Sending sending;
    if (!TakeLease(call, refusal, &sending)) return sending;
  }
  if (lease_->closed()) return Sending::kWait;  // it is just being taken from us
  if (lease_->unsent() > kMostUnsent) return Sending::kWait;
  if (call.after == After::kScript) {
    FindBody(call);
    if (MustAwaitFlush(call, *pool_)) return Sending::kWait;
    if (call.script.by_sha && call.body != nullptr &&
        RightToSendBody(call, state_.key) == EvalRights::Right::kAsked)
      return Sending::kWait;
  }
  NoteInTransaction(call);
  if (call.about_writes && !transaction_.sent_multi) PrepareWait();
  Note(call, *lease_);
  if (call.after == After::kScript) {
    SendScriptOnLease(call);
  } else if (call.nil_reply) {
    lease_->Send(call, base::StaticSlice(kDiscard));
  } else {
    if (call.after == After::kScriptLoad) PlanLoad(call);
    lease_->Send(call, call.request);
  }
  return Sending::kSent;
}

void Upstream::SendScriptOnLease(Call& call) {
  using replication::Wire;
  // Inside MULTI a NOSCRIPT could not be repaired, and nothing is believed of a lease: the body
  // goes with every call. Behind a SCRIPT FLUSH of the same transaction the server is to say
  // NOSCRIPT.
  const bool with_body = call.script.by_sha && call.body != nullptr && !transaction_.notes.flush &&
                         RightToSendBody(call, state_.key) == EvalRights::Right::kYes;
  call.plan = {.wire = with_body ? Wire::kWithBody : Wire::kAsCame,
               .generation = pool_->Scripts().generation(),
               .sent_at = pool_->Scripts().proofs()};
  call.is_script = true;
  // A SCRIPT FLUSH waits for it. What is queued runs with EXEC.
  if (with_body && (!transaction_.sent_multi || transaction_.body_count == nullptr)) {
    uint32_t* count = &context_.bodies.Of(context_.scripts.epoch());
    ++*count;
    (transaction_.sent_multi ? transaction_.body_count : call.body_count) = count;
  }
  if (call.body != nullptr) call.body->last_used.store(context_.Tick(), std::memory_order_relaxed);
  (with_body ? context_.counters.evalsha_with_body : context_.counters.evalsha_as_came).Add();
  SendAs(*lease_, call);
  if (!call.queued && replication::CarriesBody(call.script, call.plan)) {
    pool_->Scripts().BodySent(call.script.sha);
    call.loading_in = pool_;
  }
}

void Upstream::NoteInTransaction(Call& call) {
  if (transaction_.sent_multi) NoteQueued(call);
  const backend::ConnectionKey& key = lease_->key();
  if ((call.db >= 0 && call.db != key.db) || (call.protocol > 0 && call.protocol != key.protocol) ||
      (call.identity != nullptr && call.identity != key.identity))
    transaction_.tainted = true;
  if (call.after == After::kMulti) {
    if (!transaction_.sent_multi) transaction_.notes = TransactionNotes();
    transaction_.sent_multi = true;
    return;
  }
  if (call.after == After::kExec && state_.watch_lost) {
    // What was watched may have changed while nobody watched: the transaction must not run.
    call.nil_reply = true;
    call.after = After::kDiscard;
  }
  if (call.after == After::kExec || call.after == After::kDiscard ||
      call.after == After::kUnwatch) {
    state_.watch_lost = false;
    if (call.after != After::kUnwatch) {
      transaction_.sent_multi = false;
      call.body_count = std::exchange(transaction_.body_count, nullptr);
    }
    if (call.after == After::kExec && !transaction_.notes.empty())
      call.notes = std::make_unique<TransactionNotes>(std::move(transaction_.notes));
    if (call.notes != nullptr && !call.notes->only_scripts()) call.barrier = true;
  }
}

// Inside MULTI the reply is QUEUED and proves nothing; EXEC's reply tells whether it happened.
void Upstream::NoteQueued(Call& call) {
  const auto queue_script = [&](size_t body_at) {
    std::vector<std::string_view> args;
    resp::PeekArguments(call.request.view(), body_at + 1, &args);
    if (args.size() > body_at)
      transaction_.notes.scripts.push_back(
          std::make_shared<replication::ScriptBody>(std::string(args[body_at])));
  };
  switch (call.after) {
    case After::kScript:
      if (!call.script.by_sha) queue_script(1);
      break;
    case After::kScriptLoad:
      queue_script(2);
      break;
    case After::kScriptFlush:
      transaction_.notes.flush = true;
      transaction_.notes.scripts.clear();  // they will be gone
      break;
    case After::kSelect:
    case After::kHello:
      transaction_.notes.changes = true;
      break;
    case After::kScriptExists:
      break;
    default:
      return;
  }
  call.queued = true;
}

void Upstream::PrepareWait() {
  Call* touch = context_.calls.Take();
  touch->sink = nullptr;  // nobody waits for the reply
  const bool has_shards = context_.table->Find("spublish", "").told;
  lease_->Send(*touch, base::StaticSlice(has_shards ? kTouchReplication : kPing));
}

void Upstream::Note(Call& call, backend::Connection& connection) {
  call.sink = &sink_;
  call.state = CallState::kOnTheWay;
  call.in_connection = true;
  call.node = pool_->shared().id;
  // What went over a lease went to the master, whoever is it by the time of the answer.
  call.by_replica = lease_ == nullptr && context_.nodes.picture().master != call.node;
  call.lane = connection.id();
  call.script_epoch = context_.scripts.epoch();
  if (call.attempts < 255) ++call.attempts;
  ++on_the_way_;
  if (call.barrier) barrier_ = true;
  if (lease_ == nullptr) lane_ = &connection;
  const bool flushes = (call.after == After::kScriptFlush && !call.queued) ||
                       (call.notes != nullptr && call.notes->flush);
  if (flushes) {
    call.flushing_in = pool_;
    pool_->FlushSent();
  }
}

void Upstream::OnAnswered(Call& call) {
  call.in_connection = false;
  if (call.body_count != nullptr) --*std::exchange(call.body_count, nullptr);
  if (call.exposed_in != nullptr)
    std::exchange(call.exposed_in, nullptr)->ExposedAnswered(call.plan.generation);
  if (call.loading_in != nullptr)
    std::exchange(call.loading_in, nullptr)->Scripts().BodyAnswered(call.script.sha);
  if (call.plan.exposed) guard_.OnAnswered();
  if (call.barrier) barrier_ = false;
  if (--on_the_way_ == 0) {
    lane_ = nullptr;
    guard_.Reset();
    if (lease_ == nullptr) pool_ = nullptr;
  }
}

void Upstream::GiveBackCleanLease() {
  if (lease_ == nullptr || on_the_way_ > 0 || !transaction_.clean()) return;
  backend::Connection* lease = std::exchange(lease_, nullptr);
  std::exchange(pool_, nullptr)->ReturnLease(*lease, !transaction_.tainted);
}

void Upstream::EndLease() {
  lease_->EndWriting();
  transaction_.tainted = true;
}

void Upstream::DropLease() {
  if (lease_ == nullptr) return;
  backend::Connection* lease = std::exchange(lease_, nullptr);
  std::exchange(pool_, nullptr)->ReturnLease(*lease, false);
  ForgetTransaction();
}

void Upstream::ForgetTransaction() {
  if (transaction_.body_count != nullptr) --*transaction_.body_count;
  transaction_ = Transaction();
}

void Upstream::OnLeaseProgress(backend::Connection&) {
  if (on_progress_) on_progress_();
}

void Upstream::OnLeaseLost(backend::Connection& lease, const std::string&) {
  if (lease_ != &lease) return;
  lease_ = nullptr;
  pool_ = nullptr;
  state_.transaction_lost = state_.transaction_lost || transaction_.sent_multi;
  state_.watch_lost = state_.watch_lost || transaction_.watching;
  ForgetTransaction();
}

}  // namespace frontend
