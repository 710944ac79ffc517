#include "tests/support/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <set>
#include <stdexcept>

namespace support {
namespace {

constexpr int kLowest = 10'000;

int LowestEphemeral() {
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  int lowest = 0;
  return range >> lowest && lowest > kLowest + 5'000 ? lowest : 32'768;
}

// The bound socket, or -1.
int Bind(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int BindAnywhere(int* port) {
  static std::mt19937 random(std::random_device{}());
  static std::set<int> given;
  std::uniform_int_distribution<int> pick(kLowest, LowestEphemeral() - 1);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    *port = pick(random);
    if (given.contains(*port)) continue;
    const int fd = Bind(*port);
    if (fd < 0) continue;
    given.insert(*port);
    return fd;
  }
  throw std::runtime_error("no free loopback port");
}

}  // namespace

int FreePort() {
  int port = 0;
  close(BindAnywhere(&port));
  return port;
}

DeadPort::DeadPort() : fd_(-1), port_(0) {
  fd_ = BindAnywhere(&port_);
}

DeadPort::~DeadPort() {
  close(fd_);
}

}  // namespace support
