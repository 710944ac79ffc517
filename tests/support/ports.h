// Free loopback ports for servers that are started, stopped and started again.
#pragma once

namespace support {

// A TCP port of 127.0.0.1 that nobody listens on and that was not given out before by this process.
// From below the range that the kernel takes for outgoing connections: a port from there could be
// taken by a connection while its server is down, or a connection to it could meet itself.
int FreePort();

// A TCP port of 127.0.0.1 on which nothing listens while this lives, so that connecting to it
// fails.
class DeadPort {
 public:
  DeadPort();
  ~DeadPort();
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;

  int port() const { return port_; }

 private:
  int fd_;  // bound, never listening
  int port_;
};

}  // namespace support
