#include "proxy/control/control_connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/every_cut.h"
#include "tests/support/fake_node.h"
#include "tests/support/run_loop.h"

namespace control {
namespace {

using Words = std::vector<std::string>;

// The tree on one line: "+OK", "-ERR x", ":1", "'text'", "nil", "[a, b]".
std::string Show(const ReplyTree& tree) {
  switch (tree.type) {
    case ReplyTree::Type::kNil:
      return "nil";
    case ReplyTree::Type::kStatus:
      return "+" + tree.text;
    case ReplyTree::Type::kError:
      return "-" + tree.text;
    case ReplyTree::Type::kInteger:
      return ":" + std::to_string(tree.integer);
    case ReplyTree::Type::kText:
      return "'" + tree.text + "'";
    case ReplyTree::Type::kArray:
      break;
  }
  std::string text;
  for (const auto& element : tree.elements) text += (text.empty() ? "" : ", ") + Show(element);
  return "[" + text + "]";
}

class NotingOwner final : public ControlOwner {
 public:
  explicit NotingOwner(Words& notes) : notes_(notes) {}
  void OnControlReady() override { notes_.push_back("ready"); }
  void OnControlClosed(const std::string& why) override { notes_.push_back("closed: " + why); }

 private:
  Words& notes_;
};

class ControlConnectionTest : public ::testing::Test {
 protected:
  void Connect() {
    connection_ = std::make_unique<ControlConnection>(loop_, node_.address(), settings_, owner_);
  }
  void ConnectAndBecomeReady() {
    Connect();
    ASSERT_TRUE(Until([&] { return connection_->ready() && connection_->outstanding() == 0; }));
    ASSERT_EQ(notes_, Words{"ready"});
    notes_.clear();
  }
  // What becomes of it goes to notes_.
  void Ask(const std::vector<std::string_view>& args) {
    connection_->Ask(args, [this](const ReplyTree* answer) {
      notes_.push_back(answer == nullptr ? "lost" : Show(*answer));
    });
  }
  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition, [&] { node_.Step(); });
  }
  void Turns(int n = 20) {
    for (int i = 0; i < n; ++i) {
      support::Turn(loop_);
      node_.Step();
    }
  }

  net::Loop loop_;
  support::FakeNode node_;
  config::UpstreamSettings settings_;
  Words notes_;
  NotingOwner owner_{notes_};
  std::unique_ptr<ControlConnection> connection_;
};

// --- The beginning -------------------------------------------------------------------------------

TEST_F(ControlConnectionTest, IsReadyOnceItIsConnectedAndGivesItsName) {
  ConnectAndBecomeReady();
  EXPECT_EQ(node_.CommandsOn(0), Words{"CLIENT SETNAME shacast-control"});
}

TEST_F(ControlConnectionTest, ProvesWhoItIsBeforeItSaysAnythingElse) {
  settings_.username = "proxy";
  settings_.password = node_.password = "s3cret";
  node_.Hold();
  Connect();
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  Turns();
  EXPECT_EQ(node_.CommandsOn(0), Words{"AUTH proxy s3cret"});
  EXPECT_FALSE(connection_->ready());
  EXPECT_EQ(notes_, Words());
  node_.Release();
  ASSERT_TRUE(Until([&] { return connection_->ready() && connection_->outstanding() == 0; }));
  EXPECT_EQ(node_.CommandsOn(0), (Words{"AUTH proxy s3cret", "CLIENT SETNAME shacast-control"}));
  EXPECT_EQ(notes_, Words{"ready"});
}

TEST_F(ControlConnectionTest, WithoutAUserGivesThePasswordAlone) {
  settings_.password = node_.password = "with blanks\r\nand lines";
  ConnectAndBecomeReady();
  EXPECT_EQ(node_.CommandsOn(0)[0], "AUTH with blanks\r\nand lines");
}

TEST_F(ControlConnectionTest, RefusedCredentialsEndItWithTheServersWords) {
  settings_.password = "wrong";
  node_.password = "right";
  Connect();
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  Turns();
  EXPECT_EQ(notes_, Words{"closed: WRONGPASS invalid username-password pair or user is disabled."});
  EXPECT_FALSE(connection_->ready());
  EXPECT_EQ(node_.open(), 0u);
}

TEST_F(ControlConnectionTest, LostBeforeItsCredentialsWereAnsweredItIsClosedOnce) {
  settings_.password = "p";
  node_.Hold();
  Connect();
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  Turns();
  EXPECT_EQ(notes_, Words{"closed: it closed the connection without a word (does it want TLS? see "
                          "upstream.tls)"});
}

TEST_F(ControlConnectionTest, SaysThatNobodyListens) {
  node_.StopListening();
  Connect();
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  EXPECT_EQ(notes_, Words{"closed: Connection refused"});
}

TEST_F(ControlConnectionTest, GivesUpConnectingInTime) {
  // A listener whose queue is full drops what asks for more: to a client it is as if it were away.
  const support::Fd listening = support::ListenOnLoopback(0, 0);
  std::vector<support::Fd> queue;
  for (int i = 0; i < 8; ++i)
    queue.push_back(support::ConnectToLoopback(support::PortOf(listening)));
  settings_.connect_timeout = std::chrono::milliseconds(50);
  const config::Address away{"127.0.0.1", support::PortOf(listening)};
  connection_ = std::make_unique<ControlConnection>(loop_, away, settings_, owner_);
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  EXPECT_EQ(notes_, Words{"closed: no answer within 50 ms"});
}

TEST_F(ControlConnectionTest, MayBeDestroyedAtAnyTurn) {
  for (int turns = 0; turns < 12; ++turns) {
    Connect();
    Turns(turns);
    if (connection_->ready()) Ask({"PING"});
    connection_.reset();
    notes_.clear();
    Turns(5);
    EXPECT_EQ(notes_, Words()) << "after " << turns << " turns";
  }
}

// --- Questions and answers -----------------------------------------------------------------------

TEST_F(ControlConnectionTest, AnswersComeInTheOrderOfTheQuestions) {
  ConnectAndBecomeReady();
  Ask({"GET", "a"});
  Ask({"PING"});
  Ask({"INCR", "n"});
  EXPECT_EQ(connection_->outstanding(), 3u);
  ASSERT_TRUE(Until([&] { return notes_.size() == 3; }));
  EXPECT_EQ(notes_, (Words{"'value of a'", "+PONG", ":1"}));
  EXPECT_EQ(connection_->outstanding(), 0u);
}

TEST_F(ControlConnectionTest, AQuestionIsSentByteForByte) {
  ConnectAndBecomeReady();
  const std::string body("return '\r\n\0$5\r\n'", 16);
  Ask({"SCRIPT", "LOAD", body});
  ASSERT_TRUE(Until([&] { return notes_.size() == 1; }));
  EXPECT_EQ(notes_[0], "'" + support::ShaOf(body) + "'");
}

TEST_F(ControlConnectionTest, ReadsRepliesHoweverTheyAreCut) {
  ConnectAndBecomeReady();
  node_.Answer("Q", "");
  const std::string replies =
      "+OK\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n-ERR no\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n*0\r\n";
  const Words expected = {"+OK", ":-7", "'a\r\nb'", "nil", "-ERR no", "[[:1], '']", "[]"};
  support::ForEveryCut(replies, [&](const support::Pieces& pieces) {
    if (HasFailure()) return;
    notes_.clear();
    for (size_t i = 0; i < expected.size(); ++i) Ask({"Q"});
    for (const auto& piece : pieces) {
      // The node sends it, and the connection reads it before the next one comes.
      node_.Say(0, piece);
      node_.Step();
      support::Turn(loop_);
    }
    ASSERT_TRUE(Until([&] { return notes_.size() >= expected.size(); }));
    EXPECT_EQ(notes_, expected) << pieces.size() << " pieces, the first of " << pieces[0].size();
  });
}

TEST_F(ControlConnectionTest, ReadsALargeReply) {
  ConnectAndBecomeReady();
  const std::string large(3'000'000, 'x');
  node_.Answer("Q", support::Bulk(large));
  node_.SendInPiecesOf(70'001);
  Ask({"Q"});
  ASSERT_TRUE(Until([&] { return !notes_.empty(); }));
  EXPECT_EQ(notes_[0], "'" + large + "'");
}

TEST_F(ControlConnectionTest, AnAnswerMayAskTheNextQuestion) {
  ConnectAndBecomeReady();
  connection_->Ask({"PING"}, [this](const ReplyTree*) { Ask({"GET", "a"}); });
  ASSERT_TRUE(Until([&] { return !notes_.empty(); }));
  EXPECT_EQ(notes_, Words{"'value of a'"});
}

// --- The end -------------------------------------------------------------------------------------

TEST_F(ControlConnectionTest, WhoWaitsIsToldBeforeTheOwnerThatItWasLost) {
  ConnectAndBecomeReady();
  node_.Hold();
  Ask({"PING"});
  Ask({"GET", "a"});
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  node_.Release(1);
  node_.Step();
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  EXPECT_EQ(notes_, (Words{"+PONG", "lost", "closed: it closed the connection"}));
  EXPECT_FALSE(connection_->ready());
}

TEST_F(ControlConnectionTest, AResetIsALossToo) {
  ConnectAndBecomeReady();
  node_.Hold();
  Ask({"PING"});
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  node_.ResetAll();
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_EQ(notes_[0], "lost");
  EXPECT_TRUE(notes_[1].starts_with("closed: ")) << notes_[1];
}

TEST_F(ControlConnectionTest, AReplyThatNobodyAskedForEndsIt) {
  ConnectAndBecomeReady();
  node_.Say(0, "-ERR out of the blue\r\n");
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  EXPECT_EQ(notes_, Words{"closed: a reply to nothing: ERR out of the blue"});
}

TEST_F(ControlConnectionTest, WhatIsNoRespEndsIt) {
  for (const std::string bytes :
       {"HTTP/1.1 400\r\n", "$99999999999999999999\r\n", "*-7\r\n", ":x\r\n"}) {
    Connect();
    ASSERT_TRUE(Until([&] { return connection_->ready() && connection_->outstanding() == 0; }));
    notes_.clear();
    Ask({"BLPOP", "l", "0"});
    node_.Say(node_.accepted() - 1, bytes);
    ASSERT_TRUE(Until([&] { return connection_->closed(); })) << bytes;
    EXPECT_EQ(notes_, (Words{"lost", "closed: it does not speak RESP"})) << bytes;
  }
}

TEST_F(ControlConnectionTest, AnAnswerMayEndIt) {
  ConnectAndBecomeReady();
  connection_->Ask({"PING"}, [this](const ReplyTree*) { connection_->Fail("seen enough"); });
  Ask({"GET", "a"});
  ASSERT_TRUE(Until([&] { return connection_->closed(); }));
  connection_->Fail("again");
  Turns();
  EXPECT_EQ(notes_, (Words{"lost", "closed: seen enough"}));
}

}  // namespace
}  // namespace control
