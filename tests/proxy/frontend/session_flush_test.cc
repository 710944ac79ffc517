// SCRIPT FLUSH beside other clients' calls: what was forgotten stays forgotten, and whose word a
// NOSCRIPT is.
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
const std::string kExists = "SCRIPT EXISTS " + kSha;
const std::string kNoScript{FakeNode::kNoScript};

TEST(SessionFlush, ACallThatMissedDoesNotCarryItsBodyPastAFlush) {
  House house;
  house.BelieveKnown(0, kBody, false);
  Client& client = house.Connect();
  house.master().Hold();
  client.Say(kEvalsha);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.master().Release(1);
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf(kExists) == 1; }));
  // The flush of another worker's client, while the node is being asked.
  house.hub.FlushEverywhere(true, [] {});
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, kNoScript));
  EXPECT_EQ(house.master().CountOf("EVAL"), 0u);
}

TEST(SessionFlush, WhileTheNodeOwesAFlushAnEvalshaThatNobodyBroughtSinceWaits) {
  House house;
  house.master().scripts.insert(kSha);  // from before the flush
  house.shared(0).owes_flush = true;
  Client& client = house.Connect();
  client.Say(kEvalsha);
  client.Say("PING");
  Client& other = house.Connect();
  EXPECT_TRUE(house.Answers(other, "GET k", Bulk("value of k"))) << "it concerns scripts only";
  EXPECT_EQ(client.got(), "");
  house.master().scripts.clear();  // it is told
  house.shared(0).owes_flush = false;
  EXPECT_TRUE(house.Gets(client, kNoScript + "+PONG\r\n"));
}

TEST(SessionFlush, WhatSomebodyBroughtSinceDoesNotWaitForIt) {
  House house;
  house.shared(0).owes_flush = true;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  EXPECT_TRUE(house.Answers(client, kEvalsha, kRan));
}

TEST(SessionFlush, ANodeThatOwesAFlushForLongIsAskedAllTheSame) {
  House house;
  house.settings.routing.failover_hold = std::chrono::milliseconds(50);
  house.shared(0).owes_flush = true;
  house.master().Answer("EVALSHA", "-BUSY Redis is busy running a script.\r\n");
  EXPECT_TRUE(
      house.Answers(house.Connect(), kEvalsha, "-BUSY Redis is busy running a script.\r\n"));
}

TEST(SessionFlush, ABodyInATransactionIsWaitedForUntilExecIsAnswered) {
  House house;
  house.Hold(kBody);
  const uint32_t& bodies = house.bodies.Of(house.scripts.epoch());
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "MULTI", "+OK\r\n"));
  EXPECT_EQ(bodies, 0u);
  EXPECT_TRUE(house.Answers(client, kEvalsha, "+QUEUED\r\n"));
  EXPECT_TRUE(house.Answers(client, kEvalsha, "+QUEUED\r\n"));
  EXPECT_EQ(bodies, 1u);
  house.master().Hold();
  client.Say("EXEC");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  EXPECT_EQ(bodies, 1u);
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, support::Array({kRan, kRan})));
  EXPECT_EQ(bodies, 0u);
}

TEST(SessionFlush, ABodyInATransactionThatComesToNothingIsNotWaitedFor) {
  House house;
  house.Hold(kBody);
  const uint32_t& bodies = house.bodies.Of(house.scripts.epoch());
  Client& discards = house.Connect();
  EXPECT_TRUE(house.Answers(discards, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(discards, kEvalsha, "+QUEUED\r\n"));
  EXPECT_TRUE(house.Answers(discards, "DISCARD", "+OK\r\n"));
  EXPECT_EQ(bodies, 0u);
  Client& leaves = house.Connect();
  EXPECT_TRUE(house.Answers(leaves, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(leaves, kEvalsha, "+QUEUED\r\n"));
  EXPECT_EQ(bodies, 1u);
  leaves.Leave();
  EXPECT_TRUE(house.Until([&] { return bodies == 0; }));
  Client& loses = house.Connect();
  EXPECT_TRUE(house.Answers(loses, "MULTI", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(loses, kEvalsha, "+QUEUED\r\n"));
  EXPECT_EQ(bodies, 1u);
  house.master().CloseAll();
  EXPECT_TRUE(house.Until([&] { return bodies == 0; }));
}

// Another client brought the script back behind the flush, so the node says that it has it.
TEST(SessionFlush, ANoscriptWhileAClientsFlushIsOnItsWayIsTheServers) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.pool(0).FlushSent();
  house.master().AnswerOnce(kExists, "*1\r\n:1\r\n");
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, kRan));
  EXPECT_EQ(house.counters.noscript_repaired.Get(), 1u);
  EXPECT_EQ(house.master().executed().size(), 1u);
}

TEST(SessionFlush, OrOfACallThatWasSentBeforeTheFlushWasAnswered) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.master().Hold();
  Client& client = house.Connect();
  client.Say(kEvalsha);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.pool(0).FlushSent();
  house.pool(0).FlushAnswered(true);
  house.master().AnswerOnce(kExists, "*1\r\n:1\r\n");
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, kRan));
}

TEST(SessionFlush, OrOfACallBesideWhichAnotherWorkersBodyWasOnItsWay) {
  House house;
  house.BelieveKnown(0, kBody, false);
  const auto sha = replication::Sha1::Of(kBody);
  house.shared(0).bodies.Sent(sha);
  house.master().AnswerOnce(kExists, "*1\r\n:1\r\n");
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, kRan));
  EXPECT_EQ(house.counters.noscript_repaired.Get(), 1u);
}

TEST(SessionFlush, BodiesOfACallAndOfScriptLoadAreOnTheirWayUntilTheyAreAnswered) {
  House house;
  const auto sha = replication::Sha1::Of(kBody);
  for (const std::string& command : {kEval, "SCRIPT LOAD " + kBody, kEvalsha}) {
    house.master().Hold();
    Client& client = house.Connect();
    client.Say(command);
    ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
    EXPECT_EQ(house.shared(0).bodies.OnTheWay(sha), command != kEvalsha) << command;
    house.master().Release();
    ASSERT_TRUE(house.Until([&] { return client.got().ends_with("\r\n"); }));
    EXPECT_FALSE(house.shared(0).bodies.OnTheWay(sha)) << command;
  }
  // ... and until they are lost, or their client has left.
  house.settings.scripts.eval_as_evalsha = false;
  house.master().Hold();
  Client& leaves = house.Connect();
  leaves.Say(kEval);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.session(3).Close();
  EXPECT_TRUE(house.shared(0).bodies.OnTheWay(sha)) << "the node executes it all the same";
  house.master().Release();
  EXPECT_TRUE(house.Until([&] { return !house.shared(0).bodies.OnTheWay(sha); }));
  house.master().Hold();
  house.Connect().Say(kEval);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.master().CloseAll();
  EXPECT_TRUE(house.Until([&] { return !house.shared(0).bodies.OnTheWay(sha); }));
}

TEST(SessionFlush, ARefusedFlushMakesNoWordTheServers) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.pool(0).FlushSent();
  house.pool(0).FlushAnswered(false);
  house.master().AnswerOnce(kExists, "*1\r\n:1\r\n");
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, kNoScript));
  EXPECT_EQ(house.counters.noscript_passed_script.Get(), 1u);
}

TEST(SessionFlush, AFlushOfAClientIsOnItsWayUntilItsReplyIsThere) {
  House house;
  house.master().Hold();
  Client& client = house.Connect();
  client.Say("SCRIPT FLUSH");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  EXPECT_TRUE(house.shared(0).MayBeFlushed());
  const uint64_t before = house.generation(0);
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, "+OK\r\n"));
  EXPECT_FALSE(house.shared(0).MayBeFlushed());
  EXPECT_GT(house.generation(0), before);
  // ... or until it is lost.
  house.master().Hold();
  client.Say("SCRIPT FLUSH");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.master().CloseAll();
  EXPECT_TRUE(house.Until([&] { return client.got().starts_with("-UPSTREAMLOST"); }));
  EXPECT_FALSE(house.shared(0).MayBeFlushed());
}

// It is the client's EVAL: NOSCRIPT would be of our making.
TEST(SessionFlush, AnEvalThatWentAsItsShaIsNeverToldNoscript) {
  for (const char* answer : {"*1\r\n:1\r\n", "-NOPERM User u may not\r\n"}) {
    House house;
    house.BelieveKnown(0, kBody, false);
    house.master().AnswerOnce(kExists, answer);
    Client& client = house.Connect();
    client.Say(kEval);
    EXPECT_TRUE(house.Until([&] { return client.got().ends_with("\r\n"); }));
    EXPECT_EQ(client.got(), "-UPSTREAMLOST " + house.shared(0).name +
                                " does not tell whether the script ran; the command may have been "
                                "executed\r\n");
    EXPECT_EQ(house.master().Commands(), (Texts{kEvalsha, kExists}));
  }
}

}  // namespace
}  // namespace frontend
