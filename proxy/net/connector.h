// Connects to a node: resolves its name, connects, and gives up in time.
//
// The loop's thread. Destroying it ends the attempt; the callback comes at most once, never from
// inside the constructor.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "config/settings.h"
#include "proxy/base/result.h"
#include "proxy/net/loop.h"

struct addrinfo;
struct sockaddr;

namespace net {

class Connector {
 public:
  // A connected socket, not blocking, owned by whoever is called; or why there is none ("Connection
  // refused", "no answer within 1000 ms").
  using OnDone = std::function<void(base::Result<int>)>;

  Connector(Loop& loop, const config::Address& address, std::chrono::milliseconds timeout,
            OnDone on_done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  struct Lookup;  // outlives us when the resolver is slow

  void OnResolved(int status, addrinfo* found);
  // The next address that was found.
  void TryNext();
  void OnWritable();
  void ClosePoll();
  void Done(base::Result<int> result);

  Loop& loop_;
  const std::chrono::milliseconds timeout_;
  OnDone on_done_;
  Timer timer_;
  Lookup* lookup_ = nullptr;
  addrinfo* found_ = nullptr;
  const addrinfo* next_ = nullptr;
  uv_poll_t* poll_ = nullptr;
  int fd_ = -1;
  std::string last_error_ = "no address found";
};

}  // namespace net
