#include "proxy/backend/nodes.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/proxy/backend/pool_support.h"

namespace backend {
namespace {

class NodesTest : public NodePoolTest {
 protected:
  NodesTest() {
    for (replication::NodeId id = 0; id < 3; ++id)
      all_shared_.push_back(std::make_shared<NodeShared>(id, node_.address()));
  }

  void Take(const std::vector<replication::NodeId>& ids,
            std::optional<replication::NodeId> master) {
    auto picture = std::make_shared<replication::Topology>();
    picture->master = master;
    for (const auto id : ids) {
      replication::Node node;
      node.id = id;
      node.address = node_.address();
      node.run_id = node_.run_id;
      picture->nodes.push_back(node);
    }
    nodes_.Take(picture, all_shared_);
  }

  std::vector<NodeSharedRef> all_shared_;
  Nodes nodes_{context_};
};

TEST_F(NodesTest, BeforeTheFirstPictureThereIsNobody) {
  EXPECT_EQ(nodes_.Master(), nullptr);
  EXPECT_EQ(nodes_.Pool(0), nullptr);
  EXPECT_TRUE(nodes_.picture().nodes.empty());
}

TEST_F(NodesTest, EachNodeOfThePictureHasAPool) {
  Take({0, 2}, 2);
  ASSERT_NE(nodes_.Pool(0), nullptr);
  EXPECT_EQ(nodes_.Pool(1), nullptr);
  ASSERT_NE(nodes_.Pool(2), nullptr);
  EXPECT_EQ(nodes_.Master(), nodes_.Pool(2));
  EXPECT_EQ(nodes_.Pool(2)->shared().id, 2u);
  int visited = 0;
  nodes_.ForEach([&](NodePool&) { ++visited; });
  EXPECT_EQ(visited, 2);
}

TEST_F(NodesTest, APoolStaysWhileItsNodeDoes) {
  Take({0, 1}, 0);
  NodePool* const pool = nodes_.Pool(0);
  Connection* const lane = pool->Lane(key_);
  Take({0, 1, 2}, 1);
  EXPECT_EQ(nodes_.Pool(0), pool);
  EXPECT_EQ(pool->Lane(key_), lane);
  EXPECT_EQ(nodes_.Master(), nodes_.Pool(1));
}

TEST_F(NodesTest, WhatIsOnItsWayToANodeThatIsGoneIsAnswered) {
  Take({0, 1}, 0);
  NotedCall& call = Send(*nodes_.Pool(1)->Lane(key_), "GET a");
  Take({0}, std::nullopt);
  EXPECT_EQ(nodes_.Master(), nullptr);
  ASSERT_TRUE(Until([&] { return call.done || call.lost; }));
  EXPECT_EQ(call.reply, support::Bulk("value of a"));
}

}  // namespace
}  // namespace backend
