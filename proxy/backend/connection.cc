#include "proxy/backend/connection.h"

#include <cassert>
#include <utility>
#include <vector>

#include "proxy/resp/number.h"
#include "proxy/resp/request_scan.h"

namespace backend {
namespace {

// How our connections call themselves in the server's CLIENT LIST.
constexpr std::string_view kConnectionName = "shacast";
constexpr std::string_view kEmptyLine = "\r\n";

std::string_view WithoutLineEnd(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string RunIdIn(std::string_view info) {
  constexpr std::string_view kField = "\nrun_id:";
  const size_t at = info.find(kField);
  if (at == std::string_view::npos) return "";
  const std::string_view value = info.substr(at + kField.size());
  return std::string(value.substr(0, value.find_first_of("\r\n")));
}

Connection::Connection(net::Loop& loop, replication::LaneId id, const config::Address& address,
                       ConnectionKey key, std::chrono::milliseconds connect_timeout,
                       bool ask_run_id, ConnectionOwner& owner, net::TlsRef tls)
    : loop_(loop),
      id_(id),
      key_(std::move(key)),
      ask_run_id_(ask_run_id),
      owner_(owner),
      address_(address),
      connect_timeout_(connect_timeout),
      tls_(std::move(tls)),
      connector_(std::make_unique<net::Connector>(
          loop, address, connect_timeout,
          [this](base::Result<int> fd) { OnConnected(std::move(fd)); })) {}

Connection::~Connection() {
  raw_ = nullptr;
  Close("closed");
}

void Connection::OnConnected(base::Result<int> fd) {
  if (!fd.ok()) {
    Fail(fd.error().words);
    return;
  }
  connector_.reset();
  net::StreamOwner& self = *this;
  stream_ = std::make_unique<net::Stream>(loop_, fd.value(), self);
  if (tls_ != nullptr) stream_->UseTls(*tls_, address_.host, connect_timeout_);
  stream_->Start();
  BeginHandshake();
}

void Connection::BeginHandshake() {
  state_ = State::kHandshake;
  if (key_.db == 0 || key_.identity->anonymous) {
    SendAuth();
    return;
  }
  expect_[0] = Expect::kEarlySelect;
  expected_ = 1;
  stream_->Write(base::CopySlice(resp::EncodeCommand({"SELECT", std::to_string(key_.db)})));
}

void Connection::SendAuth() {
  answered_ = 0;
  const Identity& identity = *key_.identity;
  std::vector<std::string_view> args;
  if (key_.protocol == 3) {
    args = {"HELLO", "3"};
    const std::string_view user =
        identity.user.empty() ? "default" : std::string_view(identity.user);
    if (!identity.anonymous) args.insert(args.end(), {"AUTH", user, identity.password});
  } else if (!identity.anonymous) {
    args = {"AUTH"};
    if (!identity.user.empty()) args.push_back(identity.user);
    args.push_back(identity.password);
  }
  if (args.empty()) {
    SendSecondStep();
    return;
  }
  expect_[0] = Expect::kAuth;
  expected_ = 1;
  stream_->Write(base::CopySlice(resp::EncodeCommand(args)));
}

void Connection::SendSecondStep() {
  answered_ = 0;
  expected_ = 0;
  std::string bytes = resp::EncodeCommand({"CLIENT", "SETNAME", kConnectionName});
  expect_[expected_++] = Expect::kSetName;
  if (key_.db != 0 && !selected_) {
    bytes += resp::EncodeCommand({"SELECT", std::to_string(key_.db)});
    expect_[expected_++] = Expect::kSelect;
  }
  if (ask_run_id_) {
    bytes += resp::EncodeCommand({"INFO", "server"});
    expect_[expected_++] = Expect::kInfo;
  } else {
    bytes += resp::EncodeCommand({"CLIENT", "ID"});
    expect_[expected_++] = Expect::kClientId;
  }
  stream_->Write(base::CopySlice(bytes));
}

void Connection::OnHandshakeReply(std::string_view reply) {
  const Expect asked = expect_[answered_++];
  const bool error = resp::IsErrorReply(reply);
  switch (asked) {
    case Expect::kEarlySelect:
      selected_ = !error;
      SendAuth();
      return;
    case Expect::kAuth:
      if (error) {
        Refuse(reply);
      } else {
        SendSecondStep();
      }
      return;
    case Expect::kSetName:  // a user may lack the right; then we have no name
      told_noauth_ = resp::ErrorCode(reply) == "NOAUTH";
      break;
    case Expect::kSelect:
      // Going on would run the client's commands in another database.
      if (error) {
        Refuse(reply);
        return;
      }
      break;
    case Expect::kInfo:
      if (!error) run_id_ = RunIdIn(reply);
      break;
    case Expect::kClientId:
      if (reply.starts_with(':'))
        client_id_ =
            static_cast<uint64_t>(resp::ParseNumber(WithoutLineEnd(reply.substr(1))).value_or(0));
      break;
  }
  if (answered_ == expected_) BecomeReady();
}

void Connection::BecomeReady() {
  state_ = State::kReady;
  handshake_bytes_ = stream_->total_queued();
  oldest_since_ms_ = loop_.now_ms();
  stream_->Write(std::move(waiting_));
  if (notify_) stream_->NotifyProgress();
  if (ends_) stream_->EndWriting();
  owner_.OnReady(*this, run_id_);
}

void Connection::Refuse(std::string_view reply) {
  const std::string words(WithoutLineEnd(reply.substr(1)));
  // Each waiting command gets the server's own words.
  const base::Slice refusal = base::CopySlice(reply);
  state_ = State::kClosed;
  stream_->Close();
  while (first_ != nullptr) {
    Call* call = first_;
    PopCall();
    if (call->sink != nullptr) {
      call->sink->OnReply(*call, refusal, true, true);
    } else {
      call->dispose(call);
    }
  }
  if (raw_ != nullptr) {
    RawSink* sink = std::exchange(raw_, nullptr);
    sink->OnRawBytes(refusal);
    sink->OnRawClosed(words);
  }
  owner_.OnClosed(*this, ConnectionOwner::Ending::kRefused, words);
}

void Connection::Send(Call& call, base::Slice bytes) {
  assert(!closed() && !is_raw_);
  call.next_in_connection = nullptr;
  if (last_ == nullptr) {
    first_ = &call;
    oldest_since_ms_ = loop_.now_ms();
  } else {
    last_->next_in_connection = &call;
  }
  last_ = &call;
  ++outstanding_;
  if (call.is_script) ++scripts_;
  if (call.may_write) ++writes_;
  More(std::move(bytes));
}

void Connection::More(base::Slice bytes) {
  queued_ += bytes.size;
  last_->end = queued_;
  if (state_ == State::kReady) {
    stream_->Write(std::move(bytes));
  } else {
    waiting_.Append(std::move(bytes));
  }
}

uint64_t Connection::oldest_age_ms() const {
  return first_ == nullptr ? 0 : loop_.now_ms() - oldest_since_ms_;
}

size_t Connection::unsent() const {
  return waiting_.bytes() + (state_ == State::kReady ? stream_->unsent() : 0);
}

void Connection::EndWriting() {
  ends_ = true;
  if (state_ == State::kReady) stream_->EndWriting();
}

void Connection::Nudge() {
  if (state_ != State::kReady || ends_ || is_raw_ || last_ == nullptr || last_->unfinished) return;
  behind_slow_ = false;
  queued_ += kEmptyLine.size();
  stream_->Write(base::StaticSlice(kEmptyLine));
}

void Connection::NotifyProgress() {
  if (state_ == State::kReady) {
    stream_->NotifyProgress();
  } else {
    notify_ = true;
  }
}

void Connection::PauseReading() {
  paused_ = true;
  if (stream_ != nullptr) stream_->PauseReading();
}

void Connection::ResumeReading() {
  if (!paused_) return;
  paused_ = false;
  if (closed() || stream_ == nullptr) return;
  stream_->ResumeReading();
  stream_->OfferAgain();
}

void Connection::MakeRaw(RawSink& sink) {
  assert(first_ == nullptr);
  raw_ = &sink;
  is_raw_ = true;
}

void Connection::WriteRaw(base::Slice bytes) {
  if (closed()) return;
  if (state_ == State::kReady) {
    stream_->Write(std::move(bytes));
  } else {
    waiting_.Append(std::move(bytes));
  }
}

net::StreamOwner::Taken Connection::OnRead(const base::Slice& data) {
  if (is_raw_ && state_ == State::kReady) {
    return {raw_ != nullptr ? raw_->OnRawBytes(data) : data.size, 0};
  }
  return ReadReplies(data);
}

net::StreamOwner::Taken Connection::ReadReplies(const base::Slice& data) {
  size_t at = 0;
  while (at < data.size && !paused_) {
    const std::string_view rest(data.data + at, data.size - at);
    switch (scan_.Scan(rest)) {
      case resp::ReplyScan::Outcome::kError:
        Fail(rest.starts_with(net::kTlsAlert) ? "the node speaks TLS; see upstream.tls"
                                              : "the node does not speak RESP");
        return {data.size, 0};
      case resp::ReplyScan::Outcome::kMore: {
        if (rest.size() < kStreamBytes) return {at, 0};
        const auto size = static_cast<size_t>(scan_.Passable(rest.size()));
        if (size == 0) return {at, 0};
        scan_.Forwarded(size);
        Deliver(data.Sub(at, size), false);
        at += size;
        break;
      }
      case resp::ReplyScan::Outcome::kComplete: {
        const auto size = static_cast<size_t>(scan_.size());
        scan_.Reset();
        Deliver(data.Sub(at, size), true);
        at += size;
        break;
      }
    }
    if (closed()) return {data.size, 0};
    // A callback made it raw. (Before the handshake is done what comes is the handshake's.)
    if (is_raw_ && state_ == State::kReady && at < data.size) {
      const base::Slice rest_of_it = data.Sub(at, data.size - at);
      return {at + (raw_ != nullptr ? raw_->OnRawBytes(rest_of_it) : rest_of_it.size), 0};
    }
  }
  return {at, 0};
}

Connection::Frame Connection::KindOf(std::string_view front) const {
  if (!resp::IsPush(front) && (front.empty() || front[0] != '*')) return Frame::kReply;
  if (first_ != nullptr && first_->confirmations > 0 && resp::IsConfirmation(front))
    return Frame::kConfirmation;
  if (resp::IsPush(front) || (subscribed_ && resp::IsMessage(front))) return Frame::kPush;
  return Frame::kReply;
}

void Connection::Deliver(base::Slice piece, bool last) {
  const bool front = !mid_frame_;
  mid_frame_ = !last;
  if (front) frame_ = KindOf(piece.view());
  if (frame_ == Frame::kPush) {
    if (pushes_ != nullptr) pushes_->OnPush(std::move(piece), front, last);
    return;
  }
  if (state_ == State::kHandshake) {
    if (last) OnHandshakeReply(piece.view());
    return;
  }
  if (first_ == nullptr) {
    Fail("a reply to nothing: " + std::string(WithoutLineEnd(piece.view().substr(0, 100))));
    return;
  }
  Call* call = first_;
  if (frame_ == Frame::kConfirmation && last) last = --call->confirmations == 0;
  const bool first = !mid_reply_;
  mid_reply_ = !last;
  if (last) PopCall();
  if (call->sink != nullptr) {
    call->sink->OnReply(*call, std::move(piece), first, last);
  } else if (last) {
    call->dispose(call);
  }
}

void Connection::PopCall() {
  Call* call = first_;
  first_ = call->next_in_connection;
  if (first_ == nullptr) last_ = nullptr;
  --outstanding_;
  if (call->is_script) --scripts_;
  if (call->may_write) --writes_;
  const uint64_t now = loop_.now_ms();
  behind_slow_ = first_ != nullptr && (behind_slow_ || now - oldest_since_ms_ >= kSlowMs);
  oldest_since_ms_ = now;
}

void Connection::OnEof() {
  Fail("the node closed the connection");
}

void Connection::OnBroken(const std::string& why) {
  Fail(why);
}

void Connection::Fail(const std::string& why) {
  if (closed()) return;
  const bool established = state_ == State::kReady;
  Close(why);
  if (raw_ != nullptr) std::exchange(raw_, nullptr)->OnRawClosed(why);
  const auto ending = !established ? ConnectionOwner::Ending::kNotConnected
                      : ends_      ? ConnectionOwner::Ending::kFinished
                                   : ConnectionOwner::Ending::kLost;
  owner_.OnClosed(*this, ending, why);
}

void Connection::Close(const std::string& why) {
  if (closed()) return;
  const bool ready = state_ == State::kReady;
  const uint64_t taken = ready ? stream_->total_sent() - handshake_bytes_ : 0;
  state_ = State::kClosed;
  connector_.reset();
  if (stream_ != nullptr) stream_->Close();
  while (first_ != nullptr) {
    Call* call = first_;
    PopCall();
    // A command of which the last byte never left cannot have been executed.
    const bool sent = ready && call->end <= taken;
    if (call->sink != nullptr) {
      call->sink->OnLost(*call, sent, why);
    } else {
      call->dispose(call);
    }
  }
  waiting_.Clear();
}

}  // namespace backend
