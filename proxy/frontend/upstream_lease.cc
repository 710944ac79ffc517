// The session's own connection: taking it, what is sent on it and noted of it, giving it back.
#include <string>
#include <utility>

#include "proxy/frontend/upstream.h"
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
  if (call.ends_trouble) key.db = 0;
  backend::Connection* lease = pool->TakeLease(key, *this, call.ends_trouble);
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
  Adopt(*lease, *pool);
  return true;
}

void Upstream::Adopt(backend::Connection& lease, backend::NodePool& pool) {
  static constexpr std::string_view kSubcommands[] = {"TRACKING", "NO-EVICT", "NO-TOUCH",
                                                      "IMPORT-SOURCE"};
  lease_ = &lease;
  pool_ = &pool;
  ForgetTransaction();
  lease_->SetPushSink(&pushes_);
  if (!state_.KeepsLease()) return;
  static const std::string kWhichProcess = resp::EncodeCommand({"INFO", "server"});
  SendKept(kWhichProcess).wants_whole = true;
  for (const Keep keep : {Keep::kNoEvict, Keep::kNoTouch, Keep::kImportSource})
    if (state_.Keeps(keep))
      SendKept(resp::EncodeCommand({"CLIENT", kSubcommands[static_cast<int>(keep)], "ON"}));
  if (!state_.Subscribed()) return;
  lease_->SetSubscribed(true);
  for (const auto& command : state_.subscriptions->ToSubscribeAgain())
    SendKept(command.request, command.confirmations);
}

Call& Upstream::SendKept(std::string_view request, uint32_t confirmations) {
  Call* call = context_.calls.Take();
  call->sink = static_cast<backend::ReplySink*>(this);
  call->confirmations = confirmations;
  lease_->Send(*call, base::CopySlice(request));
  return *call;
}

void Upstream::Restore() {
  if (!MustRestore() || on_the_way_ > 0) return;
  backend::NodePool* pool = context_.nodes.Master();
  backend::Connection* lease = pool == nullptr ? nullptr : pool->TakeLease(state_.key, *this);
  if (lease != nullptr) Adopt(*lease, *pool);
}

void Upstream::OnReply(backend::Call& base, base::Slice piece, bool, bool last) {
  Call& call = static_cast<Call&>(base);
  call.reply.Append(base::CopySlice(piece.view()));
  if (!last) return;
  const std::string reply = call.reply.Flatten();
  const bool asked_which = call.wants_whole;
  base.dispose(&base);
  if (asked_which) {
    std::string run_id = backend::RunIdIn(reply);
    if (!run_id.empty() && run_id == keeper_) {
      owner_.OnUpstreamEnded("its server closed the connection");
    } else {
      keeper_ = std::move(run_id);
    }
  } else if (resp::IsErrorReply(reply)) {
    owner_.OnUpstreamEnded("the node refuses what another accepted: " +
                           reply.substr(1, reply.size() - 3));
  }
}

void Upstream::NoteKeeper() {
  if (!state_.KeepsLease()) {
    keeper_.clear();
  } else if (keeper_.empty() && pool_ != nullptr) {
    for (const auto& node : context_.nodes.picture().nodes)
      if (node.id == pool_->shared().id) keeper_ = node.run_id;
  }
}

void Upstream::OnLost(backend::Call& base, bool, const std::string&) {
  base.dispose(&base);
}

Upstream::Sending Upstream::TakeLeaseForGood(Call& call, std::string* refusal) {
  if (on_the_way_ > 0) return Sending::kWait;
  if (lease_ == nullptr) {
    Sending sending;
    if (!TakeLease(call, refusal, &sending)) return sending;
  }
  if (lease_->closed()) return Sending::kWait;
  ForgetTransaction();
  return Sending::kSent;
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
  if (transaction_.sent_multi) {
    NoteQueued(call);
    transaction_.notes.pins = transaction_.notes.pins || call.pins;
    // When EXEC runs it the connection is no longer as it was lent.
    if (call.taints) transaction_.tainted = true;
  }
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
    case After::kAuth:
    case After::kHello:
      transaction_.notes.changes = true;
      break;
    case After::kOwnWord:
      transaction_.notes.own_words = true;
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

void Upstream::GiveBackCleanLease() {
  if (lease_ == nullptr || on_the_way_ > 0 || !transaction_.clean() || state_.KeepsLease()) return;
  backend::Connection* lease = std::exchange(lease_, nullptr);
  lease->SetPushSink(nullptr);
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
  owner_.OnUpstreamProgress();
}

void Upstream::OnLeaseLost(backend::Connection& lease, const std::string&) {
  if (lease_ != &lease) return;
  lease_ = nullptr;
  pool_ = nullptr;
  state_.transaction_lost = state_.transaction_lost || transaction_.sent_multi;
  state_.watch_lost = state_.watch_lost || transaction_.watching;
  ForgetTransaction();
  owner_.OnUpstreamLost();
  if (state_.Keeps(Keep::kTracking)) {
    // What it has cached may change now without its being told.
    owner_.OnUpstreamEnded("the connection that tracks its keys was lost");
  } else if (MustRestore()) {
    owner_.OnUpstreamProgress();
  }
}

}  // namespace frontend
