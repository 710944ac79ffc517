#include "tests/support/replica_set.h"

#include <stdexcept>

namespace support {

ReplicaSet::ReplicaSet(int replicas, RedisProcess::Options options) : options_(std::move(options)) {
  nodes_.push_back(std::make_unique<RedisProcess>(options_));
  for (int i = 0; i < replicas; ++i) BeginAttach();
  WaitSynced();
}

std::vector<RedisProcess*> ReplicaSet::nodes() const {
  std::vector<RedisProcess*> nodes;
  for (const auto& node : nodes_) nodes.push_back(node.get());
  return nodes;
}

RedisProcess& ReplicaSet::BeginAttach() {
  RedisProcess::Options options = options_;
  options.args.insert(options.args.end(),
                      {"--replicaof", "127.0.0.1", std::to_string(master().port())});
  nodes_.push_back(std::make_unique<RedisProcess>(std::move(options)));
  return *nodes_.back();
}

RedisProcess& ReplicaSet::Attach() {
  RedisProcess& node = BeginAttach();
  if (!WaitUntil([&] { return node.LinkUp(); }))
    throw std::runtime_error("the new replica's link does not come up:\n" + node.Log());
  return node;
}

bool ReplicaSet::Synced() {
  const std::string offset = master().Info("master_repl_offset");
  for (size_t i = 0; i < replicas(); ++i) {
    if (!replica(i).LinkUp() || replica(i).Info("slave_repl_offset") != offset) return false;
  }
  return true;
}

void ReplicaSet::WaitSynced() {
  if (!WaitUntil([this] { return Synced(); }))
    throw std::runtime_error("the replicas do not catch up with the master");
}

}  // namespace support
