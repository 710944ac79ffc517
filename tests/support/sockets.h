// Plain sockets for the other side of what is tested. All of them close themselves.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace support {

// A descriptor that is closed with its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // The other side gets a reset instead of an end.
  void CloseWithReset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Close();
  }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Two connected unix sockets that do not block.
inline std::pair<Fd, Fd> SocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
  return {Fd(fds[0]), Fd(fds[1])};
}

inline sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A listening socket on 127.0.0.1; port 0 = any that is free.
inline Fd ListenOnLoopback(uint16_t port, int backlog) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = Loopback(port);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), backlog) != 0)
    std::abort();
  return fd;
}

inline uint16_t PortOf(const Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Begins to connect; on loopback that is done at once, unless nobody has room for it.
inline Fd ConnectToLoopback(uint16_t port) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    std::abort();
  return fd;
}

// Two connected TCP sockets on the loopback device that do not block.
inline std::pair<Fd, Fd> TcpPair() {
  const Fd listening = ListenOnLoopback(0, 1);
  Fd one = ConnectToLoopback(PortOf(listening));
  pollfd waits{listening.get(), POLLIN, 0};
  poll(&waits, 1, -1);
  Fd other(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!other) std::abort();
  return {std::move(one), std::move(other)};
}

// Sends what fits; returns how much that was.
inline size_t SendSome(const Fd& fd, std::string_view bytes) {
  const ssize_t n = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n < 0 ? 0 : static_cast<size_t>(n);
}

enum class Read { kSome, kNothing, kEnd, kBroken };

// Appends what is there, at most `most` bytes.
inline Read ReadSome(const Fd& fd, std::string* to, size_t most = 1 << 16) {
  std::string space(most, '\0');
  const ssize_t n = recv(fd.get(), space.data(), most, 0);
  if (n > 0) to->append(space, 0, static_cast<size_t>(n));
  if (n > 0) return Read::kSome;
  if (n == 0) return Read::kEnd;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Read::kNothing : Read::kBroken;
}

// Appends all that is there.
inline Read ReadAll(const Fd& fd, std::string* to) {
  Read read;
  do {
    read = ReadSome(fd, to);
  } while (read == Read::kSome);
  return read;
}

}  // namespace support
