// Connections that break, and masters that are not there.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using std::chrono::milliseconds;
using support::Bulk;
using support::Command;
using Texts = std::vector<std::string>;

std::string ValueOf(const std::string& key) {
  return Bulk("value of " + key);
}

std::string LostAt(House& house, size_t number = 0) {
  return "-UPSTREAMLOST connection to " + house.node(number).address().ToString() +
         " lost; the command may have been executed\r\n";
}

// The commands are with the node, which answers nothing, and then the connection breaks.
void SendAndLose(House& house, Client& client, const Texts& commands) {
  house.master().Hold();
  for (const auto& words : commands) client.Say(words);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == commands.size(); }));
  house.master().ResetAll();
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return house.generation(0) == 2; }));
}

TEST(SessionLoss, AReadThatWasOnItsWayIsRepeated) {
  House house;
  Client& client = house.Connect();
  SendAndLose(house, client, {"GET a", "GET b"});
  EXPECT_TRUE(house.Gets(client, ValueOf("a") + ValueOf("b")));
  EXPECT_EQ(house.counters.reads_repeated.Get(), 2u);
  EXPECT_EQ(house.counters.upstream_lost.Get(), 0u);
}

TEST(SessionLoss, AWriteThatWasOnItsWayIsNotAndTheClientIsTold) {
  House house;
  Client& client = house.Connect();
  SendAndLose(house, client, {"INCR a"});
  EXPECT_TRUE(house.Gets(client, LostAt(house)));
  EXPECT_EQ(house.master().executed().size(), 1u);
  EXPECT_EQ(house.counters.upstream_lost.Get(), 1u);
  // The session goes on.
  EXPECT_TRUE(house.Answers(client, "INCR a", ":2\r\n"));
}

TEST(SessionLoss, EachCommandOfAPipelineHasItsOwnFate) {
  House house;
  Client& client = house.Connect();
  SendAndLose(house, client, {"GET a", "INCR b", "GET c"});
  EXPECT_TRUE(house.Gets(client, LostAt(house) + LostAt(house) + ValueOf("c")));
}

TEST(SessionLoss, EveryClientOfTheConnectionIsTold) {
  House house;
  Client& one = house.Connect();
  Client& two = house.Connect();
  house.master().Hold();
  one.Say("INCR a");
  two.Say("GET b");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 2; }));
  house.master().CloseAll();
  house.master().Release();
  EXPECT_TRUE(house.Gets(one, LostAt(house)));
  EXPECT_TRUE(house.Gets(two, ValueOf("b")));
}

TEST(SessionLoss, AScriptIsAWriteUnlessItSaysOtherwise) {
  House house;
  house.BelieveKnown(0, "return");
  Client& client = house.Connect();
  const std::string sha = support::ShaOf("return");
  SendAndLose(house, client, {"EVALSHA " + sha + " 0"});
  EXPECT_TRUE(house.Gets(client, LostAt(house)));
  EXPECT_EQ(house.master().executed().size(), 1u);
  EXPECT_TRUE(house.Answers(client, "EVALSHA_RO " + sha + " 0", Bulk("ran " + sha.substr(0, 8))));
}

TEST(SessionLoss, AReadOnlyScriptIsRepeated) {
  House house;
  house.BelieveKnown(0, "return");
  Client& client = house.Connect();
  const std::string sha = support::ShaOf("return");
  SendAndLose(house, client, {"EVALSHA_RO " + sha + " 0"});
  EXPECT_TRUE(house.Gets(client, Bulk("ran " + sha.substr(0, 8))));
  EXPECT_EQ(house.master().Commands().back(), "EVAL_RO return 0") << "the process may be another";
}

TEST(SessionLoss, AReplyOfWhichTheClientHasSeenHalfEndsItsConnection) {
  House house;
  const std::string large = Bulk(std::string(1 << 20, 'x'));
  house.master().Answer("GET large", large.substr(0, large.size() / 2));
  Client& client = house.Connect();
  client.Say("GET large");
  ASSERT_TRUE(house.Until([&] { return client.got().size() > 100'000; }));
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_TRUE(large.starts_with(client.got())) << "no word of ours in the middle of a reply";
}

TEST(SessionLoss, WithoutAMasterCommandsWaitForOne) {
  House house(2);
  house.TakePicture(std::nullopt, "the old one does not answer");
  Client& client = house.Connect();
  client.Say("INCR a");
  client.Say("GET a");
  house.Turns();
  EXPECT_EQ(client.got(), "");
  house.TakePicture(1);
  EXPECT_TRUE(house.Gets(client, ":1\r\n" + ValueOf("a")));
  EXPECT_EQ(house.node(0).accepted(), 0u);
  EXPECT_EQ(house.node(1).Commands(), (Texts{"INCR a", "GET a"}));
}

TEST(SessionLoss, ButNotForEver) {
  House house;
  house.settings.routing.failover_hold = milliseconds(50);
  house.TakePicture(std::nullopt, "127.0.0.1:7001 does not answer");
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "INCR a",
                            "-UPSTREAMDOWN no master: 127.0.0.1:7001 does not answer\r\n"));
  EXPECT_EQ(house.counters.upstream_down.Get(), 1u);
  house.TakePicture(0);
  EXPECT_TRUE(house.Answers(client, "INCR a", ":1\r\n"));
}

TEST(SessionLoss, ATransactionWaitsForAMasterToo) {
  House house;
  house.TakePicture(std::nullopt);
  Client& client = house.Connect();
  client.Say("MULTI");
  client.Say("INCR a");
  client.Say("EXEC");
  house.Turns();
  EXPECT_EQ(client.got(), "");
  house.TakePicture(0);
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"));
}

TEST(SessionLoss, AWriteThatWasNeverSentWaitsUntilTheMasterTakesConnectionsAgain) {
  // It refuses them for as long as a process takes to start; the picture knows nothing of it yet.
  House house;
  house.master().StopListening();
  Client& client = house.Connect();
  client.Say("INCR a");
  const uint64_t start = house.loop.now_ms();
  ASSERT_TRUE(house.Until([&] { return house.loop.now_ms() > start + 1000; }));
  EXPECT_EQ(client.got(), "");
  house.master().ListenAgain();
  EXPECT_TRUE(house.Gets(client, ":1\r\n"));
  EXPECT_EQ(house.counters.upstream_lost.Get(), 0u);
}

TEST(SessionLoss, ATransactionThatWasNeverSentWaitsForItTooAndIsNotLost) {
  House house;
  house.master().StopListening();
  Client& client = house.Connect();
  client.Say("MULTI");
  client.Say("INCR a");
  client.Say("EXEC");
  const uint64_t start = house.loop.now_ms();
  ASSERT_TRUE(house.Until([&] { return house.loop.now_ms() > start + 200; }));
  EXPECT_EQ(client.got(), "");
  house.master().ListenAgain();
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"));
}

TEST(SessionLoss, AMasterThatTakesNoConnectionsIsWaitedForAsLongAsForNone) {
  House house;
  house.settings.routing.failover_hold = milliseconds(300);
  house.master().StopListening();
  Client& client = house.Connect();
  client.Say("INCR a");
  const uint64_t start = house.loop.now_ms();
  EXPECT_TRUE(house.Gets(client, "-UPSTREAMDOWN no master: it takes no connections\r\n"));
  EXPECT_GE(house.loop.now_ms() - start, 250u);
  EXPECT_LE(house.loop.now_ms() - start, 5000u);
}

TEST(SessionLoss, WhatIsUnsentGoesToTheNewMaster) {
  House house(2);
  Client& client = house.Connect();
  house.node(0).StopListening();
  client.Say("INCR a");
  client.Say("GET a");
  const uint64_t start = house.loop.now_ms();
  ASSERT_TRUE(house.Until([&] { return house.loop.now_ms() > start + 100; }));
  house.TakePicture(1);
  EXPECT_TRUE(house.Gets(client, ":1\r\n" + ValueOf("a")));
}

TEST(SessionLoss, AReplicaThatIsLostGivesItsReadsToAnother) {
  House house(3);
  house.settings.routing.reads = config::Reads::kReplica;
  for (size_t i : {1u, 2u}) house.node(i).Hold();
  Client& client = house.Connect();
  client.Say("GET a");
  ASSERT_TRUE(house.Until([&] { return house.node(1).held() + house.node(2).held() == 1; }));
  const size_t asked = house.node(1).held() == 1 ? 1 : 2;
  house.node(asked).StopListening();
  house.node(asked).CloseAll();
  house.node(3 - asked).Release();
  EXPECT_TRUE(house.Gets(client, ValueOf("a")));
  EXPECT_EQ(house.node(3 - asked).CountOf("GET a"), 1u);
}

TEST(SessionLoss, WithoutAReplicaWhoInsistsOnOneIsRefusedAtOnce) {
  House house(1);
  house.settings.routing.reads = config::Reads::kReplica;
  EXPECT_TRUE(
      house.Answers(house.Connect(), "GET a",
                    "-UPSTREAMDOWN no replica may be read (routing.reads = \"replica\")\r\n"));
}

}  // namespace
}  // namespace frontend
