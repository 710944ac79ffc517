// Which node serves a read? A pure function of the picture, the policy and the load.
//
// Writes and everything unknown go to the master and never come here.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/settings.h"
#include "replication/topology.h"

namespace frontend {

struct ReadRoute {
  std::optional<replication::NodeId> node;
  // No node: the master is missing, and there may be one soon. Else there is no replica, and the
  // policy wants one.
  bool wait_for_master = false;
};

// `load`: commands in flight to a node. `turn`: a number that counts up, so that nodes of equal
// load take turns. `stay`: the node that the session's commands are on their way to.
ReadRoute RouteRead(const replication::Topology& picture, config::Reads reads,
                    std::optional<replication::NodeId> stay,
                    const std::function<size_t(replication::NodeId)>& load, uint64_t turn);

}  // namespace frontend
