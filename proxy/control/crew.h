// The workers, as the control thread sees them: whom it tells what it found out.
//
// Implemented by the server. Every call returns at once; what it tells arrives in the order of
// telling, before anything that a client sends afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/backend/node_shared.h"
#include "proxy/resp/command_table.h"
#include "replication/script_registry.h"
#include "replication/topology.h"

namespace control {

class Crew {
 public:
  virtual void TellPicture(std::shared_ptr<const replication::Topology> picture,
                           const std::vector<backend::NodeSharedRef>& shared) = 0;
  virtual void TellTable(std::shared_ptr<const resp::CommandTable> table) = 0;
  virtual void TellLearned(replication::ScriptRef script, uint64_t epoch) = 0;
  virtual void TellKnown(replication::NodeId node, uint64_t generation,
                         const replication::Sha1& sha) = 0;
  // These went, because there was no room for them.
  virtual void TellEvicted(const std::vector<replication::Sha1>& scripts) = 0;
  // SCRIPT FLUSH number `epoch`: everybody forgets. `all_forgot`, on the control thread, when they
  // have, and when no body that was sent before is on the way any more.
  virtual void TellFlush(uint64_t epoch, std::function<void()> all_forgot) = 0;

 protected:
  ~Crew() = default;
};

}  // namespace control
