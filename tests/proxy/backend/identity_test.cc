#include "proxy/backend/identity.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "proxy/backend/connection.h"
#include "proxy/backend/node_shared.h"

namespace backend {
namespace {

TEST(IdentityTable, TheSameUserWithTheSamePasswordIsTheSameIdentity) {
  IdentityTable table;
  const IdentityRef alice = table.Intern("alice", "a");
  EXPECT_EQ(table.Intern("alice", "a"), alice);
  EXPECT_NE(table.Intern("alice", "b"), alice) << "a wrong password shares no connection";
  EXPECT_NE(table.Intern("bob", "a"), alice);
  EXPECT_NE(table.Intern("", "a"), alice);
  EXPECT_FALSE(alice->anonymous);
  EXPECT_EQ(table.Anonymous(), table.Anonymous());
  EXPECT_TRUE(table.Anonymous()->anonymous);
  EXPECT_NE(table.Intern("", ""), table.Anonymous()) << "AUTH with nothing is an AUTH all the same";
}

TEST(ConnectionKey, ConnectionsAreSharedByIdentityDatabaseAndProtocol) {
  IdentityTable table;
  const ConnectionKey key{table.Intern("alice", "a"), 1, 2};
  EXPECT_EQ(key, (ConnectionKey{table.Intern("alice", "a"), 1, 2}));
  EXPECT_NE(key, (ConnectionKey{table.Intern("alice", "b"), 1, 2}));
  EXPECT_NE(key, (ConnectionKey{table.Intern("alice", "a"), 2, 2}));
  EXPECT_NE(key, (ConnectionKey{table.Intern("alice", "a"), 1, 3}));
}

TEST(NodeShared, EachRaiseGivesANewGenerationHoweverManyThreadsDoSo) {
  NodeShared node(3, {"127.0.0.1", 6379});
  EXPECT_EQ(node.name, "127.0.0.1:6379");
  const uint64_t first = node.generation.load();
  EXPECT_EQ(node.Raise(), first + 1);
  EXPECT_EQ(node.generation.load(), first + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) node.Raise();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(node.generation.load(), first + 4001);
}

TEST(NodeShared, TheNewestProvenLossIsRemembered) {
  NodeShared node(0, {"127.0.0.1", 6379});
  EXPECT_EQ(node.lost_in.load(), 0u);
  node.ProvenLost(5);
  node.ProvenLost(3);
  EXPECT_EQ(node.lost_in.load(), 5u);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&node, t] {
      for (uint64_t i = 0; i < 1000; ++i) node.ProvenLost(10 + 4 * i + t);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(node.lost_in.load(), 10u + 4 * 999 + 3);
}

}  // namespace
}  // namespace backend
