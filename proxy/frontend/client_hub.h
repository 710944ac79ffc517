// What a session asks for when a matter of clients concerns more than its own worker.
//
// Implemented by the worker; the answers come on the worker's thread.
#pragma once

#include <functional>

namespace frontend {

class Session;

class ClientHub {
 public:
  // `visit` is called with every open session, on the thread of the session's worker; one worker
  // after the other, so that it may gather things without a lock. Then `done`, on the asker's.
  virtual void VisitClients(std::function<void(Session&)> visit, std::function<void()> done) = 0;

 protected:
  ~ClientHub() = default;
};

}  // namespace frontend
