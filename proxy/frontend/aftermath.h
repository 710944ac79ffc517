// What a whole reply means: for the session (SELECT, AUTH, HELLO, MULTI ...), for the scripts
// (proof, a script learned, a miss), and for the reply itself, where a word of it is ours (HELLO's
// id, SCRIPT EXISTS).
//
// One place for all commands whose reply is more than something to pass on. One worker's thread.
#pragma once

#include <string_view>

#include "proxy/frontend/call.h"
#include "proxy/frontend/reply_queue.h"
#include "proxy/frontend/session_context.h"
#include "proxy/frontend/session_state.h"
#include "proxy/frontend/upstream.h"

namespace frontend {

class Aftermath {
 public:
  enum class Next : uint8_t {
    kDeliver,     // the reply goes to the client in its turn
    kMissed,      // NOSCRIPT by surprise: the node is to be asked (MissChecks)
    kToMaster,    // a replica could not serve it: to the master, the client sees nothing
    kDistribute,  // SCRIPT LOAD: to the replicas first
    kKill,        // SCRIPT KILL, FUNCTION KILL: on every node, too
    kFlush,       // SCRIPT FLUSH: everywhere first
    kOwnWord,     // we answer in the server's place (OwnWords)
  };

  Aftermath(SessionContext& context, SessionState& state) : context_(context), state_(state) {}

  // Must the reply be seen whole before any of it is passed on? `front`: its first piece.
  static bool WantsWhole(const Call& call, std::string_view front);

  // `call` was answered; its reply is in its place in the queue if it wanted it whole, else it has
  // been passed on and only its head is left.
  Next Take(Call& call, ReplyQueue& queue, Upstream& upstream);

 private:
  Next TakeScript(Call& call, std::string_view reply, backend::NodePool& pool);
  Next TakeScriptLoad(Call& call, std::string_view reply, backend::NodePool& pool);
  void TakeScriptExists(Call& call, std::string_view reply, ReplyQueue& queue);
  void TakeHello(Call& call, std::string_view reply, ReplyQueue& queue, Upstream& upstream);
  void TakeChanges(std::string_view reply, Upstream& upstream);
  Next TakeExec(Call& call, std::string_view reply, Upstream& upstream);
  void LearnBody(const Call& call, replication::ScriptRef body, const char* how);

  SessionContext& context_;
  SessionState& state_;
};

}  // namespace frontend
