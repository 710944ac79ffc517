#include "proxy/net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace net {
namespace {

constexpr int kBacklog = 511;

base::Error Failed(const config::ListenAddress& address, int error) {
  return base::Error{"cannot listen on " + address.ToString() + ": " + ErrorWords(error)};
}

// Someone answers at the socket file: it is in use. Nobody does: it was left behind.
bool SomeoneListens(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const bool answered =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return answered;
}

base::Result<int> ListenUnix(const config::ListenAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof name.sun_path)
    return base::Error{"cannot listen on " + address.ToString() + ": the path is too long"};
  std::memcpy(name.sun_path, address.path.c_str(), address.path.size() + 1);
  struct stat info {};
  if (stat(address.path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && !SomeoneListens(name))
    unlink(address.path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed(address, errno);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    return Failed(address, error);
  }
  return fd;
}

}  // namespace

std::string ErrorWords(int error) {
  char text[128];
  return strerror_r(error, text, sizeof text);
}

base::Result<int> ListenOn(const config::ListenAddress& address) {
  if (address.kind == config::ListenAddress::Kind::kUnix) return ListenUnix(address);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(address.address.host.c_str(),
                                 std::to_string(address.address.port).c_str(), &hints, &found);
  if (failed != 0)
    return base::Error{"cannot listen on " + address.ToString() + ": " + gai_strerror(failed)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, kBacklog) == 0) return fd;
    error = errno;
    close(fd);
  }
  return Failed(address, error);
}

void TuneConnection(int fd) {
  const int on = 1;
  const int idle_s = 60;
  const int interval_s = 20;
  const int probes = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

std::string PeerName(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in->sin6_port));
  }
  return "unix";
}

std::string LocalName(int fd) {
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  auto* address = reinterpret_cast<sockaddr*>(&local);
  if (getsockname(fd, address, &size) != 0) return "";
  if (local.ss_family != AF_UNIX) return PeerName(address);
  const auto* path = reinterpret_cast<const sockaddr_un*>(address);
  return std::string(path->sun_path) + ":0";
}

}  // namespace net
