// SCRIPT LOAD, EXISTS, FLUSH, KILL and SHOW.
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
const std::string kLoad = "SCRIPT LOAD " + kBody;

TEST(ScriptCommand, LoadIsLearnedAtOnceAndAnsweredWhenTheReplicasHaveIt) {
  House house;
  house.hub.Hold();
  Client& client = house.Connect();
  client.Say(kLoad);
  client.Say("PING");
  ASSERT_TRUE(house.Until([&] { return house.hub.notes.size() == 3; }));
  EXPECT_EQ(house.hub.notes, (Texts{"known on 0 " + kSha, "learned " + kSha + " SCRIPT LOAD",
                                    "distribute " + kSha}));
  house.Turns();
  EXPECT_EQ(client.got(), "");
  house.hub.Release();
  EXPECT_TRUE(house.Gets(client, Bulk(kSha) + "+PONG\r\n"));
  EXPECT_TRUE(house.Knows(0, kBody));
}

TEST(ScriptCommand, ALoadThatTheServerRefusesTeachesNothing) {
  House house;
  house.master().Answer("SCRIPT LOAD", "-ERR Error compiling script (new function): x\r\n");
  EXPECT_TRUE(
      house.Answers(house.Connect(), kLoad, "-ERR Error compiling script (new function): x\r\n"));
  EXPECT_TRUE(house.hub.notes.empty());
}

TEST(ScriptCommand, AShaThatIsNotTheBodysIsNoProof) {
  House house;
  house.master().Answer("SCRIPT LOAD", Bulk(std::string(40, 'a')));
  EXPECT_TRUE(house.Answers(house.Connect(), kLoad, Bulk(std::string(40, 'a'))));
  EXPECT_TRUE(house.hub.notes.empty());
  EXPECT_EQ(house.scripts.size(), 0u);
}

TEST(ScriptCommand, WhatWeHoldExistsAndTheMasterSaysTheRest) {
  House house;
  house.Hold(kBody);
  house.master().scripts.insert(ShaOf("onlythere"));
  EXPECT_TRUE(house.Answers(
      house.Connect(),
      "SCRIPT EXISTS " + kSha + " " + ShaOf("nobody") + " " + ShaOf("onlythere") + " nonsense",
      "*4\r\n:1\r\n:0\r\n:1\r\n:0\r\n"));
}

TEST(ScriptCommand, FlushForgetsEverywhereBeforeItIsAnswered) {
  House house;
  house.BelieveKnown(0, kBody);
  house.hub.Hold();
  Client& client = house.Connect();
  client.Say("SCRIPT FLUSH");
  ASSERT_TRUE(house.Until([&] { return house.hub.notes == Texts{"flush"}; }));
  house.Turns();
  EXPECT_EQ(client.got(), "");
  house.hub.Release();
  EXPECT_TRUE(house.Gets(client, "+OK\r\n"));
  EXPECT_EQ(house.scripts.size(), 0u);
}

TEST(ScriptCommand, AFlushWhoseClientHasLeftIsCarriedOutAllTheSame) {
  House house;
  house.Hold(kBody);
  house.master().Hold();
  Client& client = house.Connect();
  client.Say("SCRIPT FLUSH");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.session(0).Close();  // reset, say, or over a limit
  EXPECT_EQ(house.scripts.size(), 1u);
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return house.hub.notes == Texts{"flush"}; }));
  EXPECT_EQ(house.scripts.size(), 0u);
}

TEST(ScriptCommand, AFlushThatWasRefusedAfterItsClientLeftFlushesNothing) {
  House house;
  house.Hold(kBody);
  house.master().Answer("SCRIPT FLUSH", "-NOPERM User u has no permissions\r\n");
  house.master().Hold();
  Client& client = house.Connect();
  client.Say("SCRIPT FLUSH");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.session(0).Close();  // reset, say, or over a limit
  house.master().Release();
  EXPECT_TRUE(house.Answers(house.Connect(), "PING", "+PONG\r\n"));
  EXPECT_TRUE(house.hub.notes.empty());
  EXPECT_EQ(house.scripts.size(), 1u);
}

TEST(ScriptCommand, AnEvalshaBehindAFlushIsNotGivenTheScriptBack) {
  House house;
  house.BelieveKnown(0, kBody);
  Client& client = house.Connect();
  client.Send(Command(kEvalsha) + Command("SCRIPT FLUSH") + Command(kEvalsha) + Command("GET k"));
  EXPECT_TRUE(
      house.Gets(client, kRan + "+OK\r\n" + std::string(FakeNode::kNoScript) + Bulk("value of k")));
  EXPECT_EQ(house.master().Commands(), (Texts{kEvalsha, "SCRIPT FLUSH", kEvalsha, "GET k"}));
}

TEST(ScriptCommand, NothingIsSentBehindAFlushBeforeItIsDone) {
  House house;
  house.BelieveKnown(0, kBody);
  house.hub.Hold();
  Client& client = house.Connect();
  client.Send(Command("SCRIPT FLUSH") + Command("INCR a"));
  ASSERT_TRUE(house.Until([&] { return house.hub.notes == Texts{"flush"}; }));
  house.Turns();
  EXPECT_EQ(house.master().CountOf("INCR"), 0u);
  house.hub.Release();
  EXPECT_TRUE(house.Gets(client, "+OK\r\n:1\r\n"));
}

TEST(ScriptCommand, AFlushThatTheServerRefusesFlushesNothing) {
  House house;
  house.Hold(kBody);
  house.master().Answer("SCRIPT FLUSH", "-BUSY Redis is busy running a script.\r\n");
  EXPECT_TRUE(
      house.Answers(house.Connect(), "SCRIPT FLUSH", "-BUSY Redis is busy running a script.\r\n"));
  EXPECT_EQ(house.scripts.size(), 1u);
  EXPECT_TRUE(house.hub.notes.empty());
}

TEST(ScriptCommand, AScriptSentBeforeAFlushAndAnsweredAfterItIsNotLearned) {
  House house;
  Client& one = house.Connect();
  Client& two = house.Connect();
  house.master().Hold();
  one.Say("EVAL " + kBody + " 0");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  // The flush of another worker's client.
  house.hub.FlushEverywhere(true, [] {});
  house.master().Release();
  EXPECT_TRUE(house.Gets(one, kRan));
  EXPECT_EQ(house.scripts.size(), 0u);
  EXPECT_FALSE(house.Knows(0, kBody));
  EXPECT_TRUE(house.Answers(two, "PING", "+PONG\r\n"));
}

TEST(ScriptCommand, ABodyOnItsWayIsCountedUntilItIsAnswered) {
  House house;
  house.Hold(kBody);
  house.master().Hold();
  Client& client = house.Connect();
  client.Say(kEvalsha);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  EXPECT_EQ(house.bodies.Of(house.scripts.epoch()), 1u);
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, kRan));
  EXPECT_EQ(house.bodies.Of(house.scripts.epoch()), 0u);
}

TEST(ScriptCommand, ABodyOnItsWayForAClientThatLeftIsCountedUntilItIsAnsweredToo) {
  House house;
  house.Hold(kBody);
  house.master().Hold();
  Client& client = house.Connect();
  client.Say(kEvalsha);
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.session(0).Close();
  EXPECT_EQ(house.bodies.Of(house.scripts.epoch()), 1u);
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return house.bodies.Of(house.scripts.epoch()) == 0; }));
}

TEST(ScriptCommand, KillIsDoneOnConnectionsThatNoScriptHoldsUp) {
  House house;
  house.master().Answer("SCRIPT KILL", "-NOTBUSY nothing runs\r\n");
  house.hub.kill_reply = "-UNKILLABLE it has written\r\n";
  Client& client = house.Connect();
  client.Say("SCRIPT KILL");
  client.Say("PING");
  EXPECT_TRUE(house.Gets(client, "-UNKILLABLE it has written\r\n+PONG\r\n"));
  EXPECT_EQ(house.hub.notes, Texts{"kill"});
  EXPECT_EQ(house.master().CountOf("SCRIPT"), 1u) << "whether this client may, the master says";
  const size_t asked = house.hub.notes.size();
  house.master().Answer("SCRIPT KILL", "-NOPERM not you\r\n");
  EXPECT_TRUE(house.Answers(client, "SCRIPT KILL", "-NOPERM not you\r\n"));
  EXPECT_EQ(house.hub.notes.size(), asked);
  house.master().Answer("SCRIPT KILL", "+OK\r\n");
  EXPECT_TRUE(house.Answers(client, "SCRIPT KILL", "+OK\r\n"));
  EXPECT_EQ(house.hub.notes.size(), asked + 1);
}

TEST(ScriptCommand, ShowIsAnsweredFromWhatWeHoldToWhomTheServerAnswersTheLike) {
  House house;
  house.Hold(kBody);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "SCRIPT SHOW " + kSha, Bulk(kBody)));
  EXPECT_EQ(house.master().CountOf("SCRIPT EXISTS " + kSha), 1u);
  house.master().AnswerOnce("SCRIPT EXISTS", "-NOAUTH Authentication required.\r\n");
  EXPECT_TRUE(house.Answers(client, "SCRIPT SHOW " + kSha, "-NOAUTH Authentication required.\r\n"));
  house.master().Answer("SCRIPT SHOW", "-NOSCRIPT No matching script.\r\n");
  EXPECT_TRUE(
      house.Answers(client, "SCRIPT SHOW " + ShaOf("x"), "-NOSCRIPT No matching script.\r\n"));
}

}  // namespace
}  // namespace frontend
