#include "proxy/frontend/router.h"

#include <vector>

namespace frontend {

ReadRoute RouteRead(const replication::Topology& picture, config::Reads reads,
                    std::optional<replication::NodeId> stay,
                    const std::function<size_t(replication::NodeId)>& load, uint64_t turn) {
  using config::Reads;
  std::vector<replication::NodeId> candidates;
  if (reads != Reads::kMaster) {
    for (const auto& node : picture.nodes)
      if (node.readable) candidates.push_back(node.id);
  }
  const bool master_too = reads == Reads::kMaster || reads == Reads::kAny ||
                          (reads == Reads::kPreferReplica && candidates.empty());
  if (master_too && picture.master) candidates.push_back(*picture.master);
  if (candidates.empty()) return {std::nullopt, reads != Reads::kReplica};
  // What follows on a node that will do keeps its order without waiting.
  if (stay) {
    for (const auto id : candidates)
      if (id == *stay) return {id, false};
  }
  std::optional<replication::NodeId> best;
  size_t best_load = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto id = candidates[(turn + i) % candidates.size()];
    const size_t its_load = load(id);
    if (best && its_load >= best_load) continue;
    best = id;
    best_load = its_load;
  }
  return {best, false};
}

}  // namespace frontend
