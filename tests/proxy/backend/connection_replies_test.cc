#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/backend/connection_support.h"

namespace backend {
namespace {

using support::Bulk;
using Texts = std::vector<std::string>;
using Ending = ConnectionOwner::Ending;

TEST_F(ConnectionTest, RepliesGoToTheCallsInTheOrderOfSending) {
  ConnectAndBecomeReady();
  for (int i = 0; i < 100; ++i) Send("GET k" + std::to_string(i));
  EXPECT_EQ(connection_->outstanding(), 100u);
  EXPECT_EQ(connection_->oldest(), &calls_.front());
  ASSERT_TRUE(Until([&] { return calls_.back().done; }));
  for (const auto& call : calls_) EXPECT_EQ(call.reply, Bulk("value of " + call.name.substr(4)));
  EXPECT_EQ(connection_->outstanding(), 0u);
  EXPECT_EQ(connection_->oldest(), nullptr);
}

TEST_F(ConnectionTest, ACommandMayBeGivenInPieces) {
  ConnectAndBecomeReady();
  const std::string command = support::Command("GET key");
  NotedCall& call = NewCall("GET key");
  connection_->Send(call, base::CopySlice(command.substr(0, 7)));
  connection_->More(base::CopySlice(command.substr(7, 5)));
  connection_->More(base::CopySlice(command.substr(12)));
  EXPECT_EQ(connection_->outstanding(), 1u);
  NotedCall& next = Send("GET next");
  ASSERT_TRUE(Until([&] { return next.done; }));
  EXPECT_EQ(call.reply, Bulk("value of key"));
}

TEST_F(ConnectionTest, ASmallReplyIsOnePieceHoweverItComes) {
  ConnectAndBecomeReady();
  node_.SendInPiecesOf(1);
  NotedCall& one = Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return two.done; }));
  EXPECT_EQ(one.pieces, 1);
  EXPECT_EQ(one.reply, Bulk("value of a"));
  EXPECT_EQ(two.pieces, 1);
}

TEST_F(ConnectionTest, ALargeReplyComesInPieces) {
  ConnectAndBecomeReady();
  std::string large(5 << 20, ' ');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 25);
  node_.Answer("GET large", Bulk(large));
  node_.SendInPiecesOf(100'001);
  NotedCall& one = Send("GET large");
  NotedCall& two = Send("GET small");
  ASSERT_TRUE(Until([&] { return one.pieces > 2; }));
  EXPECT_FALSE(one.done) << "it is passed on before it is whole";
  EXPECT_FALSE(two.done);
  ASSERT_TRUE(Until([&] { return two.done; }));
  EXPECT_EQ(one.reply, Bulk(large));
  EXPECT_EQ(two.reply, Bulk("value of small"));
  EXPECT_EQ(two.pieces, 1);
}

TEST_F(ConnectionTest, AReplyOfManySmallPartsComesInPiecesToo) {
  ConnectAndBecomeReady();
  std::vector<std::string> parts;
  for (int i = 0; i < 20'000; ++i) parts.push_back(Bulk(std::to_string(i)));
  const std::string reply = support::Array(parts);
  node_.Answer("KEYS", reply);
  node_.SendInPiecesOf(10'007);
  NotedCall& one = Send("KEYS *");
  NotedCall& two = Send("GET small");
  ASSERT_TRUE(Until([&] { return two.done; }));
  EXPECT_EQ(one.reply, reply);
  EXPECT_GT(one.pieces, 2);
  EXPECT_EQ(two.reply, Bulk("value of small"));
}

TEST_F(ConnectionTest, PushFramesAreNoReplies) {
  ConnectAndBecomeReady({nullptr, 0, 3});
  const std::string push = ">2\r\n" + Bulk("invalidate") + "*1\r\n" + Bulk("key");
  node_.Answer("GET a", push + "+a\r\n" + push + push);
  node_.Answer("GET b", "+b\r\n");
  NotedCall& one = Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return two.done; }));
  EXPECT_EQ(one.reply, "+a\r\n");
  EXPECT_EQ(two.reply, "+b\r\n");
  // Also where nobody waits for a reply, in single bytes, and where one is large.
  node_.SendInPiecesOf(1);
  node_.Say(0, push);
  Turns(200);
  node_.SendInPiecesOf(10'000);
  node_.Say(0, ">1\r\n" + Bulk(std::string(200'000, 'x')));
  NotedCall& three = Send("GET b");
  ASSERT_TRUE(Until([&] { return three.done; }));
  EXPECT_EQ(three.reply, "+b\r\n");
  EXPECT_EQ(three.pieces, 1);
  EXPECT_EQ(owner_.closed, 0);
}

TEST_F(ConnectionTest, AClientThatLeftGetsNothingAndTheNextOneItsOwn) {
  static int disposed;
  disposed = 0;
  ConnectAndBecomeReady();
  node_.Hold();
  NotedCall& gone = Send("GET gone");
  NotedCall& here = Send("GET here");
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  gone.sink = nullptr;
  gone.dispose = [](Call* call) {
    ++disposed;
    EXPECT_EQ(static_cast<NotedCall*>(call)->name, "GET gone");
  };
  node_.Release();
  ASSERT_TRUE(Until([&] { return here.done; }));
  EXPECT_EQ(disposed, 1);
  EXPECT_EQ(gone.pieces, 0);
  EXPECT_EQ(here.reply, Bulk("value of here"));
}

TEST_F(ConnectionTest, AClientMayLeaveInTheMiddleOfItsReply) {
  static int disposed;
  disposed = 0;
  ConnectAndBecomeReady();
  node_.Answer("GET large", Bulk(std::string(1 << 20, 'x')));
  node_.SendInPiecesOf(50'000);
  NotedCall& gone = Send("GET large");
  gone.dispose = [](Call*) { ++disposed; };
  NotedCall& here = Send("GET here");
  ASSERT_TRUE(Until([&] { return gone.pieces > 1; }));
  gone.sink = nullptr;
  const int pieces = gone.pieces;
  ASSERT_TRUE(Until([&] { return here.done; }));
  EXPECT_EQ(gone.pieces, pieces);
  EXPECT_EQ(disposed, 1);
  EXPECT_EQ(here.reply, Bulk("value of here"));
}

TEST_F(ConnectionTest, PausedItReadsNothingFromTheNode) {
  ConnectAndBecomeReady();
  connection_->PauseReading();
  NotedCall& call = Send("GET a");
  ASSERT_TRUE(Until([&] { return node_.CountOf("GET a") == 1; }));
  Turns();
  EXPECT_EQ(call.pieces, 0);
  connection_->ResumeReading();
  ASSERT_TRUE(Until([&] { return call.done; }));
  EXPECT_EQ(call.reply, Bulk("value of a"));
}

TEST_F(ConnectionTest, PausedInsideAReplyItKeepsWhatWasReadAndGoesOnFromThere) {
  ConnectAndBecomeReady();
  node_.Hold();
  NotedCall& one = Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  sink_.on_reply = [&](NotedCall& call) {
    if (&call == &one) connection_->PauseReading();
  };
  node_.Release();
  ASSERT_TRUE(Until([&] { return one.done; }));
  Turns();
  EXPECT_FALSE(two.done) << "it was read together with the first, and must wait";
  connection_->ResumeReading();
  EXPECT_TRUE(two.done);
  EXPECT_EQ(two.reply, Bulk("value of b"));
}

TEST_F(ConnectionTest, TheAgeOfTheOldestCallBeginsWhenItBecameTheOldest) {
  ConnectAndBecomeReady();
  EXPECT_EQ(connection_->oldest_age_ms(), 0u);
  node_.Hold();
  Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return node_.held() == 2 && connection_->oldest_age_ms() >= 30; }));
  node_.Release(1);
  ASSERT_TRUE(Until([&] { return calls_.front().done; }));
  EXPECT_LT(connection_->oldest_age_ms(), 30u);
  EXPECT_EQ(connection_->oldest(), &two);
}

TEST_F(ConnectionTest, AReplyThatNobodyAskedForEndsTheConnection) {
  ConnectAndBecomeReady();
  node_.Say(0, "+surprise\r\n");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(owner_.why, "a reply to nothing: +surprise");
  EXPECT_EQ(owner_.ending, Ending::kLost);
}

TEST_F(ConnectionTest, BytesThatAreNotRespEndTheConnection) {
  ConnectAndBecomeReady();
  node_.Answer("GET a", "+fine\r\n");
  node_.Answer("GET b", "HTTP/1.1 400 Bad Request\r\n");
  NotedCall& one = Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(owner_.why, "the node does not speak RESP");
  EXPECT_EQ(one.reply, "+fine\r\n");
  EXPECT_TRUE(two.lost);
  EXPECT_TRUE(two.sent);
}

}  // namespace
}  // namespace backend
