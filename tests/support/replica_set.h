// A master and its replicas, with their links up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_process.h"

namespace support {

class ReplicaSet {
 public:
  // `options` of every server of the set.
  explicit ReplicaSet(int replicas, RedisProcess::Options options = {});

  RedisProcess& master() { return *nodes_[0]; }
  // From 0.
  RedisProcess& replica(size_t i) { return *nodes_.at(i + 1); }
  size_t replicas() const { return nodes_.size() - 1; }
  // The master first.
  std::vector<RedisProcess*> nodes() const;

  // One more; returns when its link is up.
  RedisProcess& Attach();
  // The same without waiting for its link.
  RedisProcess& BeginAttach();
  // True when every replica has its link to the master, and all that the master has.
  bool Synced();
  void WaitSynced();

 private:
  RedisProcess::Options options_;
  std::vector<std::unique_ptr<RedisProcess>> nodes_;
};

}  // namespace support
