// Did a new replica attach to the master?
//
// Redis emptied repl_scriptcache_dict when it began to feed a new replica. From outside that moment
// is seen only by what it leaves behind, and each trace has a hole: the list of addresses in INFO
// is the same after a flap and after a restart, the sync counters can be reset, CLIENT LIST can be
// forbidden. So any of them counts, and so does every time that we could not look.
//
// A poll comes after the event; the first command may come before the poll. Correctness does not
// rest here but on the proofs of script_cache.h: this is what keeps a surprise rare.
//
// No socket, no clock: given the facts of one poll after the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "replication/node_facts.h"

namespace replication {

class AttachWatch {
 public:
  // The master's facts. Returns why this counts as an attach, or nullopt.
  std::optional<std::string> Observe(const NodeFacts& master);
  // A poll of the master failed, or there is none: the next one counts as an attach.
  void Missed() { missed_ = true; }

 private:
  std::optional<NodeFacts> last_;
  bool missed_ = false;
};

}  // namespace replication
