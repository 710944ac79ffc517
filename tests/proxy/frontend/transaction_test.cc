#include "proxy/frontend/transaction.h"

#include <gtest/gtest.h>

namespace frontend {
namespace {

// MULTI was sent, as Upstream notes it.
Transaction Begun() {
  Transaction transaction;
  transaction.sent_multi = true;
  return transaction;
}

TEST(Transaction, IsOpenFromMultiToExec) {
  Transaction t = Begun();
  EXPECT_FALSE(t.clean()) << "what is sent next will be queued";
  t.OnReply(After::kMulti, "+OK\r\n");
  EXPECT_TRUE(t.open);
  t.sent_multi = false;  // EXEC was sent
  EXPECT_FALSE(t.clean());
  t.OnReply(After::kExec, "*1\r\n:1\r\n");
  EXPECT_TRUE(t.clean());
}

TEST(Transaction, ARefusedMultiOpensNothing) {
  Transaction t = Begun();
  t.OnReply(After::kMulti, "-NOAUTH Authentication required.\r\n");
  EXPECT_TRUE(t.clean());
}

TEST(Transaction, AMultiInsideAnotherLeavesItOpen) {
  Transaction t = Begun();
  t.OnReply(After::kMulti, "+OK\r\n");
  t.OnReply(After::kMulti, "-ERR MULTI calls can not be nested\r\n");
  EXPECT_TRUE(t.open);
  EXPECT_TRUE(t.sent_multi);
}

TEST(Transaction, EveryAnswerToExecButOneEndsIt) {
  for (const char* reply :
       {"*0\r\n", "*-1\r\n", "_\r\n", "-EXECABORT Transaction discarded\r\n", "-READONLY no\r\n"}) {
    Transaction t = Begun();
    t.watching = true;
    t.OnReply(After::kMulti, "+OK\r\n");
    t.sent_multi = false;
    t.OnReply(After::kExec, reply);
    EXPECT_TRUE(t.clean()) << reply;
  }
  // Up to 6.0 EXEC with arguments does not end it.
  Transaction t = Begun();
  t.OnReply(After::kMulti, "+OK\r\n");
  t.sent_multi = false;
  t.OnReply(After::kExec, "-ERR wrong number of arguments for 'exec' command\r\n");
  EXPECT_TRUE(t.open);
  EXPECT_TRUE(t.sent_multi);
}

TEST(Transaction, ExecWithoutMultiLeavesTheWatchAsItIs) {
  Transaction t;
  t.OnReply(After::kWatch, "+OK\r\n");
  EXPECT_FALSE(t.clean());
  t.OnReply(After::kExec, "-ERR EXEC without MULTI\r\n");
  EXPECT_TRUE(t.watching);
  t.OnReply(After::kDiscard, "-ERR DISCARD without MULTI\r\n");
  EXPECT_TRUE(t.watching);
}

TEST(Transaction, AWatchLastsUntilExecDiscardOrUnwatch) {
  for (const After after : {After::kExec, After::kDiscard, After::kUnwatch}) {
    Transaction t;
    t.OnReply(After::kWatch, "+OK\r\n");
    EXPECT_TRUE(t.watching);
    t.OnReply(after, after == After::kExec ? "*0\r\n" : "+OK\r\n");
    EXPECT_TRUE(t.clean());
  }
}

TEST(Transaction, AWatchOrUnwatchThatWasRefusedOrOnlyQueuedDoesNothing) {
  for (const char* reply : {"+QUEUED\r\n", "-ERR WATCH inside MULTI is not allowed\r\n"}) {
    Transaction t;
    t.OnReply(After::kWatch, reply);
    EXPECT_FALSE(t.watching) << reply;
    t.OnReply(After::kWatch, "+OK\r\n");
    t.OnReply(After::kUnwatch, reply);
    EXPECT_TRUE(t.watching) << reply;
  }
}

TEST(Transaction, NotesWhichQueuedCommandsChangeTheConnection) {
  Transaction t = Begun();
  t.OnReply(After::kMulti, "+OK\r\n");
  Call plain;
  Call select;
  select.db = 3;
  Call hello;
  hello.protocol = 3;
  t.OnQueued(plain);
  t.OnQueued(select);
  t.OnQueued(plain);
  t.OnQueued(hello);
  EXPECT_EQ(t.queued, 4u);
  ASSERT_EQ(t.changes.size(), 2u);
  EXPECT_EQ(t.changes[0].at, 1u);
  EXPECT_EQ(t.changes[0].db, 3);
  EXPECT_EQ(t.changes[1].at, 3u);
  EXPECT_EQ(t.changes[1].protocol, 3);
  // The next transaction begins with nothing.
  t.OnReply(After::kExec, "*0\r\n");
  t.OnReply(After::kMulti, "+OK\r\n");
  EXPECT_EQ(t.queued, 0u);
  EXPECT_TRUE(t.changes.empty());
}

TEST(Transaction, LostBeforeMultiHasLeftNothingOfItIsLost) {
  Transaction t = Begun();
  EXPECT_FALSE(t.OnLost(After::kMulti, false));
  EXPECT_FALSE(t.OnLost(After::kNothing, false));
  EXPECT_FALSE(t.OnLost(After::kExec, false));
  EXPECT_FALSE(t.sent_multi);
  // Nor of the next one, which stood behind it.
  t.sent_multi = true;
  EXPECT_FALSE(t.OnLost(After::kMulti, false));
  EXPECT_FALSE(t.sent_multi);
}

TEST(Transaction, LostBetweenMultiAndExecItIsGone) {
  for (const After end : {After::kExec, After::kDiscard}) {
    Transaction answered = Begun();
    answered.OnReply(After::kMulti, "+OK\r\n");
    EXPECT_TRUE(answered.OnLost(end, false));
    Transaction sent = Begun();
    EXPECT_FALSE(sent.OnLost(After::kMulti, true));
    EXPECT_TRUE(sent.OnLost(end, false));
    // An EXEC that was on its way has ended it, one way or the other.
    Transaction ended = Begun();
    ended.OnReply(After::kMulti, "+OK\r\n");
    EXPECT_FALSE(ended.OnLost(end, true));
  }
  // Begun, and its end not sent yet: what follows is refused.
  Transaction begun = Begun();
  EXPECT_FALSE(begun.OnLost(After::kMulti, true));
  EXPECT_TRUE(begun.sent_multi);
}

TEST(Transaction, AMultiInsideAnotherThatHasNotLeftDoesNotBeginItAnew) {
  Transaction t = Begun();
  t.OnReply(After::kMulti, "+OK\r\n");
  EXPECT_FALSE(t.OnLost(After::kMulti, false));
  EXPECT_TRUE(t.sent_multi);
  EXPECT_TRUE(t.OnLost(After::kExec, false));
}

TEST(TransactionNotes, WhatChangesMoreThanScriptsHoldsUpWhatIsBehindExec) {
  TransactionNotes notes;
  EXPECT_TRUE(notes.empty());
  EXPECT_TRUE(notes.only_scripts());
  notes.scripts.push_back(std::make_shared<replication::ScriptBody>("return 1"));
  EXPECT_FALSE(notes.empty());
  EXPECT_TRUE(notes.only_scripts());
  notes.flush = true;
  EXPECT_FALSE(notes.only_scripts());
}

}  // namespace
}  // namespace frontend
