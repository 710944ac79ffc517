#include "proxy/net/connector.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proxy/net/socket.h"

namespace net {

struct Connector::Lookup {
  uv_getaddrinfo_t request{};
  Connector* owner = nullptr;  // null: it has gone
};

Connector::Connector(Loop& loop, const config::Address& address, std::chrono::milliseconds timeout,
                     OnDone on_done)
    : loop_(loop), timeout_(timeout), on_done_(std::move(on_done)), timer_(loop, [this] {
        Done(base::Error{"no answer within " + std::to_string(timeout_.count()) + " ms"});
      }) {
  timer_.StartOnce(static_cast<uint64_t>(timeout.count()));
  lookup_ = new Lookup;
  lookup_->owner = this;
  lookup_->request.data = lookup_;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const int status = uv_getaddrinfo(
      loop.uv(), &lookup_->request,
      [](uv_getaddrinfo_t* request, int failed, addrinfo* found) {
        auto* lookup = static_cast<Lookup*>(request->data);
        if (lookup->owner != nullptr) {
          lookup->owner->lookup_ = nullptr;
          lookup->owner->OnResolved(failed, found);
        } else {
          uv_freeaddrinfo(found);
        }
        delete lookup;
      },
      address.host.c_str(), std::to_string(address.port).c_str(), &hints);
  if (status != 0) {
    delete lookup_;
    lookup_ = nullptr;
    last_error_ = uv_strerror(status);
    timer_.StartOnce(0);
  }
}

Connector::~Connector() {
  if (lookup_ != nullptr) {
    lookup_->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup_->request));
  }
  ClosePoll();
  if (fd_ >= 0) close(fd_);
  if (found_ != nullptr) uv_freeaddrinfo(found_);
}

void Connector::OnResolved(int status, addrinfo* found) {
  if (status != 0) {
    Done(base::Error{uv_strerror(status)});
    return;
  }
  found_ = found;
  next_ = found;
  TryNext();
}

void Connector::TryNext() {
  for (; next_ != nullptr; next_ = next_->ai_next) {
    fd_ = socket(next_->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      last_error_ = ErrorWords(errno);
      continue;
    }
    if (connect(fd_, next_->ai_addr, next_->ai_addrlen) == 0 || errno == EINPROGRESS) {
      next_ = next_->ai_next;
      poll_ = new uv_poll_t;
      uv_poll_init(loop_.uv(), poll_, fd_);
      poll_->data = this;
      uv_poll_start(poll_, UV_WRITABLE,
                    [](uv_poll_t* h, int, int) { static_cast<Connector*>(h->data)->OnWritable(); });
      return;
    }
    last_error_ = ErrorWords(errno);
    close(std::exchange(fd_, -1));
  }
  Done(base::Error{last_error_});
}

void Connector::OnWritable() {
  ClosePoll();
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    last_error_ = ErrorWords(error);
    close(std::exchange(fd_, -1));
    TryNext();
    return;
  }
  TuneConnection(fd_);
  Done(std::exchange(fd_, -1));
}

void Connector::ClosePoll() {
  if (poll_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)),
           [](uv_handle_t* h) { delete reinterpret_cast<uv_poll_t*>(h); });
}

void Connector::Done(base::Result<int> result) {
  timer_.Stop();
  // The callback may destroy us.
  const OnDone on_done = std::exchange(on_done_, nullptr);
  if (on_done) on_done(std::move(result));
}

}  // namespace net
