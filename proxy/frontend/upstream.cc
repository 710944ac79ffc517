#include "proxy/frontend/upstream.h"

#include <algorithm>
#include <utility>

#include "proxy/frontend/router.h"
#include "proxy/frontend/script_wire.h"
#include "proxy/resp/request_scan.h"

namespace frontend {

Upstream::Upstream(SessionContext& context, SessionState& state, backend::ReplySink& sink,
                   backend::PushSink& pushes, UpstreamOwner& owner)
    : context_(context),
      state_(state),
      sink_(sink),
      pushes_(pushes),
      owner_(owner),
      turn_(state.id) {}

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
  const std::string refused = state_.refusal_of_multi;
  if (call.after == After::kExec || call.after == After::kDiscard) {
    state_.transaction_lost = state_.watch_lost = false;
    state_.refusal_of_multi.clear();
  }
  switch (call.after) {
    case After::kExec:
      *refusal = refused.empty()
                     ? "EXECABORT Transaction discarded because the connection to its node was lost"
                     : "EXECABORT Transaction discarded because of previous errors.";
      return Sending::kRefused;
    case After::kDiscard:
      return Sending::kDiscarded;
    default:
      *refusal =
          refused.empty()
              ? "UPSTREAMLOST the connection to the node was lost; the transaction is discarded"
              : refused;
      return Sending::kRefused;
  }
}

backend::NodePool* Upstream::Route(const Call& call, std::string* refusal) {
  // Who made the only node a replica can make it the master again, as without us.
  if (call.after == After::kRoleChange && context_.nodes.Master() == nullptr)
    return context_.nodes.TheOnlyOneUp();
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

  const bool paused = pool->WritesPaused();
  const bool waits = paused && call.may_write;
  backend::Connection* lane = lane_;
  if (on_the_way_ > 0) {
    if (pool != pool_ || call.db >= 0 || call.protocol > 0 || lane->closed()) return Sending::kWait;
    if (waits != lane->key().paused || (paused && !waits && lane->may_write()))
      return Sending::kWait;
  } else if (call.db >= 0 || call.protocol > 0 || waits) {
    backend::ConnectionKey key = state_.key;
    if (call.db >= 0) key.db = call.db;
    if (call.protocol > 0) key.protocol = call.protocol;
    key.paused = waits;
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

void Upstream::Note(Call& call, backend::Connection& connection) {
  call.sink = &sink_;
  call.confirmations = call.channels;
  if (call.after == After::kSubscribe && call.channels == 0) {
    std::vector<std::string_view> args;
    resp::PeekArguments(call.request.view(), 1, &args);
    const size_t subscribed =
        state_.Subscribed() ? state_.subscriptions->Of(Subscriptions::KindOf(args[0])).size() : 0;
    call.confirmations = static_cast<uint32_t>(std::max<size_t>(subscribed, 1));
  }
  call.state = CallState::kOnTheWay;
  call.in_connection = true;
  call.node = pool_->shared().id;
  // What went over a lease went to the master, whoever is it by the time of the answer.
  call.by_replica = lease_ == nullptr && context_.nodes.picture().master != call.node;
  call.lane = connection.id();
  call.script_epoch = context_.scripts.epoch();
  if (call.attempts < 255) ++call.attempts;
  ++on_the_way_;
  // Before its answer is there, it may have happened.
  if (call.after == After::kPause) pool_->PauseWrites(std::min(call.pause_ms, kPauseOnItsWayMs));
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

}  // namespace frontend
