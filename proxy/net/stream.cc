#include "proxy/net/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proxy/net/socket.h"
#include "proxy/net/tls_session.h"

namespace net {

Stream::Stream(Loop& loop, int fd, StreamOwner& owner)
    : loop_(loop), owner_(owner), fd_(fd), poll_(new uv_poll_t) {
  uv_poll_init(loop_.uv(), poll_, fd_);
  poll_->data = this;
}

Stream::~Stream() {
  Close();
}

void Stream::Start() {
  SetReading(true);
  if (tls_ != nullptr) StartTls();
}

void Stream::Close() {
  if (!open()) return;
  if (dirty_) loop_.CancelTurnEnd(this);
  dirty_ = false;
  if (tls_ != nullptr) SayGoodbye();
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* h) { delete reinterpret_cast<uv_poll_t*>(h); });
  poll_ = nullptr;
  close(std::exchange(fd_, -1));
  carry_ = {};
  queue_.Clear();
}

void Stream::CloseWhenWritten() {
  if (!open()) return;
  finish_ = true;
  SetReading(false);
  MarkDirty();
}

void Stream::EndWriting() {
  if (!open()) return;
  end_writing_ = true;
  MarkDirty();
}

void Stream::SetReading(bool reading) {
  reading_ = reading && !eof_ && !finish_;
  UpdatePoll();
  // What was read from the socket and not decrypted yet makes no noise there.
  if (tls_ != nullptr && reading_ && tls_->has_input()) MarkDirty();
}

void Stream::UpdatePoll() {
  if (!open()) return;
  const bool reads = reading_ || (handshaking() && !eof_);
  const int events = (reads ? UV_READABLE : 0) | (stalled_ ? UV_WRITABLE : 0);
  if (events == polled_) return;
  polled_ = events;
  if (events == 0) {
    uv_poll_stop(poll_);
    return;
  }
  uv_poll_start(poll_, events, [](uv_poll_t* h, int status, int ready) {
    static_cast<Stream*>(h->data)->OnPoll(status, ready);
  });
}

void Stream::OnPoll(int status, int events) {
  if (status < 0) {
    // The socket has an error, and libuv watches it no more. What came before the error is still
    // to be read: a server's last words, for instance.
    polled_ = 0;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    for (size_t before = ~size_t{0}; open() && (reading_ || handshaking()) && before != reads_;) {
      before = reads_;
      OnReadable();
    }
    Break(error != 0 ? ErrorWords(error) : "connection lost");
    return;
  }
  if ((events & UV_WRITABLE) != 0 && stalled_) {
    stalled_ = false;
    Flush();
    if (!open()) return;
    UpdatePoll();
    notify_ = false;
    if (!finish_) owner_.OnWriteProgress();
  }
  if ((events & UV_READABLE) != 0 && open() && (reading_ || handshaking())) OnReadable();
}

void Stream::OnReadable() {
  if (loop_.MailWaits()) {
    loop_.DrainMailbox();
    if (!open() || !(reading_ || handshaking())) return;
  }
  if (tls_ != nullptr) {
    OnReadableTls();
    return;
  }
  const auto space = loop_.arena().Reserve(carry_, want_);
  const ssize_t n = recv(fd_, space.data(), space.size(), 0);
  if (n > 0) {
    ++reads_;
    carry_ = {};
    Offer(loop_.arena().Commit(static_cast<size_t>(n)));
    return;
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n < 0) {
    Break(ErrorWords(errno));
    return;
  }
  Ended();
}

void Stream::Ended() {
  eof_ = true;
  SetReading(false);
  owner_.OnEof();
}

void Stream::OfferAgain() {
  if (offering_ || !open() || carry_.empty()) return;
  Offer(std::exchange(carry_, {}));
}

void Stream::Offer(base::Slice data) {
  offering_ = true;
  const StreamOwner::Taken taken = owner_.OnRead(data);
  offering_ = false;
  if (!open()) return;
  want_ = taken.want;
  const size_t left = data.size - taken.bytes;
  if (left == 0) return;
  // A few bytes must not keep a whole chunk.
  const bool copy = left < kSmallCarry && data.chunk && data.chunk->pool != nullptr;
  const base::Slice rest = data.Sub(taken.bytes, left);
  carry_ = copy ? base::CopySlice(rest.view()) : rest;
}

void Stream::OnTurnEnd() {
  dirty_ = false;
  if (!open()) return;
  if (tls_ != nullptr && reading_ && tls_->has_input()) Decrypt();
  if (!open()) return;
  if (!stalled_) Flush();
  if (open() && !stalled_ && std::exchange(notify_, false)) owner_.OnWriteProgress();
}

void Stream::Flush() {
  if (tls_ != nullptr) {
    FlushTls();
    return;
  }
  iovec pieces[kMostPieces];
  while (!queue_.empty()) {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = queue_.Gather(pieces, kMostPieces);
    const ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) {
      sent_ += static_cast<uint64_t>(n);
      queue_.Consume(static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      Break(ErrorWords(errno));
      return;
    }
    stalled_ = true;
    queue_.Compact();
    UpdatePoll();
    return;
  }
  if (finish_) {
    Close();
    owner_.OnFinished();
  } else if (std::exchange(end_writing_, false)) {
    shutdown(fd_, SHUT_WR);
  }
}

void Stream::Break(const std::string& why) {
  if (!open()) return;
  Close();
  owner_.OnBroken(why);
}

}  // namespace net
