// The nodes as one worker sees them: the newest picture, and a pool for each node.
//
// One worker's thread.
#pragma once

#include <memory>
#include <vector>

#include "proxy/backend/node_pool.h"
#include "replication/topology.h"

namespace backend {

class Nodes {
 public:
  explicit Nodes(PoolContext& context) : context_(context) {}

  // A new picture; `shared` has the shared numbers of every node that was ever seen, by id.
  void Take(std::shared_ptr<const replication::Topology> picture,
            const std::vector<NodeSharedRef>& shared) {
    picture_ = std::move(picture);
    if (pools_.size() < shared.size()) pools_.resize(shared.size());
    for (const auto& node : picture_->nodes) {
      auto& pool = pools_[node.id];
      if (pool == nullptr) pool = std::make_unique<NodePool>(context_, shared[node.id]);
      pool->SetNode(node);
    }
    // A node that is no longer in the picture keeps its connections until they are idle: what is on
    // its way there is answered.
  }

  const replication::Topology& picture() const { return *picture_; }
  NodePool* Pool(replication::NodeId id) const {
    return id < pools_.size() ? pools_[id].get() : nullptr;
  }
  NodePool* Master() const { return picture_->master ? Pool(*picture_->master) : nullptr; }
  // Null, unless exactly one node answers.
  NodePool* TheOnlyOneUp() const {
    NodePool* found = nullptr;
    for (const auto& node : picture_->nodes) {
      if (!node.up) continue;
      if (found != nullptr) return nullptr;
      found = Pool(node.id);
    }
    return found;
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& pool : pools_)
      if (pool != nullptr) visit(*pool);
  }

 private:
  PoolContext& context_;
  std::shared_ptr<const replication::Topology> picture_ =
      std::make_shared<const replication::Topology>();
  std::vector<std::unique_ptr<NodePool>> pools_;
};

}  // namespace backend
