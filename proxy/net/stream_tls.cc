// The part of net::Stream that speaks TLS; see stream.h.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "proxy/net/socket.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_session.h"

namespace net {

void Stream::UseTls(const TlsContext& context, const std::string& host,
                    std::chrono::milliseconds limit) {
  tls_ = std::make_unique<TlsSession>(context, host, loop_.pool());
  limit_ = limit;
}

bool Stream::silent() const {
  return tls_ != nullptr && !tls_->fed();
}

void Stream::StartTls() {
  limit_timer_ = std::make_unique<Timer>(loop_, [this] {
    Break("TLS: no handshake within " + std::to_string(limit_.count()) + " ms");
  });
  limit_timer_->StartOnce(static_cast<uint64_t>(limit_.count()));
  Shake();  // whoever connects begins; it cannot fail before something came
}

// False: the stream is broken.
bool Stream::Shake() {
  const TlsSession::State state = tls_->Shake();
  if (!tls_->output().empty()) MarkDirty();
  if (state == TlsSession::State::kWants) return true;
  if (state == TlsSession::State::kGoesOn) {
    ready_ = true;
    limit_timer_.reset();
    MarkDirty();  // for what waits to be written
    UpdatePoll();
    return true;
  }
  Break(state == TlsSession::State::kFailed ? tls_->why() : "TLS: closed in the handshake");
  return false;
}

void Stream::OnReadableTls() {
  if (tls_->has_input()) {
    Decrypt();
    if (!open() || tls_->has_input()) return;
  }
  base::ChunkRef chunk = loop_.pool().Take();
  const ssize_t n = recv(fd_, chunk->data, chunk->capacity, 0);
  if (n > 0) {
    ++reads_;
    const char* data = chunk->data;
    tls_->Feed(base::Slice{std::move(chunk), data, static_cast<size_t>(n)});
    Decrypt();
    return;
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n < 0) {
    Break(ErrorWords(errno));
  } else if (!ready_) {
    Break("TLS: closed in the handshake");
  } else {
    // Without a close_notify. A command or reply that is cut short shows that by itself.
    Ended();
  }
}

void Stream::Decrypt() {
  if (!ready_ && !Shake()) return;
  for (bool goes_on = ready_; goes_on && open() && reading_;) {
    const auto space = loop_.arena().Reserve(carry_, want_);
    size_t n = 0;
    const TlsSession::State state = tls_->Read(space, &n);
    if (n > 0) {
      carry_ = {};
      Offer(loop_.arena().Commit(n));
      if (!open()) return;
    }
    goes_on = state == TlsSession::State::kGoesOn;
    if (state == TlsSession::State::kFailed) {
      Break(tls_->why());
      return;
    }
    if (state == TlsSession::State::kEnd) {
      Ended();
      if (!open()) return;
    }
  }
  if (!tls_->output().empty()) MarkDirty();
  if (!reading_) tls_->CompactInput();
}

void Stream::FlushTls() {
  for (;;) {
    if (!SendOutput()) return;
    if (!ready_) {
      if (!finish_ || !queue_.empty()) return;  // it goes when the handshake is done
      break;
    }
    if (queue_.empty()) {
      if (!finish_ && !end_writing_) return;
      tls_->End();
      if (tls_->output().empty()) break;
      continue;
    }
    const size_t n = tls_->Write(&queue_, kMostEncrypted);
    sent_ += n;
    if (n == 0) {
      Break("TLS: cannot encrypt");
      return;
    }
  }
  if (finish_) {
    Close();
    owner_.OnFinished();
  } else if (std::exchange(end_writing_, false)) {
    shutdown(fd_, SHUT_WR);
  }
}

// False: the socket takes no more at present, or the stream is broken.
bool Stream::SendOutput() {
  base::ByteQueue& output = tls_->output();
  iovec pieces[kMostPieces];
  while (!output.empty()) {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = output.Gather(pieces, kMostPieces);
    const ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) {
      tls_->Sent(static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      Break(ErrorWords(errno));
      return false;
    }
    stalled_ = true;
    queue_.Compact();
    UpdatePoll();
    return false;
  }
  return true;
}

// The last words, if the socket takes them: the alert that says what was wrong, or the end.
void Stream::SayGoodbye() {
  limit_timer_.reset();
  if (ready_ && tls_->output().empty()) tls_->End();
  iovec pieces[kMostPieces];
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = tls_->output().Gather(pieces, kMostPieces);
  if (message.msg_iovlen > 0)
    static_cast<void>(sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
  tls_->output().Clear();
}

}  // namespace net
