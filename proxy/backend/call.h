// One command on its way to a node, and the place where its reply goes.
//
// A connection keeps its calls in the order of sending; a node answers in that order. A client that
// leaves does not take its calls out of the queue: it takes itself out of them (sink = null), and
// the reply is read and dropped.
//
// One worker's thread. A call belongs to its sink, and while it has none to the connection, which
// then calls dispose().
#pragma once

#include <cstdint>
#include <string>

#include "proxy/base/bytes.h"

namespace backend {

struct Call;

class ReplySink {
 public:
  // A piece of the reply. Most replies are one piece, first and last at once; a large one comes in
  // many. After the last piece the connection has forgotten the call.
  virtual void OnReply(Call& call, base::Slice piece, bool first, bool last) = 0;
  // There will be no (more) reply. `sent`: the node may have executed it. The connection has
  // forgotten the call. Comes for all calls of a connection in their order.
  virtual void OnLost(Call& call, bool sent, const std::string& why) = 0;

 protected:
  ~ReplySink() = default;
};

struct Call {
  ReplySink* sink = nullptr;
  void (*dispose)(Call*) = nullptr;
  Call* next_in_connection = nullptr;
  uint64_t end = 0;  // where its last byte lies in what the connection sends
  // (P|S)SUBSCRIBE and their opposites are answered once for each channel: so many of these are
  // still to come, and the last one ends the reply. 0: it is answered as other commands are.
  uint32_t confirmations = 0;
  bool is_script = false;   // may run for long, and everything behind it waits
  bool may_write = false;   // held back by the node while writes are paused, and so on
  bool unfinished = false;  // more of the command is to come, by Connection::More()
};

}  // namespace backend
