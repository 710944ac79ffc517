// MULTI, EXEC, WATCH: on a connection of the session's own, with every body.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using support::Bulk;
using support::Command;
using support::FakeNode;
using support::ShaOf;
using Texts = std::vector<std::string>;

const std::string kBody = "return";
const std::string kSha = ShaOf(kBody);
const std::string kRan = Bulk("ran " + kSha.substr(0, 8));
const std::string kEvalsha = "EVALSHA " + kSha + " 0";
const std::string kEval = "EVAL " + kBody + " 0";

TEST(SessionTransaction, ARewriteInsideMultiCarriesTheBodyWhateverIsBelieved) {
  House house;
  house.BelieveKnown(0, kBody, false);
  Client& client = house.Connect();
  for (const auto& words :
       {std::string("MULTI"), kEvalsha, std::string("INCR a"), kEvalsha, std::string("EXEC")})
    client.Say(words);
  EXPECT_TRUE(house.Gets(
      client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n" + kRan + ":1\r\n" + kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{"MULTI", kEval, "INCR a", kEval, "EXEC"}));
}

TEST(SessionTransaction, AnUnknownShaInsideMultiIsTheServersBusiness) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command(kEvalsha) + Command("INCR a") + Command("EXEC"));
  EXPECT_TRUE(house.Gets(
      client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" + std::string(FakeNode::kNoScript) + ":1\r\n"));
}

TEST(SessionTransaction, HasAConnectionOfItsOwnAndGivesItBackClean) {
  House house;
  Client& one = house.Connect();
  Client& two = house.Connect();
  EXPECT_TRUE(house.Answers(one, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(two, "INCR a", ":1\r\n")) << "not queued in the other's transaction";
  EXPECT_TRUE(house.Answers(one, "INCR a", "+QUEUED\r\n"));
  EXPECT_EQ(house.pool(0).leases_lent(), 1u);
  EXPECT_TRUE(house.Answers(one, "EXEC", "*1\r\n:2\r\n"));
  EXPECT_EQ(house.pool(0).leases_lent(), 0u);
  // The next one takes the same connection.
  EXPECT_TRUE(house.Answers(two, "MULTI", "+OK\r\n"));
  EXPECT_EQ(house.master().accepted(), 2u);
  EXPECT_TRUE(house.Answers(two, "DISCARD", "+OK\r\n"));
  EXPECT_EQ(house.pool(0).leases_open(), 1u);
}

TEST(SessionTransaction, WhatIsBehindExecGoesBackToTheLane) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command("INCR a") + Command("EXEC") + Command("GET a"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n" + Bulk("value of a")));
  EXPECT_EQ(house.pool(0).leases_lent(), 0u);
}

TEST(SessionTransaction, AFlushInsideMultiIsDoneEverywhereWhenExecRan) {
  House house;
  house.BelieveKnown(0, kBody);
  Client& client = house.Connect();
  for (const auto& words : {std::string("MULTI"), std::string("SCRIPT FLUSH"), kEvalsha})
    client.Say(words);
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n"));
  EXPECT_EQ(house.scripts.size(), 1u) << "nothing has happened yet";
  client.Say("EXEC");
  EXPECT_TRUE(house.Gets(client, "*2\r\n+OK\r\n" + std::string(FakeNode::kNoScript)));
  EXPECT_EQ(house.scripts.size(), 0u);
  EXPECT_EQ(house.hub.notes, Texts{"flush but the master"});
}

TEST(SessionTransaction, AFlushThatWasDiscardedIsNotDone) {
  House house;
  house.BelieveKnown(0, kBody);
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command("SCRIPT FLUSH") + Command("DISCARD"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n+OK\r\n"));
  EXPECT_EQ(house.scripts.size(), 1u);
  EXPECT_TRUE(house.hub.notes.empty());
}

TEST(SessionTransaction, BodiesThatWereQueuedAreVerifiedWhenExecRan) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command(kEval) + Command("SCRIPT LOAD loaded") + Command("EXEC"));
  EXPECT_TRUE(
      house.Gets(client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" + kRan + Bulk(ShaOf("loaded"))));
  EXPECT_EQ(house.hub.notes, (Texts{"verify on 0 " + kSha, "verify on 0 " + ShaOf("loaded")}));
  EXPECT_EQ(house.scripts.size(), 0u) << "QUEUED proves nothing";
}

TEST(SessionTransaction, ASelectInsideMultiCountsFromExecOn) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command("SELECT 4") + Command("EXEC") + Command("GET a"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n" + Bulk("value of a")));
  EXPECT_EQ(house.session(0).state().key.db, 4);
  EXPECT_EQ(house.pool(0).leases_open(), 0u) << "it is not what its key says any more";
}

TEST(SessionTransaction, ASelectThatFailsInsideMultiCountsForNothing) {
  House house;
  house.master().Answer("SELECT 4", "-ERR DB index is out of range\r\n");
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command("INCR a") + Command("SELECT 4") + Command("EXEC"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n" +
                                     std::string("-ERR DB index is out of range\r\n")));
  EXPECT_EQ(house.session(0).state().key.db, 0);
}

TEST(SessionTransaction, LostBeforeExecNothingOfItRunsAndTheClientIsTold) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(client, "INCR a", "+QUEUED\r\n"));
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  EXPECT_TRUE(house.Answers(client, "INCR b",
                            "-UPSTREAMLOST the connection to the node was lost; the transaction is "
                            "discarded\r\n"));
  EXPECT_TRUE(house.Answers(client, "EXEC",
                            "-EXECABORT Transaction discarded because the connection to its node "
                            "was lost\r\n"));
  EXPECT_TRUE(house.master().executed().empty());
  EXPECT_TRUE(house.Answers(client, "INCR c", ":1\r\n")) << "and that is the end of it";
}

TEST(SessionTransaction, LostAndDiscardedItIsOverToo) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "MULTI", "+OK\r\n"));
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  EXPECT_TRUE(house.Answers(client, "DISCARD", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(client, "INCR c", ":1\r\n"));
}

TEST(SessionTransaction, AnExecThatWasOnItsWayMayHaveRun) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(client, "INCR a", "+QUEUED\r\n"));
  house.master().Hold();
  client.Say("EXEC");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.master().CloseAll();
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, "-UPSTREAMLOST connection to " +
                                     house.master().address().ToString() +
                                     " lost; the command may have been executed\r\n"));
  EXPECT_TRUE(house.Answers(client, "INCR a", ":2\r\n"));
}

TEST(SessionTransaction, AWatchThatWasLostMakesExecReturnNothing) {
  // What was watched may have changed while nobody watched.
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "WATCH k", "+OK\r\n"));
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  client.Send(Command("MULTI") + Command("INCR a") + Command("EXEC") + Command("INCR a"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*-1\r\n:1\r\n"));
  EXPECT_EQ(house.master().executed().size(), 1u);
}

TEST(SessionTransaction, UnwatchForgetsALostWatch) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "WATCH k", "+OK\r\n"));
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  client.Send(Command("UNWATCH") + Command("MULTI") + Command("INCR a") + Command("EXEC"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"));
}

TEST(SessionTransaction, OurOwnCommandsInsideMultiAreQueuedWithTheOthers) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("MULTI") + Command("CLIENT ID") + Command("SCRIPT KILL") +
              Command("DISCARD"));
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+OK\r\n"));
}

TEST(SessionTransaction, WithAllLeasesTakenMultiIsRefused) {
  House house;
  house.settings.upstream.max_dedicated = 1;
  EXPECT_TRUE(house.Answers(house.Connect(), "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(house.Connect(), "MULTI",
                            "-ERR all 1 dedicated connections are in use (upstream.max_dedicated)"
                            "\r\n"));
}

TEST(SessionTransaction, AnswersTheWaitForWritesThatWentBeforeIt) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("INCR a") + Command("WAIT 1 0") + Command("INCR a"));
  EXPECT_TRUE(house.Gets(client, ":1\r\n:0\r\n:2\r\n"));
  EXPECT_EQ(house.master().Commands(),
            (Texts{"INCR a", "SPUBLISH shacast:waiting ", "WAIT 1 0", "INCR a"}));
}

}  // namespace
}  // namespace frontend
