// What a session reads: commands, commands that pass through in pieces, and, once it has a
// connection of its own for good, bytes for bytes.
#include <utility>

#include "proxy/base/log.h"
#include "proxy/frontend/script_wire.h"
#include "proxy/frontend/session.h"
#include "proxy/resp/reply_writer.h"

namespace frontend {

using Scanned = resp::RequestScan::Outcome;

net::StreamOwner::Taken Session::OnRead(const base::Slice& data) {
  Touch();
  Taken taken;
  if (swallow_rest_) {
    taken = SwallowRest(data);
  } else if (streaming_ != nullptr) {
    taken = ContinueStreaming(data);
  }
  state_.bytes_in += taken.bytes;
  if (swallow_rest_ || streaming_ != nullptr || closed_) return taken;
  const Taken parsed = Parse(data.Sub(taken.bytes, data.size - taken.bytes));
  state_.bytes_in += parsed.bytes;
  return {taken.bytes + parsed.bytes, parsed.want};
}

bool Session::MayParse() const {
  return !closed_ && !draining_ && queue_.first_held() == nullptr && !NeedsSettling() &&
         withheld_ == 0 && streaming_ == nullptr && upstream_.on_the_way() < kMostOnTheWay;
}

bool Session::AuthenticatedForLimits() const {
  if (state_.must_authenticate) return false;
  if (!state_.key.identity->anonymous) return true;
  const backend::NodePool* master = context_.nodes.Master();
  return master == nullptr || !master->wants_auth();
}

net::StreamOwner::Taken Session::Parse(const base::Slice& data) {
  const resp::RequestLimits limits{context_.settings.proxy.client_query_limit,
                                   AuthenticatedForLimits()};
  size_t at = 0;
  while (at < data.size && MayParse()) {
    const std::string_view rest(data.data + at, data.size - at);
    const Scanned outcome = scan_.Scan(rest, limits, &context_.args);
    const auto size = static_cast<size_t>(scan_.size());
    switch (outcome) {
      case Scanned::kMore:
        return OnIncomplete(data, at);
      case Scanned::kEmpty:
        scan_.Reset();
        break;
      case Scanned::kInline:
        scan_.Reset();
        OnInline(rest.substr(0, size), at + size < data.size);
        break;
      case Scanned::kCommand: {
        const bool has_args = scan_.has_args();
        const bool irregular = scan_.irregular();
        scan_.Reset();
        base::Slice request = data.Sub(at, size);
        if (!has_args) resp::PeekArguments(request.view(), ~size_t{0}, &context_.args);
        // On a connection that others share every byte must be where RESP wants it.
        if (irregular) request = base::CopySlice(resp::EncodeCommand(context_.args));
        OnCommand(std::move(request), at + size < data.size);
        break;
      }
      case Scanned::kError:
        OnProtocolError(scan_.error());
        return {data.size, 0};
      case Scanned::kTooLarge:
        context_.counters.clients_closed_query.Add();
        Close();
        return {data.size, 0};
    }
    at += size;
  }
  if (data.size - at > kMostCarry) stream_.PauseReading();
  return {at, 0};
}

net::StreamOwner::Taken Session::OnIncomplete(const base::Slice& data, size_t at) {
  const std::string_view front(data.data + at, data.size - at);
  if (!raw_ && CloseIfTls(front)) return {data.size, 0};
  const auto want = static_cast<size_t>(scan_.want());
  const bool whole = MustBeHeldWhole(front, want);
  if (!whole && !raw_ && front.size() >= kStreamFrom) {
    const auto size = static_cast<size_t>(scan_.Passable(front.size()));
    BeginStreaming(data.Sub(at, size));
    return {at + size, 0};
  }
  if (raw_ && !whole && front.size() >= kStreamFrom && upstream_.lease() != nullptr) {
    const auto size = static_cast<size_t>(scan_.Passable(front.size()));
    scan_.Forwarded(size);
    raw_mid_command_ = true;
    upstream_.lease()->WriteRaw(data.Sub(at, size));
    return {at + size, 0};
  }
  return {at, whole ? want : std::min(want, kStreamFrom)};
}

bool Session::MustBeHeldWhole(std::string_view front, size_t want) const {
  // A script that we shall keep; one that is too large to be kept is a command like any other.
  if (want > context_.settings.scripts.max_memory) return false;
  std::vector<std::string_view> args;
  resp::PeekArguments(front, 2, &args);
  if (args.empty()) return false;
  const auto kind = context_.table->Find(args[0], "").kind;
  return kind == resp::Kind::kEval || kind == resp::Kind::kEvalSha || kind == resp::Kind::kScript;
}

void Session::BeginStreaming(base::Slice piece) {
  context_.counters.commands.Add();
  Call* call = queue_.Push();
  call->where = Where::kLease;
  call->streaming = call->unfinished = true;
  scan_.Forwarded(piece.size);
  call->request = std::move(piece);
  streaming_ = call;
  TrySend(*call);
  if (queue_.first_held() != nullptr) owner_.OnSessionWaits(*this);
}

net::StreamOwner::Taken Session::ContinueStreaming(const base::Slice& data) {
  backend::Connection* lease = upstream_.lease();
  const bool held = streaming_->state == CallState::kHeld;
  if (held || lease == nullptr || lease->unsent() > kPauseAbove) {
    if (data.size > kMostCarry) stream_.PauseReading();
    if (held) owner_.OnSessionWaits(*this);
    if (lease != nullptr) lease->NotifyProgress();
    return {0, 0};
  }
  const resp::RequestLimits limits{~uint64_t{0}, true};
  const Scanned outcome = scan_.Scan(data.view(), limits, nullptr);
  if (outcome == Scanned::kError || outcome == Scanned::kTooLarge) {
    OnProtocolError(scan_.error());
    return {data.size, 0};
  }
  const auto size = static_cast<size_t>(scan_.Passable(data.size));
  lease->More(data.Sub(0, size));
  if (outcome == Scanned::kCommand) {
    scan_.Reset();
    streaming_->unfinished = false;
    streaming_ = nullptr;
  } else {
    scan_.Forwarded(size);
  }
  return {size, 0};
}

net::StreamOwner::Taken Session::SwallowRest(const base::Slice& data) {
  const resp::RequestLimits limits{~uint64_t{0}, true};
  const Scanned outcome = scan_.Scan(data.view(), limits, nullptr);
  if (outcome == Scanned::kError || outcome == Scanned::kTooLarge) {
    OnProtocolError(scan_.error());
    return {data.size, 0};
  }
  const auto size = static_cast<size_t>(scan_.Passable(data.size));
  if (outcome == Scanned::kCommand) {
    scan_.Reset();
    swallow_rest_ = false;
    SchedulePump();
  } else {
    scan_.Forwarded(size);
  }
  return {size, 0};
}

void Session::SayTlsFailed(const std::string& why) {
  // Whoever only looks whether somebody listens makes no noise.
  if (stream_.silent()) {
    base::log::Debug("client.tls_failed", "a client never began its TLS handshake",
                     {{"address", state_.peer}, {"why", why}});
    return;
  }
  base::log::WriteWithin(context_.tls_lines, context_.loop.now_ms(), base::log::Level::kWarn,
                         "client.tls_failed", "a client's TLS handshake failed",
                         {{"address", state_.peer}, {"why", why}});
}

// A TLS client at a listener that is not one: no command begins like its handshake.
bool Session::CloseIfTls(std::string_view front) {
  if (!front.starts_with("\x16\x03")) return false;
  SayTlsFailed("it speaks TLS to a listener without tls://");
  Close();
  return true;
}

void Session::OnInline(std::string_view line, bool more_follows) {
  if (CloseIfTls(line)) return;
  const auto words = resp::SplitInline(line);
  if (!words) {
    OnProtocolError(std::string(resp::kUnbalancedQuotes));
    return;
  }
  if (words->empty()) return;
  const std::vector<std::string_view> views(words->begin(), words->end());
  const base::Slice request = base::CopySlice(resp::EncodeCommand(views));
  resp::PeekArguments(request.view(), ~size_t{0}, &context_.args);
  OnCommand(request, more_follows);
}

void Session::OnCommand(base::Slice request, bool more_follows) {
  if (raw_) {
    OnRawCommand(std::move(request));
    return;
  }
  context_.counters.commands.Add();
  Call* call = queue_.Push();
  call->request = std::move(request);
  call->more_follows = more_follows;
  std::string answer;
  const auto verdict =
      dispatcher_.Prepare(*call, context_.args, upstream_.transaction().sent_multi, &answer);
  switch (verdict) {
    case Dispatcher::Verdict::kClose:
      Close();
      return;
    case Dispatcher::Verdict::kQuit:
    case Dispatcher::Verdict::kAnswer:
      if (upstream_.transaction().sent_multi && answer.starts_with('-')) {
        // A server that refuses a command in a transaction does not execute it.
        static const std::string kUnknown = resp::EncodeCommand({"SHACAST-REFUSES"});
        call->said = base::CopySlice(answer);
        call->request = base::StaticSlice(kUnknown);
        call->where = Where::kLease;
        call->after = After::kRefused;
        break;
      }
      if (verdict == Dispatcher::Verdict::kQuit) Drain();
      AnswerHeld(*call, std::move(answer));
      return;
    case Dispatcher::Verdict::kSend:
      break;
  }
  // What may wait for long must not keep the chunk that it was read into.
  if (call->where == Where::kLease && call->request.size < kStreamFrom)
    call->request = base::CopySlice(call->request.view());
  TrySend(*call);
  if (!closed_ && queue_.first_held() != nullptr) owner_.OnSessionWaits(*this);
}

void Session::OnProtocolError(const std::string& words) {
  context_.counters.protocol_errors.Add();
  if (raw_ || streaming_ != nullptr || swallow_rest_) {
    // Half a command lies in the connection, and nothing can be said in the middle of another's.
    Close();
    return;
  }
  Call* call = queue_.Push();
  Drain();
  AnswerHeld(*call, resp::ReplyWriter(2).Error("ERR Protocol error: " + words).Take());
}

// --- What a node says unasked --------------------------------------------------------------------

void Session::OnPush(base::Slice piece, bool first, bool last) {
  Touch();
  queue_.PassPush(std::move(piece), first, last, stream_.Queue());
  // The server's own limits for clients that do not read shall hold.
  if (stream_.unsent() > kPauseAbove) PauseFor(*upstream_.lease());
  if (last) Deliver();
  CheckOutput();
}

void Session::OnUpstreamEnded(const std::string& why) {
  if (closed_) return;
  base::log::WriteWithin(context_.script_lines, context_.loop.now_ms(), base::log::Level::kInfo,
                         "client.closed", why, {{"client", state_.id}, {"address", state_.peer}});
  Close();
}

// --- A connection of its own for good ------------------------------------------------------------

void Session::BecomeRaw(Call& call) {
  raw_ = true;
  backend::Connection* lease = upstream_.lease();
  lease->MakeRaw(static_cast<backend::RawSink&>(*this));
  lease->WriteRaw(call.request);
  raw_word_ = call.is_sync ? 'S' : call.after == After::kNothing ? 'O' : '\0';
  if (call.is_sync) {
    raw_opaque_ = true;
    context_.hub.ReplicaThroughUs();
  }
  queue_.DropFront();
}

void Session::OnRawCommand(base::Slice request) {
  context_.counters.commands.Add();
  backend::Connection* lease = upstream_.lease();
  if (lease == nullptr) return;  // it is being closed
  if (std::exchange(raw_mid_command_, false)) {
    lease->WriteRaw(std::move(request));
    return;
  }
  Call* call = context_.calls.Take();
  call->request = request;
  std::string answer;
  const auto verdict = dispatcher_.Prepare(*call, context_.args, false, &answer);
  if (verdict == Dispatcher::Verdict::kClose) {
    Close();
  } else if (verdict == Dispatcher::Verdict::kAnswer && answer.starts_with('-')) {
    Interject(answer);  // what is refused everywhere is refused here too
  } else if (call->after == After::kScript && call->script.by_sha && call->body != nullptr &&
             context_.eval_rights.Of(*upstream_.pool(), lease->key(), HasReadOnlyName(request)) !=
                 EvalRights::Right::kNo) {
    for (base::Slice& piece : WithBody(request, call->body)) lease->WriteRaw(std::move(piece));
  } else {
    if (call->is_sync) {
      raw_opaque_ = true;
      context_.hub.ReplicaThroughUs();
    }
    if (call->after == After::kScriptFlush) context_.hub.FlushEverywhere(false, [] {});
    lease->WriteRaw(std::move(request));
  }
  call->pool->Give(call);
}

void Session::Interject(const std::string& reply) {
  if (raw_mid_reply_) {
    raw_interjection_ += reply;
  } else {
    stream_.Write(base::CopySlice(reply));
  }
}

size_t Session::OnRawBytes(const base::Slice& bytes) {
  if (closed_) return bytes.size;
  Touch();
  size_t at = 0;
  while (at < bytes.size && !raw_opaque_) {
    const auto rest = bytes.view().substr(at);
    const auto outcome = raw_scan_.Scan(rest);
    raw_opaque_ = outcome == resp::ReplyScan::Outcome::kError;
    if (raw_opaque_) break;
    raw_mid_reply_ = outcome == resp::ReplyScan::Outcome::kMore;
    const auto size =
        static_cast<size_t>(raw_mid_reply_ ? raw_scan_.Passable(rest.size()) : raw_scan_.size());
    stream_.Write(bytes.Sub(at, size));
    at += size;
    if (raw_mid_reply_) {
      raw_scan_.Forwarded(size);
      break;
    }
    raw_scan_.Reset();
    if (!raw_interjection_.empty())
      stream_.Write(base::CopySlice(std::exchange(raw_interjection_, {})));
  }
  if (raw_opaque_) {
    stream_.Write(bytes.Sub(at, bytes.size - at));
    at = bytes.size;
  }
  if (stream_.unsent() > kPauseAbove && paused_ == nullptr && upstream_.lease() != nullptr) {
    // The server's own limits for clients that do not read shall hold.
    paused_ = upstream_.lease();
    paused_->PauseReading();
  }
  return at;
}

void Session::OnRawClosed(const std::string&) {
  paused_ = nullptr;
  Drain();
  stream_.CloseWhenWritten();
}

}  // namespace frontend
