// What a session asks for when a matter of scripts concerns more than its own worker.
//
// Implemented by the worker; the answers come on the worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replication/node.h"
#include "replication/script_registry.h"
#include "replication/sha1.h"

namespace frontend {

class ScriptHub {
 public:
  // A node accepted `script`, sent under `epoch` of lua_scripts. When this returns every worker
  // will know it before it looks at anything that a client sends from now on. `how`: the command.
  virtual void Learned(replication::ScriptRef script, uint64_t epoch, const char* how) = 0;
  // Proof that `node` holds a script, under its `generation`.
  virtual void Known(replication::NodeId node, uint64_t generation,
                     const replication::Sha1& sha) = 0;

  // SCRIPT LOAD on every reachable replica, unless a flush came since `epoch`; `done` when they
  // have answered, or soon.
  virtual void Distribute(replication::ScriptRef script, uint64_t epoch,
                          std::function<void()> done) = 0;
  // The master has accepted a SCRIPT FLUSH: everybody forgets, and every node is flushed. The
  // master once more, if `master_too`: not where the same transaction may have loaded scripts
  // since.
  virtual void FlushEverywhere(bool master_too, std::function<void()> done) = 0;
  // SCRIPT KILL or FUNCTION KILL on every node: `container` is the first word. `done` gets the
  // reply for the client, as RESP.
  virtual void KillEverywhere(const char* container, std::function<void(std::string)> done) = 0;
  // These bodies may have reached `node` in a way that proves nothing: if it holds them, they are
  // learned. They were sent under `epoch`, and what a flush came behind is not asked for.
  virtual void Verify(replication::NodeId node, uint64_t epoch,
                      std::vector<replication::ScriptRef> scripts) = 0;
  // `node` holds a script of which nobody gave us the body: it is learned if the node shows it.
  virtual void Show(replication::NodeId node, const replication::Sha1& sha) = 0;

  // A client became a replica through us (PSYNC, SYNC): that is an attach.
  virtual void ReplicaThroughUs() = 0;
  // The nodes' roles may have changed: they should be asked now.
  virtual void AskNodesNow() = 0;

 protected:
  ~ScriptHub() = default;
};

}  // namespace frontend
