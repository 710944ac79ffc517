// An immutable picture of the replica set: who is master, who its replicas are, which of them may
// be read. The control thread draws a new one when something changed, and every worker is given it.
//
// Plain data; shared as shared_ptr<const Topology>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "replication/node.h"

namespace replication {

struct Node {
  NodeId id = 0;
  config::Address address;
  std::string run_id;
  Role role = Role::kUnknown;
  bool up = false;            // the last poll was answered, or the node is busy with a script
  bool readable = false;      // may be given reads
  std::string why_not;        // ... or why it may not
  std::string version;        // such as "7.0.15" or "valkey 8.1.1"
  bool evicts = false;        // it may lose single scripts that came by EVAL
  bool leaves_lying = false;  // after a slow script, what was sent behind it (3.2 to 6.2.1)

  friend bool operator==(const Node&, const Node&) = default;
};

struct Topology {
  uint64_t epoch = 0;
  std::optional<NodeId> master;
  std::string why_no_master;
  std::vector<Node> nodes;  // by id; addresses that are gone are left out

  const Node* Find(NodeId id) const {
    for (const Node& node : nodes)
      if (node.id == id) return &node;
    return nullptr;
  }
  const Node* Master() const { return master ? Find(*master) : nullptr; }
};

}  // namespace replication
