// What the tests of backend::NodePool share: one pool on a fake node.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/node_pool.h"
#include "tests/proxy/backend/connection_support.h"

namespace backend {

class NotingHolder final : public LeaseHolder {
 public:
  void OnLeaseLost(Connection& lease, const std::string& words) override {
    lost.push_back(&lease);
    why = words;
  }
  void OnLeaseProgress(Connection&) override { ++progress; }

  std::vector<Connection*> lost;
  std::string why;
  int progress = 0;
};

class NodePoolTest : public ::testing::Test {
 protected:
  NodePoolTest() {
    settings_.connect_timeout = kConnectTimeout;
    key_.identity = identities_.Anonymous();
    pool_ = std::make_unique<NodePool>(context_, shared_);
    SetRunId(node_.run_id);
  }

  // The picture's word.
  void SetRunId(const std::string& run_id) {
    replication::Node node;
    node.run_id = run_id;
    pool_->SetNode(node);
  }
  ConnectionKey InDatabase(int db) const { return {key_.identity, db, 2}; }

  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition, [&] {
      node_.Step();
      pool_->OnTick();
    });
  }
  void Turns(int n = 20) {
    for (int i = 0; i < n; ++i) {
      support::Turn(loop_);
      node_.Step();
      pool_->OnTick();
    }
  }
  Connection* ReadyLane(const ConnectionKey& key) {
    Connection* lane = pool_->Lane(key);
    EXPECT_NE(lane, nullptr);
    if (lane == nullptr) return nullptr;
    EXPECT_TRUE(Until([&] { return lane->state() == Connection::State::kReady; }));
    return lane;
  }
  Connection* ReadyLease(const ConnectionKey& key) {
    Connection* lease = pool_->TakeLease(key, holder_);
    EXPECT_NE(lease, nullptr);
    if (lease == nullptr) return nullptr;
    EXPECT_TRUE(Until([&] { return lease->state() == Connection::State::kReady; }));
    return lease;
  }
  NotedCall& Send(Connection& connection, const std::string& words, bool is_script = false,
                  bool may_write = false) {
    calls_.emplace_back();
    NotedCall& call = calls_.back();
    call.name = words;
    call.sink = &sink_;
    call.is_script = is_script;
    call.may_write = may_write;
    connection.Send(call, base::CopySlice(support::Command(words)));
    return call;
  }
  uint64_t generation() const { return shared_->generation.load(); }

  net::Loop loop_;
  support::FakeNode node_;
  config::UpstreamSettings settings_;
  base::Counters counters_;
  LeaseBudget budget_;
  int suspected_ = 0;
  PoolContext context_{loop_, settings_, counters_, budget_, 1, [this] { ++suspected_; }};
  NodeSharedRef shared_ = std::make_shared<NodeShared>(0, node_.address());
  IdentityTable identities_;
  ConnectionKey key_;
  NotingSink sink_;
  NotingHolder holder_;
  std::deque<NotedCall> calls_;
  std::unique_ptr<NodePool> pool_;
};

}  // namespace backend
