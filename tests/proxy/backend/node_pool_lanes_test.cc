#include <gtest/gtest.h>

#include <string>

#include "replication/sha1.h"
#include "tests/proxy/backend/pool_support.h"

namespace backend {
namespace {

using support::Bulk;
using State = replication::ScriptCache::State;

TEST_F(NodePoolTest, SessionsOfOneIdentityDatabaseAndProtocolShareALane) {
  Connection* const lane = pool_->Lane(key_);
  EXPECT_EQ(pool_->Lane(key_), lane);
  EXPECT_NE(pool_->Lane(InDatabase(1)), lane);
  EXPECT_NE(pool_->Lane({key_.identity, 0, 3}), lane);
  EXPECT_NE(pool_->Lane({identities_.Intern("alice", "a"), 0, 2}), lane);
  EXPECT_EQ(pool_->Lane(key_), lane);
  EXPECT_EQ(pool_->lanes_open(), 4u);
  EXPECT_TRUE(pool_->IsCurrent(*lane));
  ASSERT_TRUE(Until([&] { return node_.accepted() >= 4; }));
  Turns();
  EXPECT_EQ(node_.accepted(), 4u);
}

TEST_F(NodePoolTest, OfSeveralLanesTheLeastLoadedIsTaken) {
  settings_.lanes = 3;
  node_.Hold();
  Connection* const one = pool_->Lane(key_);
  Send(*one, "GET a");
  Connection* const two = pool_->Lane(key_);
  EXPECT_NE(two, one);
  Send(*two, "GET b");
  Send(*two, "GET c");
  Connection* const three = pool_->Lane(key_);
  Send(*three, "GET d");
  Send(*three, "GET e");
  EXPECT_NE(three, one);
  EXPECT_NE(three, two);
  EXPECT_EQ(pool_->Lane(key_), one);
  EXPECT_EQ(pool_->outstanding(), 5u);
  ASSERT_TRUE(Until([&] { return node_.held() == 5; }));
  EXPECT_EQ(node_.accepted(), 3u);
}

TEST_F(NodePoolTest, ALaneThatLeadsToTheSameProcessRaisesNothing) {
  const uint64_t before = generation();
  ReadyLane(key_);
  ReadyLane(InDatabase(1));
  EXPECT_EQ(generation(), before);
  EXPECT_EQ(suspected_, 0);
}

TEST_F(NodePoolTest, LosingALaneRaisesTheGenerationAndEmptiesWhatWasKnown) {
  const replication::LaneId lane = ReadyLane(key_)->id();
  const auto sha = replication::Sha1::Of("return 1");
  const uint64_t before = generation();
  ASSERT_TRUE(pool_->Scripts().MarkKnown(sha, before));
  EXPECT_EQ(pool_->Scripts().Of(sha, lane), State::kKnown);
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return pool_->lanes_open() == 0; }));
  EXPECT_EQ(generation(), before + 1);
  EXPECT_EQ(pool_->Scripts().Of(sha, lane), State::kUnknown);
  EXPECT_EQ(pool_->Scripts().generation(), before + 1);
  EXPECT_EQ(counters_.generations_raised.Get(), 1u);
  EXPECT_EQ(suspected_, 1) << "the picture may be out of date";
  // The next command gets a new connection, which leads to the same process.
  EXPECT_NE(ReadyLane(key_), nullptr);
  EXPECT_EQ(node_.accepted(), 2u);
  EXPECT_EQ(generation(), before + 1);
}

TEST_F(NodePoolTest, LosingALaneInTheMiddleOfAReplyRaisesTheGenerationToo) {
  Connection* const lane = ReadyLane(key_);
  const uint64_t before = generation();
  node_.Hold();
  NotedCall& call = Send(*lane, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  node_.ResetAll();
  ASSERT_TRUE(Until([&] { return call.lost; }));
  EXPECT_EQ(generation(), before + 1);
}

TEST_F(NodePoolTest, ANewLaneToAnotherProcessRaisesTheGeneration) {
  SetRunId("2222222222222222222222222222222222222222");
  const uint64_t before = generation();
  ReadyLane(key_);
  EXPECT_EQ(generation(), before + 1);
  EXPECT_EQ(suspected_, 1);
  // Once: from here on that process is the one.
  ReadyLane(InDatabase(1));
  EXPECT_EQ(generation(), before + 1);
}

TEST_F(NodePoolTest, ALaneBeforeThePictureKnowsTheProcessRaisesNothing) {
  SetRunId("");
  const uint64_t before = generation();
  ReadyLane(key_);
  EXPECT_EQ(generation(), before);
}

TEST_F(NodePoolTest, ALaneThatDoesNotSayWhereItLeadsRaisesTheGeneration) {
  node_.Answer("INFO", "-NOPERM no\r\n");
  const uint64_t before = generation();
  ReadyLane(key_);
  EXPECT_EQ(generation(), before + 1);
}

TEST_F(NodePoolTest, ClosingALaneOurselvesRaisesNothing) {
  ReadyLane(key_);
  const uint64_t before = generation();
  pool_->CloseAll();
  Turns();
  EXPECT_EQ(pool_->lanes_open(), 0u);
  EXPECT_EQ(node_.open(), 0u);
  EXPECT_EQ(generation(), before);
  EXPECT_EQ(suspected_, 0);
}

TEST_F(NodePoolTest, ARefusedHandshakeRaisesNothingAndHoldsNobodyElseUp) {
  node_.password = "secret";
  const uint64_t before = generation();
  const ConnectionKey wrong{identities_.Intern("", "wrong"), 0, 2};
  NotedCall& call = Send(*pool_->Lane(wrong), "GET a");
  ASSERT_TRUE(Until([&] { return call.done; }));
  EXPECT_EQ(call.reply.substr(0, 10), "-WRONGPASS");
  EXPECT_EQ(generation(), before);
  EXPECT_EQ(suspected_, 0);
  EXPECT_FALSE(pool_->connect_blocked());
  NotedCall& right = Send(*pool_->Lane({identities_.Intern("", "secret"), 0, 2}), "GET a");
  ASSERT_TRUE(Until([&] { return right.done; }));
  EXPECT_EQ(right.reply, Bulk("value of a"));
}

TEST_F(NodePoolTest, WhetherTheNodeWantsAPasswordIsToldByWhoHasNone) {
  EXPECT_FALSE(pool_->wants_auth());
  node_.password = "secret";
  ReadyLane({identities_.Intern("", "secret"), 0, 2});
  EXPECT_FALSE(pool_->wants_auth());
  ReadyLane(key_);
  EXPECT_TRUE(pool_->wants_auth());
  node_.password = "";
  ReadyLane(InDatabase(1));
  EXPECT_FALSE(pool_->wants_auth());
}

TEST_F(NodePoolTest, AfterARefusedConnectNobodyTriesForAWhile) {
  node_.StopListening();
  NotedCall& call = Send(*pool_->Lane(key_), "GET a");
  ASSERT_TRUE(Until([&] { return call.lost; }));
  EXPECT_FALSE(call.sent);
  EXPECT_TRUE(pool_->connect_blocked());
  EXPECT_EQ(pool_->Lane(key_), nullptr);
  EXPECT_EQ(pool_->Lane(InDatabase(1)), nullptr);
  EXPECT_EQ(pool_->TakeLease(key_, holder_), nullptr);
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(suspected_, 1);
  EXPECT_EQ(generation(), 1u) << "nothing was lost that had worked";

  ASSERT_TRUE(Until([&] { return !pool_->connect_blocked(); }));
  node_.ListenAgain();
  ReadyLane(key_);
}

TEST_F(NodePoolTest, EachFailureDoublesTheWaitAndASuccessForgetsThem) {
  node_.StopListening();
  const auto fail = [&] {
    NotedCall& call = Send(*pool_->Lane(key_), "GET a");
    EXPECT_TRUE(Until([&] { return call.lost; }));
    const uint64_t start = loop_.now_ms();
    EXPECT_TRUE(Until([&] { return !pool_->connect_blocked(); }));
    return loop_.now_ms() - start;
  };
  uint64_t longest = 0;
  for (int i = 0; i < 5; ++i) longest = fail();
  EXPECT_GE(longest, 150u) << "20 ms, four times doubled, and a little less for the turn's clock";
  node_.ListenAgain();
  ReadyLane(key_);
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return pool_->lanes_open() == 0; }));
  EXPECT_FALSE(pool_->connect_blocked()) << "a connection that was lost may be made anew at once";
  node_.StopListening();
  node_.Step();
  EXPECT_LT(fail(), longest);
}

TEST_F(NodePoolTest, ALaneWithAScriptThatRunsForLongIsRetired) {
  Connection* const busy = ReadyLane(key_);
  node_.Hold();
  NotedCall& script = Send(*busy, "EVAL return 0", true);
  NotedCall& behind = Send(*busy, "GET a");
  EXPECT_EQ(pool_->Lane(key_), busy) << "not yet";
  ASSERT_TRUE(Until([&] { return !pool_->IsCurrent(*busy); }));
  EXPECT_GE(busy->oldest_age_ms(), 100u);
  Connection* const fresh = pool_->Lane(key_);
  EXPECT_NE(fresh, busy);
  EXPECT_EQ(pool_->lanes_open(), 2u);

  // What it carries is finished, and then it is closed.
  node_.Release();
  ASSERT_TRUE(Until([&] { return behind.done; }));
  EXPECT_TRUE(script.done);
  ASSERT_TRUE(Until([&] { return pool_->lanes_open() == 1; }));
  EXPECT_EQ(pool_->Lane(key_), fresh);
  EXPECT_EQ(generation(), 1u) << "we closed it ourselves";
}

TEST_F(NodePoolTest, ALaneIsRetiredForAScriptThatIsNotItsOldestCommand) {
  Connection* const busy = ReadyLane(key_);
  node_.Hold();
  // A server that read both together says nothing to the first before the second has ended.
  NotedCall& before = Send(*busy, "GET a");
  Send(*busy, "EVAL return 0", true);
  ASSERT_TRUE(Until([&] { return !pool_->IsCurrent(*busy); }));
  EXPECT_FALSE(before.done);
  node_.Release();
  ASSERT_TRUE(Until([&] { return pool_->lanes_open() == 0; }));
  EXPECT_TRUE(before.done);
}

TEST_F(NodePoolTest, WhileOneLaneIsStuckTheOthersOnlyWaitForItsScript) {
  Connection* const busy = ReadyLane(key_);
  Connection* const other = ReadyLane(InDatabase(1));
  node_.Hold();
  Send(*busy, "EVAL return 0", true);
  ASSERT_TRUE(Until([&] { return !pool_->IsCurrent(*busy); }));
  Send(*other, "EVAL return 0", true);
  ASSERT_TRUE(Until([&] { return other->oldest_age_ms() > 150; }));
  EXPECT_TRUE(pool_->IsCurrent(*other));
  node_.Release();
  Turns();
}

TEST_F(NodePoolTest, OnlyAServerThatLeavesCommandsLyingIsNudgedBehindASlowScript) {
  size_t nudges = 0;
  for (const bool leaves_lying : {false, true}) {
    replication::Node node;
    node.run_id = node_.run_id;
    node.leaves_lying = leaves_lying;
    pool_->SetNode(node);
    for (Connection* connection : {ReadyLane(key_), ReadyLease(key_)}) {
      node_.Hold();
      NotedCall& script = Send(*connection, "EVAL return 0", true);
      NotedCall& last = Send(*connection, "GET a");
      ASSERT_TRUE(Until([&] { return node_.held() == 2 && connection->oldest_age_ms() > 20; }));
      last.unfinished = true;
      node_.Release(1);
      ASSERT_TRUE(Until([&] { return script.done; }));
      Turns();
      EXPECT_EQ(node_.empty_lines(), nudges) << "not in the middle of a command";
      last.unfinished = false;
      Turns();
      if (leaves_lying) ++nudges;
      EXPECT_EQ(node_.empty_lines(), nudges);
      node_.Release();
      ASSERT_TRUE(Until([&] { return last.done; }));
      EXPECT_EQ(last.reply, Bulk("value of a"));
    }
  }
  // What is lost behind an empty line was sent all the same.
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  Send(*lane, "EVAL return 0", true);
  Send(*lane, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 2 && lane->oldest_age_ms() > 20; }));
  node_.Release(1);
  ASSERT_TRUE(Until([&] { return node_.empty_lines() > nudges; }));
  NotedCall& behind = Send(*lane, "GET b");
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return behind.lost; }));
  EXPECT_TRUE(behind.sent);
}

TEST_F(NodePoolTest, ABodyWaitsOnlyWhereALossIsProvenAndCallsThatBelieveAreOnTheWay) {
  ASSERT_TRUE(pool_->ExposedSent(1));
  pool_->RaiseGeneration("as an attach does");
  EXPECT_TRUE(pool_->MayCarryBody()) << "nothing was lost";
  pool_->ProvenLost(1);
  EXPECT_FALSE(pool_->MayCarryBody());
  pool_->ExposedAnswered(1);
  EXPECT_TRUE(pool_->MayCarryBody());
  EXPECT_FALSE(pool_->ExposedSent(1)) << "it was planned before the generation was raised";
  EXPECT_TRUE(pool_->MayCarryBody());
}

TEST_F(NodePoolTest, ALaneThatWaitsForSomethingElseIsNotRetired) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  Send(*lane, "GET a");
  ASSERT_TRUE(Until([&] { return lane->oldest_age_ms() > 150; }));
  EXPECT_TRUE(pool_->IsCurrent(*lane));
  node_.Release();
  Turns();
}

TEST_F(NodePoolTest, WhileWritesArePausedNothingElseIsSentBehindThem) {
  ConnectionKey writes = key_;
  writes.paused = true;
  Connection* const before = ReadyLane(key_);
  node_.Hold();
  NotedCall& write = Send(*before, "SET a b", false, true);
  EXPECT_EQ(pool_->Lane(key_), before);
  pool_->PauseWrites(60'000);
  EXPECT_TRUE(pool_->WritesPaused());
  Connection* const reads = pool_->Lane(key_);
  EXPECT_NE(reads, before);
  EXPECT_EQ(pool_->Lane(key_), reads);
  Connection* const apart = pool_->Lane(writes);
  EXPECT_NE(apart, before);
  EXPECT_NE(apart, reads);
  Send(*apart, "SET c d", false, true);
  EXPECT_EQ(pool_->Lane(writes), apart) << "all writes share it";
  EXPECT_EQ(pool_->Lane(key_), reads);
  node_.Release();
  ASSERT_TRUE(Until([&] { return write.done && pool_->lanes_open() == 2; }));
  pool_->UnpauseWrites();
  EXPECT_FALSE(pool_->WritesPaused());
  Send(*reads, "SET e f", false, true);
  EXPECT_EQ(pool_->Lane(key_), reads);
  node_.Release();
  Turns();
}

TEST_F(NodePoolTest, APauseIsSeenWhereAWriteWaitsAndALaterPollWasAnswered) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  NotedCall& write = Send(*lane, "SET a b", false, true);
  shared_->answered_since_ms = loop_.now_ms();
  ASSERT_TRUE(Until([&] { return lane->oldest_age_ms() > 150; }));
  EXPECT_FALSE(pool_->WritesPaused()) << "the node may just be slow";
  shared_->answered_since_ms = loop_.now_ms();
  ASSERT_TRUE(Until([&] { return pool_->WritesPaused(); }));
  EXPECT_NE(pool_->Lane(key_), lane);
  ASSERT_TRUE(Until([&] { return lane->oldest_age_ms() > 500; }));
  EXPECT_TRUE(pool_->WritesPaused());
  node_.Release();
  ASSERT_TRUE(Until([&] { return write.done; }));
  ASSERT_TRUE(Until([&] { return !pool_->WritesPaused(); }));
}

TEST_F(NodePoolTest, AReadThatWaitsIsNoPause) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  Send(*lane, "GET a");
  Send(*lane, "SET a b", false, true);
  ASSERT_TRUE(Until([&] { return lane->oldest_age_ms() > 50; }));
  shared_->answered_since_ms = loop_.now_ms();
  ASSERT_TRUE(Until([&] { return lane->oldest_age_ms() > 200; }));
  EXPECT_FALSE(pool_->WritesPaused());
  EXPECT_TRUE(pool_->IsCurrent(*lane));
  node_.Release();
  Turns();
}

TEST_F(NodePoolTest, AScriptThatWaitsForTheEndOfAPauseHidesNoSlowOne) {
  ConnectionKey writes = key_;
  writes.paused = true;
  pool_->PauseWrites(60'000);
  Connection* const apart = ReadyLane(writes);
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  Send(*apart, "EVAL write 0", true, true);
  ASSERT_TRUE(Until([&] { return apart->oldest_age_ms() > 150; }));
  EXPECT_TRUE(pool_->IsCurrent(*apart));
  Send(*lane, "EVAL_RO slow 0", true);
  ASSERT_TRUE(Until([&] { return !pool_->IsCurrent(*lane); }));
  node_.Release();
  Turns();
}

TEST_F(NodePoolTest, ARetiredLaneTakesNothingNewAndIsClosedWhenItIsDone) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  NotedCall& call = Send(*lane, "GET a");
  pool_->RetireLane(*lane);
  EXPECT_FALSE(pool_->IsCurrent(*lane));
  EXPECT_NE(pool_->Lane(key_), lane);
  node_.Release();
  ASSERT_TRUE(Until([&] { return call.done; }));
  ASSERT_TRUE(Until([&] { return pool_->lanes_open() == 1; }));
  EXPECT_EQ(generation(), 1u);
}

TEST_F(NodePoolTest, ARetiredLaneThatIsLostRaisesTheGeneration) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  NotedCall& call = Send(*lane, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  pool_->RetireLane(*lane);
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return call.lost; }));
  EXPECT_EQ(generation(), 2u);
  Turns();
  EXPECT_EQ(pool_->lanes_open(), 0u);
}

TEST_F(NodePoolTest, APoolThatIsClosedTellsWhatWasOnTheWay) {
  Connection* const lane = ReadyLane(key_);
  node_.Hold();
  NotedCall& call = Send(*lane, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  pool_->CloseAll();
  EXPECT_TRUE(call.lost);
  EXPECT_TRUE(call.sent);
  pool_.reset();
  for (int i = 0; i < 5; ++i) support::Turn(loop_);
  pool_ = std::make_unique<NodePool>(context_, shared_);
}

TEST_F(NodePoolTest, SaysWhetherTheNodeEvictsScripts) {
  replication::Node node;
  node.evicts = true;
  pool_->SetNode(node);
  EXPECT_TRUE(pool_->evicts());
  node.evicts = false;
  pool_->SetNode(node);
  EXPECT_FALSE(pool_->evicts());
}

}  // namespace
}  // namespace backend
