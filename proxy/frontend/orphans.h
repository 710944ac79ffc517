// SCRIPT FLUSHes whose client left before the reply came.
//
// Any other command of a client that has left is its connection's business: the reply is read and
// dropped. A flush that the master has accepted concerns everybody, so its reply is waited for.
//
// One worker's thread.
#pragma once

#include "proxy/backend/call.h"
#include "proxy/frontend/script_hub.h"

namespace frontend {

class Orphans final : public backend::ReplySink {
 public:
  explicit Orphans(ScriptHub& hub) : hub_(hub) {}

 private:
  void OnReply(backend::Call& call, base::Slice piece, bool first, bool last) override;
  void OnLost(backend::Call& call, bool sent, const std::string& why) override;

  ScriptHub& hub_;
};

}  // namespace frontend
