// Accepts connections and hands their descriptors on.
//
// There is one acceptor for the whole process, on the control thread, and it gives each connection
// to the worker with the fewest: so a handful of connections is spread evenly too, which a socket
// for each worker (SO_REUSEPORT) does not do. The price is one post between threads for each
// connection.
//
// The loop's thread.
#pragma once

#include <uv.h>

#include <functional>
#include <string>

#include "proxy/net/loop.h"

namespace net {

class Listener {
 public:
  // `fd` is the connection, not blocking; whoever is called owns it.
  using OnAccepted = std::function<void(int fd, const std::string& peer)>;

  // Takes over `listening` (see ListenOn) and, for a unix socket, its file, which is removed when
  // the listener goes.
  Listener(Loop& loop, int listening, std::string unix_path, OnAccepted on_accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  void Accept();
  void RefuseForLackOfDescriptors();

  static constexpr int kMostInOneTurn = 64;

  int fd_;
  int spare_;  // given up to accept and close one connection when descriptors have run out
  std::string unix_path_;
  OnAccepted on_accepted_;
  uv_poll_t* poll_;
};

}  // namespace net
