// SCRIPT LOAD and SCRIPT KILL on all nodes, and what is learned by asking a node.
#include "proxy/control/script_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/control/control_support.h"

namespace control {
namespace {

using Words = std::vector<std::string>;
using support::ShaOf;

replication::ScriptRef Script(const std::string& body) {
  return std::make_shared<const replication::ScriptBody>(body);
}
std::string Short(const std::string& body) {
  return ShaOf(body).substr(0, 8);
}

class ScriptServiceTest : public ::testing::Test {
 protected:
  void StartWith(int replicas) {
    house_ = std::make_unique<House>(replicas);
    ASSERT_TRUE(house_->Start());
    ASSERT_TRUE(house_->Quiet());
    house_->crew.notes.clear();
  }
  ModelNode& node(int i) { return house_->node(i); }
  Words& notes() { return house_->crew.notes; }

  void Distribute(const std::string& body) {
    done_ = false;
    house_->scripts->Distribute(Script(body), 0, [this] { done_ = true; });
  }
  // The reply to SCRIPT KILL.
  std::string Kill() {
    std::string reply;
    house_->scripts->KillEverywhere("SCRIPT", [&](std::string text) { reply = std::move(text); });
    EXPECT_TRUE(house_->Until([&] { return !reply.empty(); }));
    return reply;
  }
  // Turns in which nothing more should happen: what is on its way comes in.
  void Turns() {
    for (int i = 0; i < 30; ++i) {
      support::Turn(house_->loop);
      house_->Step();
    }
  }

  std::unique_ptr<House> house_;
  bool done_ = false;
};

// --- SCRIPT LOAD ---------------------------------------------------------------------------------

TEST_F(ScriptServiceTest, AScriptGoesToEveryReplicaAndTheWorkersHearWhoHasIt) {
  StartWith(2);
  Distribute("return 1");
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  EXPECT_EQ(node(0).CountOf("SCRIPT LOAD"), 0u) << "the client's own SCRIPT LOAD went there";
  EXPECT_EQ(node(1).CountOf("SCRIPT LOAD return 1"), 1u);
  EXPECT_EQ(node(2).CountOf("SCRIPT LOAD return 1"), 1u);
  std::sort(notes().begin(), notes().end());
  EXPECT_EQ(notes(), (Words{"known 1 " + Short("return 1"), "known 2 " + Short("return 1")}));
}

TEST_F(ScriptServiceTest, WhatWasLoadedIsKnownInTheGenerationInWhichItWasSent) {
  StartWith(1);
  node(1).Hold();
  const uint64_t generation = house_->GenerationOf(node(1));
  Distribute("return 1");
  ASSERT_TRUE(house_->Until([&] { return node(1).held() == 1; }));
  house_->topology->RaiseAll("a replica attached meanwhile");
  node(1).Release();
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  EXPECT_EQ(house_->crew.known_generation, generation);
}

TEST_F(ScriptServiceTest, AReplicaThatIsDownOrRefusesOrLiesIsNotSaidToHaveIt) {
  StartWith(3);
  house_->TakeDown(node(1));
  ASSERT_TRUE(house_->Until([&] { return !house_->InPicture(node(1))->up; }));
  node(2).busy = true;
  node(3).Answer("SCRIPT LOAD", support::Bulk(ShaOf("something else")));
  Distribute("return 1");
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  EXPECT_EQ(notes(), Words());
}

TEST_F(ScriptServiceTest, AReplicaThatIsLostMeanwhileHoldsNobodyUp) {
  StartWith(1);
  node(1).Silent("SCRIPT LOAD");
  Distribute("return 1");
  ASSERT_TRUE(house_->Until([&] { return node(1).CountOf("SCRIPT LOAD") == 1; }));
  EXPECT_FALSE(done_);
  house_->TakeDown(node(1));
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  EXPECT_EQ(notes(), Words());
}

TEST_F(ScriptServiceTest, AReplicaThatDoesNotAnswerHoldsALoadUpForAQuarterOfASecondOnly) {
  StartWith(2);
  node(1).Silent("SCRIPT LOAD");
  const uint64_t began = house_->loop.now_ms();
  Distribute("return 1");
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  EXPECT_GE(house_->loop.now_ms() - began, 200u);
  EXPECT_EQ(notes(), Words{"known 2 " + Short("return 1")});
  // Its answer still counts when it comes.
  node(1).Say(0, support::Bulk(ShaOf("return 1")));
  ASSERT_TRUE(house_->Until([&] { return notes().size() == 2; }));
  EXPECT_EQ(notes()[1], "known 1 " + Short("return 1"));
}

TEST_F(ScriptServiceTest, AScriptFromBeforeAFlushIsNotSpread) {
  StartWith(1);
  house_->scripts->FlushEverywhere(false, [] {});
  house_->scripts->Distribute(Script("return 1"), 0, [this] { done_ = true; });
  EXPECT_TRUE(done_);
  EXPECT_EQ(node(1).CountOf("SCRIPT LOAD"), 0u);
}

TEST_F(ScriptServiceTest, WithoutReplicasALoadIsDoneAtOnce) {
  StartWith(0);
  Distribute("return 1");
  EXPECT_TRUE(done_);
}

// --- SCRIPT KILL ---------------------------------------------------------------------------------

constexpr const char* kNotBusy = "-NOTBUSY No scripts in execution right now.\r\n";
constexpr const char* kUnkillable =
    "-UNKILLABLE Sorry the script already executed write commands against the dataset. You can "
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE "
    "command.\r\n";
constexpr const char* kNoPermission = "-NOPERM this user has no permissions\r\n";

TEST_F(ScriptServiceTest, OneKilledScriptIsOkThenUnkillableThenNotBusyThenAnythingElse) {
  StartWith(2);
  const std::string order[] = {"+OK\r\n", kUnkillable, kNotBusy, kNoPermission};
  for (size_t best = 0; best < 4; ++best) {
    for (size_t other = best; other < 4; ++other) {
      for (int at = 0; at < 3; ++at) {
        for (int i = 0; i < 3; ++i)
          node(i).AnswerOnce("SCRIPT KILL", order[i == at ? best : other]);
        EXPECT_EQ(Kill(), order[best]) << at;
      }
    }
  }
}

TEST_F(ScriptServiceTest, ABusyNodeIsReachedByAKill) {
  StartWith(1);
  node(1).busy = true;
  house_->topology->AskNow();
  const size_t asked = node(1).CountOf("INFO");
  ASSERT_TRUE(house_->Until([&] { return node(1).CountOf("INFO") > asked; }));
  node(0).Answer("SCRIPT KILL", kNotBusy);
  node(1).Answer("SCRIPT KILL", "+OK\r\n");
  EXPECT_EQ(Kill(), "+OK\r\n");
}

TEST_F(ScriptServiceTest, ANodeThatIsDownOrLostMeanwhileHasNoSayInAKill) {
  StartWith(2);
  house_->TakeDown(node(1));
  ASSERT_TRUE(house_->Until([&] { return !house_->InPicture(node(1))->up; }));
  node(0).Answer("SCRIPT KILL", kNotBusy);
  node(2).AddRule([this](const support::FakeNode::Args& args) -> std::optional<std::string> {
    if (args != support::FakeNode::Args{"SCRIPT", "KILL"}) return std::nullopt;
    node(2).StopListening();
    return "";
  });
  std::string reply;
  house_->scripts->KillEverywhere("SCRIPT", [&](std::string text) { reply = std::move(text); });
  ASSERT_TRUE(house_->Until([&] { return node(2).CountOf("SCRIPT KILL") == 1; }));
  EXPECT_EQ(reply, "");
  node(2).CloseAll();
  ASSERT_TRUE(house_->Until([&] { return !reply.empty(); }));
  EXPECT_EQ(reply, kNotBusy);
}

TEST_F(ScriptServiceTest, ANodeThatDoesNotAnswerHoldsAKillUpForTwoSecondsOnly) {
  StartWith(1);
  node(0).Answer("SCRIPT KILL", "+OK\r\n");
  node(1).Silent("SCRIPT KILL");
  const uint64_t began = house_->loop.now_ms();
  EXPECT_EQ(Kill(), "+OK\r\n");
  EXPECT_GE(house_->loop.now_ms() - began, 1'900u);
}

TEST_F(ScriptServiceTest, WhereNoNodeCouldBeAskedNothingIsSaidOfScripts) {
  StartWith(1);
  house_->TakeDown(node(0));
  house_->TakeDown(node(1));
  ASSERT_TRUE(house_->Until([&] {
    return house_->topology->Connection(0) == nullptr && house_->topology->Connection(1) == nullptr;
  }));
  EXPECT_EQ(Kill(), "-UPSTREAMDOWN no node can be asked to kill a script\r\n");
}

TEST_F(ScriptServiceTest, WhereNoNodeAnsweredAKillItMayHaveBeenDone) {
  StartWith(0);
  node(0).Silent("SCRIPT KILL");
  std::string reply;
  house_->scripts->KillEverywhere("SCRIPT", [&](std::string text) { reply = std::move(text); });
  ASSERT_TRUE(house_->Until([&] { return node(0).CountOf("SCRIPT KILL") == 1; }));
  house_->TakeDown(node(0));
  ASSERT_TRUE(house_->Until([&] { return !reply.empty(); }));
  EXPECT_EQ(reply,
            "-UPSTREAMLOST no node answered SCRIPT KILL; the command may have been executed\r\n");
}

// --- What a node can tell of a script ------------------------------------------------------------

TEST_F(ScriptServiceTest, AScriptThatANodeHasIsLearnedAndOneThatItHasNotIsNot) {
  StartWith(0);
  node(0).scripts = {ShaOf("return 1")};
  house_->scripts->Verify(0, 0, {Script("return 1"), Script("return 2")});
  ASSERT_TRUE(house_->Until([&] { return node(0).CountOf("SCRIPT EXISTS") == 2; }));
  Turns();
  EXPECT_EQ(notes(), (Words{"learned return 1 in epoch 0", "known 0 " + Short("return 1")}));
  // What is there is not asked for again.
  house_->scripts->Verify(0, 0, {Script("return 1")});
  Turns();
  EXPECT_EQ(node(0).CountOf("SCRIPT EXISTS"), 2u);
}

TEST_F(ScriptServiceTest, WhatANodeTellsOfAScriptAfterAFlushTeachesNothing) {
  StartWith(0);
  node(0).Silent("SCRIPT EXISTS");
  house_->scripts->Verify(0, 0, {Script("return 1")});
  ASSERT_TRUE(house_->Until([&] { return node(0).CountOf("SCRIPT EXISTS") == 1; }));
  house_->scripts->FlushEverywhere(false, [this] { done_ = true; });
  node(0).Say(0, "*1\r\n:1\r\n");
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  Turns();
  EXPECT_EQ(std::count(notes().begin(), notes().end(), "learned return 1 in epoch 0"), 0);
}

TEST_F(ScriptServiceTest, WhileAFlushIsUnderWayNoNodeIsAskedWhatItHas) {
  // It has the script still, and would say so.
  StartWith(0);
  node(0).scripts = {ShaOf("return 1")};
  house_->crew.slow = true;
  house_->scripts->FlushEverywhere(true, [this] { done_ = true; });
  house_->scripts->Verify(0, 0, {Script("return 1")});
  Turns();
  ASSERT_EQ(house_->crew.forgetting.size(), 1u);
  house_->crew.forgetting.front()();
  ASSERT_TRUE(house_->Until([&] { return done_; }));
  Turns();
  EXPECT_EQ(notes(), Words{"flush 1"});
}

TEST_F(ScriptServiceTest, AValkeyShowsTheBodyOfAScriptOnceInTenSeconds) {
  StartWith(0);
  node(0).Answer("INFO", support::Bulk("redis_version:7.2.4\r\nvalkey_version:8.1.1\r\nrun_id:" +
                                       node(0).run_id + "\r\nrole:master\r\n"));
  house_->topology->AskNow();
  ASSERT_TRUE(house_->Until(
      [&] { return house_->InPicture(node(0))->version == "valkey 8.1.1" && house_->Idle(); }));
  node(0).Answer("SCRIPT SHOW " + ShaOf("return 1"), support::Bulk("return 1"));
  node(0).Answer("SCRIPT SHOW " + ShaOf("return 2"), support::Bulk("another body"));
  const auto show = [&](const std::string& body) {
    house_->scripts->Show(0, *replication::Sha1::Parse(ShaOf(body)));
  };
  show("return 1");
  show("return 2");
  show("return 2");
  ASSERT_TRUE(house_->Until([&] { return node(0).CountOf("SCRIPT SHOW") == 2; }));
  Turns();
  EXPECT_EQ(node(0).CountOf("SCRIPT SHOW"), 2u);
  EXPECT_EQ(notes(), Words{"learned return 1 in epoch 0"}) << "a body must have that sha";
}

TEST_F(ScriptServiceTest, ARedisIsNotAskedToShowABody) {
  StartWith(0);
  house_->scripts->Show(0, *replication::Sha1::Parse(ShaOf("return 1")));
  Turns();
  EXPECT_EQ(node(0).CountOf("SCRIPT SHOW"), 0u);
}

TEST_F(ScriptServiceTest, WhatIsTooMuchIsForgottenLeastRecentlyUsedFirst) {
  StartWith(0);
  house_->settings.scripts.max_memory = 20;
  const std::string bodies[] = {"return 'a'", "return 'b'", "return 'c'"};
  uint64_t used = 1;
  for (const auto& body : bodies) {
    auto script = Script(body);
    script->last_used.store(used++);
    house_->scripts->OnLearned(script, 0);
  }
  EXPECT_EQ(notes(), Words{"evicted " + Short(bodies[0])});
}

}  // namespace
}  // namespace control
