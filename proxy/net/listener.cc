#include "proxy/net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proxy/base/log.h"
#include "proxy/net/socket.h"

namespace net {

Listener::Listener(Loop& loop, int listening, std::string unix_path, OnAccepted on_accepted)
    : fd_(listening),
      spare_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
      unix_path_(std::move(unix_path)),
      on_accepted_(std::move(on_accepted)),
      poll_(new uv_poll_t) {
  uv_poll_init(loop.uv(), poll_, fd_);
  poll_->data = this;
  uv_poll_start(poll_, UV_READABLE,
                [](uv_poll_t* h, int, int) { static_cast<Listener*>(h->data)->Accept(); });
}

Listener::~Listener() {
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* h) { delete reinterpret_cast<uv_poll_t*>(h); });
  close(fd_);
  if (spare_ >= 0) close(spare_);
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
}

void Listener::Accept() {
  for (int i = 0; i < kMostInOneTurn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* address = reinterpret_cast<sockaddr*>(&from);
    const int fd = accept4(fd_, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      TuneConnection(fd);
      on_accepted_(fd, PeerName(address));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) RefuseForLackOfDescriptors();
    if (errno == EINTR || errno == ECONNABORTED) continue;
    return;
  }
}

void Listener::RefuseForLackOfDescriptors() {
  // Without this the connection would stay in the queue and wake us for ever.
  base::log::Error("client.refused", "no file descriptor is left for a client; raise LimitNOFILE");
  if (spare_ < 0) return;
  close(spare_);
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace net
