// A session's life and its replies. What it reads is in session_read.cc.
#include "proxy/frontend/session.h"

#include <algorithm>
#include <utility>

#include "proxy/base/log.h"
#include "proxy/frontend/orphans.h"
#include "proxy/frontend/settle.h"
#include "proxy/resp/reply_writer.h"

namespace frontend {
namespace {

SessionState StateOf(uint64_t id, std::string peer) {
  SessionState state;
  state.id = id;
  state.peer = std::move(peer);
  return state;
}

}  // namespace

Session::Session(SessionContext& context, SessionOwner& owner, int fd, uint64_t id,
                 std::string peer, const net::TlsContext* tls)
    : context_(context),
      owner_(owner),
      state_(StateOf(id, std::move(peer))),
      stream_(context.loop, fd, static_cast<net::StreamOwner&>(*this)),
      queue_(context.calls),
      upstream_(context, state_, static_cast<backend::ReplySink&>(*this),
                static_cast<backend::PushSink&>(*this), static_cast<UpstreamOwner&>(*this)),
      dispatcher_(context, state_),
      aftermath_(context, state_),
      own_words_(context, state_),
      handle_(std::make_shared<Handle>(Handle{this})),
      fd_(fd),
      since_ms_(context.loop.now_ms()) {
  state_.must_authenticate = !context.settings.proxy.users.empty();
  state_.key.identity =
      state_.must_authenticate ? context.own_identity : context.identities.Anonymous();
  if (tls != nullptr) stream_.UseTls(*tls, "", kHandshakeLimit);
  Touch();
}

Session::~Session() {
  Close();
}

// --- Sending -------------------------------------------------------------------------------------

void Session::SchedulePump() {
  if (pump_scheduled_ || closed_) return;
  pump_scheduled_ = true;
  context_.loop.AtTurnEnd(this);
}

void Session::OnTurnEnd() {
  pump_scheduled_ = false;
  Pump();
}

void Session::Pump() {
  if (closed_) return;
  if (NeedsSettling()) {
    if (!upstream_.idle() || checking_ > 0) return;
    unsettled_ = 0;
    Settle(queue_, lost_why_, context_);
    Deliver();
  }
  if (upstream_.MustRestore() && !raw_) {
    upstream_.Restore();
    if (upstream_.MustRestore()) owner_.OnSessionWaits(*this);
  }
  while (!closed_) {
    Call* held = queue_.first_held();
    if (held == nullptr || TrySend(*held) == Step::kStop) break;
  }
  if (closed_) return;
  if (queue_.first_held() != nullptr) {
    owner_.OnSessionWaits(*this);
  } else if (!raw_ || upstream_.lease() != nullptr) {
    stream_.OfferAgain();
    if (closed_) return;
    // Either there is room, or what is there is the front of one command that wants the rest.
    if (stream_.left_over() <= kMostCarry || MayParse()) stream_.ResumeReading();
  }
  PassEofOn();
  FinishIfDone();
}

Session::Step Session::TrySend(Call& call) {
  if (NeedsSettling() || withheld_ > 0) return Step::kStop;
  // What shacast tells of itself can be told without a master.
  if (call.after == After::kProxy && context_.nodes.Master() == nullptr)
    call.where = Where::kNowhere;
  if (call.where == Where::kNowhere) {
    if (!upstream_.transaction().sent_multi || call.after == After::kReset) return DoLocally(call);
    // Inside MULTI it is queued, and the server says what it thinks of it.
    call.where = Where::kLease;
    call.after = After::kNothing;
  }
  if (call.id_at > 0) {
    ResolveId(call);
    return Step::kStop;
  }
  std::string refusal;
  const Transaction& transaction = upstream_.transaction();
  if (transaction.sent_multi ? call.after == After::kExec && transaction.notes.pins : call.pins) {
    if (queue_.front() != &call) return Step::kStop;
    const auto sending = upstream_.TakeLeaseForGood(call, &refusal);
    if (sending == Upstream::Sending::kWait) return Step::kStop;
    if (sending == Upstream::Sending::kSent) {
      BecomeRaw(call);
    } else {
      AnswerHeld(call, resp::ReplyWriter(2).Error(refusal).Take());
    }
    return Step::kNext;
  }
  switch (upstream_.TrySend(call, &refusal)) {
    case Upstream::Sending::kSent:
      queue_.SentFirstHeld();
      return Step::kNext;
    case Upstream::Sending::kWait:
      return Step::kStop;
    case Upstream::Sending::kRefused:
      AnswerHeld(call, resp::ReplyWriter(2).Error(refusal).Take());
      return Step::kNext;
    case Upstream::Sending::kDiscarded:
      AnswerHeld(call, "+OK\r\n");
      return Step::kNext;
  }
  return Step::kStop;
}

void Session::AnswerHeld(Call& call, std::string reply) {
  queue_.Answer(call, base::CopySlice(reply));
  queue_.HeldChanged();
  if (&call == streaming_) {
    streaming_ = nullptr;
    swallow_rest_ = true;
  }
  Deliver();
}

Session::Step Session::DoLocally(Call& call) {
  if (!upstream_.idle()) return Step::kStop;
  switch (call.after) {
    case After::kReset:
      ForgetEverything();
      AnswerHeld(call, "+RESET\r\n");
      return Step::kNext;
    case After::kScriptShow: {
      std::vector<std::string_view> args;
      resp::PeekArguments(call.request.view(), 3, &args);
      const auto sha = replication::Sha1::Parse(args[2]);
      const auto* body = sha ? context_.scripts.Find(*sha) : nullptr;
      if (body == nullptr) {
        call.where = Where::kMaster;
        call.after = After::kNothing;
        return TrySend(call);
      }
      own_words_.PrepareShow(call);
      return TrySend(call);
    }
    case After::kProxy:
      SayAlone(call);
      return Step::kNext;
    default:
      break;
  }
  return Step::kNext;
}

// The master has let this client do it. Now on control connections, which no script can hold up.
void Session::KillEverywhere(Call& call) {
  const char* container = call.after == After::kFunctionKill ? "FUNCTION" : "SCRIPT";
  const bool killed = !resp::IsErrorReply(call.reply.Flatten());
  context_.hub.KillEverywhere(container, [this, handle = handle_, &call, killed,
                                          release = Withhold(call)](const std::string& reply) {
    if (handle->session == nullptr) return;
    if (!killed && !reply.starts_with("-UPSTREAM")) queue_.Answer(call, base::CopySlice(reply));
    release();
  });
}

std::function<void()> Session::Withhold(Call& call) {
  call.withheld = true;
  ++withheld_;
  return [this, handle = handle_, &call] {
    if (handle->session == nullptr) return;
    call.withheld = false;
    --withheld_;
    Deliver();
    SchedulePump();
  };
}

// --- Replies -------------------------------------------------------------------------------------

void Session::OnReply(backend::Call& base, base::Slice piece, bool first, bool last) {
  Call& call = static_cast<Call&>(base);
  if (first) {
    call.wants_whole = Aftermath::WantsWhole(call, piece.view());
    if (!call.wants_whole) {
      call.head_size = static_cast<uint8_t>(std::min(piece.size, sizeof call.head_bytes));
      std::copy_n(piece.data, call.head_size, call.head_bytes);
    }
  }
  if (call.wants_whole) {
    queue_.Keep(call, std::move(piece));
  } else {
    queue_.Pass(call, std::move(piece), stream_.Queue());
  }
  if (last) {
    FinishReply(call);
  } else if (stream_.unsent() > kPauseAbove && call.partly_out) {
    PauseFor(*upstream_.connection());
  }
  CheckOutput();
}

void Session::FinishReply(Call& call) {
  backend::Connection* connection = upstream_.connection();
  if (paused_ == connection) {
    paused_->ResumeReading();
    paused_ = nullptr;
  }
  if (&call == streaming_) {  // answered before it was all there
    streaming_ = nullptr;
    swallow_rest_ = true;
  }
  upstream_.OnAnswered(call);
  const Aftermath::Next next = aftermath_.Take(call, queue_, upstream_);
  call.state = CallState::kAnswered;
  switch (next) {
    case Aftermath::Next::kDeliver:
      break;
    case Aftermath::Next::kMissed:
      OnMissed(call, *connection);
      break;
    case Aftermath::Next::kToMaster:
      queue_.DropReply(call);
      call.to_master = true;
      call.wants_whole = false;
      call.state = CallState::kHeld;
      queue_.HeldChanged();
      context_.counters.reads_repeated.Add();
      break;
    case Aftermath::Next::kKill:
      KillEverywhere(call);
      break;
    case Aftermath::Next::kDistribute:
      context_.hub.Distribute(call.body, call.script_epoch, Withhold(call));
      break;
    case Aftermath::Next::kOwnWord:
      SayOwnWord(call);
      break;
    case Aftermath::Next::kFlush:
      context_.hub.FlushEverywhere(call.after == After::kScriptFlush, Withhold(call));
      if (call.notes != nullptr && !call.notes->scripts.empty())
        context_.hub.Verify(call.node, call.script_epoch + 1, std::move(call.notes->scripts));
      break;
  }
  upstream_.GiveBackCleanLease();
  Deliver();
}

void Session::OnMissed(Call& call, backend::Connection& connection) {
  call.state = CallState::kMissed;
  call.checking = true;
  ++unsettled_;
  ++checking_;
  context_.miss_checks.Ask(*context_.nodes.Pool(call.node), connection, call.script.sha,
                           call.plan.generation, call.given_mark,
                           [this, handle = handle_, &call](MissChecks::Verdict verdict) {
                             if (handle->session != nullptr) OnVerdict(call, verdict);
                           });
}

void Session::OnVerdict(Call& call, MissChecks::Verdict verdict) {
  call.checking = false;
  --checking_;
  // What has no effect may be sent again whoever said it.
  if (call.read_only) verdict = MissChecks::Verdict::kServers;
  if (verdict == MissChecks::Verdict::kServers) {
    call.confirmed = true;
  } else {
    call.state = CallState::kAnswered;
    --unsettled_;
    PassUnconfirmed(call, verdict);
  }
  Deliver();
  SchedulePump();
}

// NOSCRIPT goes to the client: the script's own word, or nobody can tell whose.
void Session::PassUnconfirmed(Call& call, MissChecks::Verdict verdict) {
  base::Counters& counters = context_.counters;
  if (!call.script.by_sha) {
    // Who sent EVAL must not hear NOSCRIPT of our making.
    counters.upstream_lost.Add();
    queue_.Answer(
        call,
        base::CopySlice(resp::ReplyWriter(2)
                            .Error("UPSTREAMLOST " + context_.nodes.Pool(call.node)->shared().name +
                                   " does not tell whether the script ran; the command may have "
                                   "been executed")
                            .Take()));
  } else if (verdict == MissChecks::Verdict::kScripts) {
    counters.noscript_passed_script.Add();
    SayNoScriptIsRight(call, "they are the script's own words", context_);
  } else {
    counters.noscript_passed_unsure.Add();
    SayNoScriptPassed(call, "the node could not be asked whether it is its own word", context_);
  }
}

void Session::OnLost(backend::Call& base, bool sent, const std::string&) {
  Call& call = static_cast<Call&>(base);
  if (eof_passed_on_) {  // it ended as a blocked client of the server ends
    upstream_.OnAnswered(call);
    Close();
    return;
  }
  const backend::NodePool* pool = context_.nodes.Pool(call.node);
  lost_why_ = "connection to " + pool->shared().name + " lost";
  paused_ = nullptr;
  if (&call == streaming_) {
    streaming_ = nullptr;
    swallow_rest_ = true;
  }
  if (call.flushing_in != nullptr) std::exchange(call.flushing_in, nullptr)->FlushAnswered(sent);
  if (upstream_.transaction().OnLost(call.after, sent)) state_.transaction_lost = true;
  upstream_.OnAnswered(call);
  call.state = CallState::kLost;
  call.was_sent = sent;
  ++unsettled_;
  if (call.partly_out) {
    // Half a reply cannot be taken back.
    context_.counters.upstream_lost.Add();
    Close();
    return;
  }
  SchedulePump();
}

void Session::Deliver() {
  if (closed_) return;
  queue_.Advance(stream_.Queue());
  if (queue_.first_held() != nullptr || NeedsSettling() || stream_.left_over() > 0 || eof_ ||
      draining_)
    SchedulePump();
}

// --- Limits --------------------------------------------------------------------------------------

void Session::PauseFor(backend::Connection& connection) {
  if (paused_ != nullptr) return;
  if (!upstream_.has_lease() && retired_for_us_ != connection.id()) {
    // The rest of this reply takes as long as its client takes: others use another lane.
    retired_for_us_ = connection.id();
    upstream_.pool()->RetireLane(connection);
  }
  // Our own commands behind it are in nobody else's way.
  const bool others_wait =
      connection.outstanding() > upstream_.on_the_way() && !upstream_.has_lease();
  if (others_wait) return;  // ... and those already behind it are kept waiting only at the limit
  connection.PauseReading();
  paused_ = &connection;
}

void Session::CheckOutput() {
  if (closed_) return;
  const uint64_t limit = context_.settings.proxy.client_output_limit;
  if (stream_.unsent() + queue_.waiting_bytes() <= limit) return;
  Call* front = queue_.front();
  const bool reading_it =
      paused_ == nullptr && front != nullptr && front->partly_out && upstream_.connection();
  if (paused_ != nullptr && stalled_since_ms_ == 0) return;  // nothing more comes in
  if (reading_it && stalled_since_ms_ == 0) {
    // A large reply to a client that may just be slower than the node: a moment to catch up.
    paused_ = upstream_.connection();
    paused_->PauseReading();
    stalled_since_ms_ = taken_ms_ = context_.loop.now_ms();
    owner_.OnSessionWaits(*this);
    return;
  }
  context_.counters.clients_closed_output.Add();
  base::log::Warn("client.closed", "it does not read its replies",
                  {{"client", state_.id},
                   {"address", state_.peer},
                   {"waiting_bytes", uint64_t{stream_.unsent() + queue_.waiting_bytes()}}});
  Close();
}

void Session::OnWriteProgress() {
  Touch();
  if (paused_ == nullptr) return;
  taken_ms_ = context_.loop.now_ms();
  const size_t enough = stalled_since_ms_ != 0
                            ? static_cast<size_t>(context_.settings.proxy.client_output_limit / 2)
                            : kResumeBelow;
  if (stream_.unsent() >= enough) return;
  stalled_since_ms_ = 0;
  std::exchange(paused_, nullptr)->ResumeReading();
}

void Session::OnTick() {
  if (closed_) return;
  const uint64_t now = context_.loop.now_ms();
  if (stalled_since_ms_ != 0 && (now - stalled_since_ms_ > kStallMs || now - taken_ms_ > kDeafMs)) {
    CheckOutput();
    if (closed_) return;
  }
  if (draining_ && now - draining_since_ms_ > kLingerMs && queue_.empty()) {
    Close();
    return;
  }
  const auto idle = static_cast<uint64_t>(context_.settings.proxy.client_idle_timeout.count());
  if (idle > 0 && now - last_active_ms_ > idle && queue_.empty() && !raw_ && !state_.Subscribed()) {
    context_.counters.clients_closed_idle.Add();
    Close();
  }
}

// --- Ending --------------------------------------------------------------------------------------

void Session::OnEof() {
  eof_ = true;
  // A server frees a client that has gone, subscribed as it may be.
  if (raw_ || streaming_ != nullptr || swallow_rest_) {
    Close();
    return;
  }
  SchedulePump();
}

// What blocks in the server must not outlive its client, but it may have its answer already: the
// server sees the end of the client's words behind them, as on a direct connection, and ends both.
void Session::PassEofOn() {
  if (!eof_ || eof_passed_on_ || upstream_.lease() == nullptr || !MayParse()) return;
  bool blocks = false;
  for (Call* call = queue_.front(); call != nullptr; call = call->next)
    blocks = blocks || (call->blocks && call->in_connection);
  if (!blocks) return;
  eof_passed_on_ = true;
  upstream_.EndLease();
}

void Session::OnBroken(const std::string& why) {
  if (stream_.handshaking()) SayTlsFailed(why);
  Close();
}

void Session::OnFinished() {
  Close();
}

void Session::Drain() {
  if (closed_ || draining_) return;
  if (raw_) {
    Close();
    return;
  }
  draining_ = true;
  draining_since_ms_ = context_.loop.now_ms();
  SchedulePump();
}

void Session::FinishIfDone() {
  if (closed_ || !queue_.empty() || (!eof_ && !draining_)) return;
  stream_.CloseWhenWritten();
}

void Session::Close() {
  if (closed_) return;
  closed_ = true;
  handle_->session = nullptr;
  if (pump_scheduled_) context_.loop.CancelTurnEnd(this);
  if (paused_ != nullptr) std::exchange(paused_, nullptr)->ResumeReading();
  queue_.Abandon(&context_.orphans);
  if (raw_ && upstream_.lease() != nullptr) upstream_.lease()->DropRawSink();
  upstream_.DropLease();
  stream_.Close();
  owner_.OnSessionClosed(*this);
}

}  // namespace frontend
