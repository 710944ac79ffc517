// What calls are told when their connection ends: "sent" decides whether a command may be repeated.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/backend/connection_support.h"

namespace backend {
namespace {

using Texts = std::vector<std::string>;
using Ending = ConnectionOwner::Ending;

TEST_F(ConnectionTest, WhatTheNodeMayHaveReadIsToldAsSent) {
  ConnectAndBecomeReady();
  node_.Hold();
  NotedCall& one = Send("INCR a");
  NotedCall& two = Send("INCR b");
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  node_.Release(1);
  node_.Step();
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(one.reply, ":1\r\n") << "a reply that came before the end counts";
  EXPECT_TRUE(two.lost);
  EXPECT_TRUE(two.sent);
  EXPECT_EQ(two.why, "the node closed the connection");
  EXPECT_EQ(owner_.ending, Ending::kLost);
  EXPECT_EQ(connection_->outstanding(), 0u);
}

TEST_F(ConnectionTest, ACommandOfWhichTheLastByteNeverLeftIsToldAsUnsent) {
  ConnectAndBecomeReady();
  node_.StopReading();
  NotedCall& one = Send("INCR a");
  Turns(3);
  NotedCall& large = NewCall("SET large");
  connection_->Send(large,
                    base::CopySlice(support::CommandOf({"SET", "k", std::string(16 << 20, 'x')})));
  NotedCall& behind = Send("INCR b");
  Turns();
  ASSERT_GT(connection_->unsent(), 0u);
  EXPECT_EQ(owner_.progress, 0);
  node_.ResetAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(sink_.order, (Texts{"INCR a", "SET large", "INCR b"}));
  EXPECT_TRUE(one.sent);
  EXPECT_FALSE(large.sent) << "half a command is not executed";
  EXPECT_FALSE(behind.sent);
}

TEST_F(ConnectionTest, ACommandThatHasLeftIsToldAsSentThoughNobodyKnowsWhetherItArrived) {
  ConnectAndBecomeReady();
  NotedCall& call = Send("INCR a");
  support::Turn(loop_);
  ASSERT_EQ(connection_->unsent(), 0u);
  connection_->Close("test");
  EXPECT_TRUE(call.lost);
  EXPECT_TRUE(call.sent);
}

TEST_F(ConnectionTest, WrittenInThisTurnIsNotSentYet) {
  ConnectAndBecomeReady();
  NotedCall& call = Send("INCR a");
  connection_->Close("test");
  EXPECT_TRUE(call.lost);
  EXPECT_FALSE(call.sent);
  Turns();
  EXPECT_EQ(node_.CountOf("INCR"), 0u);
}

TEST_F(ConnectionTest, CallsAreLostInTheirOrder) {
  ConnectAndBecomeReady();
  node_.Hold();
  Texts names;
  for (int i = 0; i < 20; ++i) names.push_back(Send("GET k" + std::to_string(i)).name);
  ASSERT_TRUE(Until([&] { return node_.held() == 20; }));
  node_.ResetAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(sink_.order, names);
}

TEST_F(ConnectionTest, ClosedByUsTheOwnerIsNotTold) {
  ConnectAndBecomeReady();
  NotedCall& call = Send("GET a");
  connection_->Close("not wanted any more");
  EXPECT_TRUE(call.lost);
  EXPECT_EQ(call.why, "not wanted any more");
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(connection_->outstanding(), 0u);
  connection_->Close("again");
  Turns();
  EXPECT_EQ(owner_.closed, 0);
  EXPECT_EQ(node_.open(), 0u);
}

TEST_F(ConnectionTest, DestroyedInAnyStateItTellsItsCalls) {
  for (int turns = 0; turns < 12; ++turns) {
    Connect();
    NotedCall& call = Send("GET a");
    Turns(turns);
    connection_.reset();
    EXPECT_TRUE(call.lost || call.done) << "after " << turns << " turns";
  }
  EXPECT_EQ(owner_.closed, 0);
}

TEST_F(ConnectionTest, ACallThatNobodyWaitsForIsDisposedOfWhenTheConnectionIsLost) {
  static int disposed;
  disposed = 0;
  ConnectAndBecomeReady();
  node_.Hold();
  NotedCall& gone = Send("GET gone");
  gone.sink = nullptr;
  gone.dispose = [](Call*) { ++disposed; };
  NotedCall& here = Send("GET here");
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(disposed, 1);
  EXPECT_TRUE(here.lost);
}

TEST_F(ConnectionTest, HalfAReplyAndThenTheEndIsALoss) {
  ConnectAndBecomeReady();
  const std::string large = support::Bulk(std::string(1 << 20, 'x'));
  node_.Answer("GET large", large.substr(0, large.size() / 2));
  NotedCall& call = Send("GET large");
  ASSERT_TRUE(Until([&] { return call.reply.size() == large.size() / 2; }));
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_TRUE(call.lost);
  EXPECT_TRUE(call.sent);
  EXPECT_FALSE(call.done);
}

TEST_F(ConnectionTest, TheOwnerHearsWhenANodeThatDidNotKeepUpTakesMore) {
  ConnectAndBecomeReady();
  node_.StopReading();
  NotedCall& large = NewCall("SET large");
  connection_->Send(large,
                    base::CopySlice(support::CommandOf({"SET", "k", std::string(16 << 20, 'x')})));
  Turns();
  ASSERT_GT(connection_->unsent(), 0u);
  node_.ReadAgain();
  ASSERT_TRUE(Until([&] { return large.done; }));
  EXPECT_GT(owner_.progress, 0);
  EXPECT_EQ(connection_->unsent(), 0u);
  EXPECT_EQ(large.reply, "+OK\r\n");
}

}  // namespace
}  // namespace backend
