#include "proxy/frontend/router.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace frontend {
namespace {

using config::Reads;
using replication::NodeId;

constexpr Reads kPolicies[] = {Reads::kMaster, Reads::kPreferReplica, Reads::kReplica, Reads::kAny};

struct Picture {
  std::optional<NodeId> master;
  std::vector<NodeId> readable;
  std::vector<NodeId> unreadable;

  replication::Topology Draw() const {
    replication::Topology picture;
    picture.master = master;
    const auto add = [&](NodeId id, bool may_read) {
      replication::Node node;
      node.id = id;
      node.readable = may_read;
      picture.nodes.push_back(node);
    };
    if (master) add(*master, false);
    for (const NodeId id : readable) add(id, true);
    for (const NodeId id : unreadable) add(id, false);
    return picture;
  }
};

// Where reads go in `turns` turns, with nothing on the way anywhere.
std::set<NodeId> Nodes(const Picture& picture, Reads reads, int turns = 12) {
  std::set<NodeId> nodes;
  for (int turn = 0; turn < turns; ++turn) {
    const ReadRoute route = RouteRead(
        picture.Draw(), reads, std::nullopt, [](NodeId) { return size_t{0}; },
        static_cast<uint64_t>(turn));
    if (route.node) nodes.insert(*route.node);
  }
  return nodes;
}

using Ids = std::set<NodeId>;

TEST(Router, EachPolicyHasItsNodes) {
  const Picture picture{0, {1, 2}, {3}};
  EXPECT_EQ(Nodes(picture, Reads::kMaster), (Ids{0}));
  EXPECT_EQ(Nodes(picture, Reads::kPreferReplica), (Ids{1, 2}));
  EXPECT_EQ(Nodes(picture, Reads::kReplica), (Ids{1, 2}));
  EXPECT_EQ(Nodes(picture, Reads::kAny), (Ids{0, 1, 2}));
}

TEST(Router, WithoutAReadableReplicaOnlyWhoInsistsOnOneIsRefused) {
  const Picture picture{0, {}, {1, 2}};
  EXPECT_EQ(Nodes(picture, Reads::kMaster), (Ids{0}));
  EXPECT_EQ(Nodes(picture, Reads::kPreferReplica), (Ids{0}));
  EXPECT_EQ(Nodes(picture, Reads::kAny), (Ids{0}));
  EXPECT_EQ(Nodes(picture, Reads::kReplica), (Ids{}));
}

TEST(Router, WithoutAMasterReplicasServe) {
  const Picture picture{std::nullopt, {1, 2}, {0}};
  EXPECT_EQ(Nodes(picture, Reads::kMaster), (Ids{}));
  EXPECT_EQ(Nodes(picture, Reads::kPreferReplica), (Ids{1, 2}));
  EXPECT_EQ(Nodes(picture, Reads::kReplica), (Ids{1, 2}));
  EXPECT_EQ(Nodes(picture, Reads::kAny), (Ids{1, 2}));
}

TEST(Router, WhereNoNodeWillDoItSaysWhetherWaitingForAMasterHelps) {
  const replication::Topology nobody = Picture{std::nullopt, {}, {0, 1}}.Draw();
  for (const Reads reads : kPolicies) {
    const ReadRoute route = RouteRead(
        nobody, reads, std::nullopt, [](NodeId) { return size_t{0}; }, 0);
    EXPECT_FALSE(route.node);
    EXPECT_EQ(route.wait_for_master, reads != Reads::kReplica);
  }
}

TEST(Router, WhatFollowsStaysOnTheNodeThatItsSessionIsOn) {
  const replication::Topology picture = Picture{0, {1, 2, 3}, {4}}.Draw();
  const auto load = [](NodeId id) { return id == 2 ? size_t{1000} : size_t{0}; };
  for (uint64_t turn = 0; turn < 8; ++turn)
    EXPECT_EQ(RouteRead(picture, Reads::kPreferReplica, NodeId{2}, load, turn).node, NodeId{2});
}

TEST(Router, ANodeThatWillNotDoIsNotStayedOn) {
  const replication::Topology picture = Picture{0, {1}, {2}}.Draw();
  const auto load = [](NodeId) { return size_t{0}; };
  EXPECT_EQ(RouteRead(picture, Reads::kPreferReplica, NodeId{2}, load, 0).node, NodeId{1});
  EXPECT_EQ(RouteRead(picture, Reads::kReplica, NodeId{0}, load, 0).node, NodeId{1});
  EXPECT_EQ(RouteRead(picture, Reads::kMaster, NodeId{1}, load, 0).node, NodeId{0});
  EXPECT_EQ(RouteRead(picture, Reads::kAny, NodeId{9}, load, 1).node.has_value(), true);
}

TEST(Router, TheLeastLoadedNodeIsTaken) {
  const replication::Topology picture = Picture{0, {1, 2, 3}, {}}.Draw();
  std::map<NodeId, size_t> loads = {{0, 0}, {1, 5}, {2, 2}, {3, 9}};
  const auto load = [&](NodeId id) { return loads[id]; };
  for (uint64_t turn = 0; turn < 8; ++turn) {
    EXPECT_EQ(RouteRead(picture, Reads::kReplica, std::nullopt, load, turn).node, NodeId{2});
    EXPECT_EQ(RouteRead(picture, Reads::kAny, std::nullopt, load, turn).node, NodeId{0});
  }
}

TEST(Router, NodesOfEqualLoadTakeTurns) {
  const replication::Topology picture = Picture{0, {1, 2, 3}, {}}.Draw();
  std::map<NodeId, int> taken;
  for (uint64_t turn = 0; turn < 30; ++turn)
    ++taken[*RouteRead(
                 picture, Reads::kReplica, std::nullopt, [](NodeId) { return size_t{0}; }, turn)
                 .node];
  EXPECT_EQ(taken, (std::map<NodeId, int>{{1, 10}, {2, 10}, {3, 10}}));
}

}  // namespace
}  // namespace frontend
