#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/backend/connection_support.h"

namespace backend {
namespace {

using Texts = std::vector<std::string>;
using Ending = ConnectionOwner::Ending;

TEST_F(ConnectionTest, NobodyInRespTwoGivesANameAndAsksWhichProcessItIs) {
  Connect();
  EXPECT_EQ(connection_->state(), Connection::State::kConnecting);
  ASSERT_TRUE(Until([&] { return owner_.ready == 1; }));
  EXPECT_EQ(connection_->state(), Connection::State::kReady);
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"CLIENT SETNAME shacast", "INFO server"}));
  EXPECT_EQ(owner_.run_id, node_.run_id);
  EXPECT_EQ(connection_->id(), 7u);
}

TEST_F(ConnectionTest, OneThatCarriesNoScriptsAsksForItsIdAndNotForTheRunId) {
  node_.Answer("CLIENT ID", ":42\r\n");
  Connect({}, false);
  ASSERT_TRUE(Until([&] { return owner_.ready == 1; }));
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"CLIENT SETNAME shacast", "CLIENT ID"}));
  EXPECT_EQ(connection_->client_id(), 42u);
  EXPECT_EQ(owner_.run_id, "");
}

TEST_F(ConnectionTest, AnotherDatabaseIsSelected) {
  ConnectAndBecomeReady({nullptr, 5, 2});
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"CLIENT SETNAME shacast", "SELECT 5", "INFO server"}));
}

TEST_F(ConnectionTest, APasswordIsSaidAloneAndItsReplyAwaited) {
  node_.password = "secret";
  node_.Hold();
  Connect({identities_.Intern("", "secret"), 0, 2});
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  Turns();
  EXPECT_EQ(node_.CommandsOn(0), Texts{"AUTH secret"});
  node_.Release();
  ASSERT_TRUE(Until([&] { return owner_.ready == 1; }));
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"AUTH secret", "CLIENT SETNAME shacast", "INFO server"}));
}

TEST_F(ConnectionTest, TheDatabaseIsSelectedBeforeTheUserWhoMayLackTheRightTo) {
  node_.Answer("AUTH", "+OK\r\n");
  ConnectAndBecomeReady({identities_.Intern("alice", "secret"), 3, 2});
  EXPECT_EQ(node_.CommandsOn(0),
            (Texts{"SELECT 3", "AUTH alice secret", "CLIENT SETNAME shacast", "INFO server"}));
}

TEST_F(ConnectionTest, ADatabaseThatIsRefusedBeforeThePasswordIsSelectedBehindIt) {
  node_.password = "secret";
  ConnectAndBecomeReady({identities_.Intern("", "secret"), 3, 2});
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"SELECT 3", "AUTH secret", "CLIENT SETNAME shacast",
                                        "SELECT 3", "INFO server"}));
}

TEST_F(ConnectionTest, AUserIsSaidWithHisName) {
  node_.password = "secret";
  ConnectAndBecomeReady({identities_.Intern("alice", "secret"), 0, 2});
  EXPECT_EQ(node_.CommandsOn(0)[0], "AUTH alice secret");
}

TEST_F(ConnectionTest, RespThreeIsAskedForWithHello) {
  ConnectAndBecomeReady({nullptr, 0, 3});
  EXPECT_EQ(node_.CommandsOn(0), (Texts{"HELLO 3", "CLIENT SETNAME shacast", "INFO server"}));
}

TEST_F(ConnectionTest, RespThreeAndAUserAreOneHello) {
  node_.password = "secret";
  ConnectAndBecomeReady({identities_.Intern("alice", "secret"), 0, 3});
  EXPECT_EQ(node_.CommandsOn(0)[0], "HELLO 3 AUTH alice secret");
}

TEST_F(ConnectionTest, TheDefaultUserHasANameInHello) {
  node_.password = "secret";
  ConnectAndBecomeReady({identities_.Intern("", "secret"), 0, 3});
  EXPECT_EQ(node_.CommandsOn(0)[0], "HELLO 3 AUTH default secret");
}

TEST_F(ConnectionTest, CommandsWaitForTheHandshake) {
  node_.password = "secret";
  node_.Hold();
  Connect({identities_.Intern("", "secret"), 0, 2});
  NotedCall& one = Send("INCR a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  NotedCall& two = Send("INCR a");
  Turns();
  EXPECT_EQ(node_.CountOf("INCR"), 0u);
  EXPECT_EQ(connection_->outstanding(), 2u);
  EXPECT_EQ(connection_->unsent(), 2 * support::Command("INCR a").size());
  node_.Release();
  ASSERT_TRUE(Until([&] { return two.done; }));
  EXPECT_EQ(one.reply, ":1\r\n");
  EXPECT_EQ(two.reply, ":2\r\n");
  EXPECT_EQ(connection_->outstanding(), 0u);
  EXPECT_EQ(connection_->unsent(), 0u);
}

TEST_F(ConnectionTest, ARefusedPasswordIsTheReplyToEveryCommandThatWaits) {
  node_.password = "secret";
  Connect({identities_.Intern("alice", "wrong"), 0, 2});
  NotedCall& one = Send("GET a");
  NotedCall& two = Send("GET b");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  const std::string words = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  EXPECT_EQ(one.reply, words);
  EXPECT_EQ(two.reply, words);
  EXPECT_TRUE(one.done && two.done);
  EXPECT_EQ(sink_.order, (Texts{"GET a", "GET b"}));
  EXPECT_EQ(owner_.ending, Ending::kRefused);
  EXPECT_EQ(owner_.why, words.substr(1, words.size() - 3));
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(node_.CountOf("GET"), 0u);
}

TEST_F(ConnectionTest, ARefusedHelloIsTheReplyToo) {
  node_.Answer("HELLO", "-NOPROTO unsupported protocol version\r\n");
  Connect({nullptr, 0, 3});
  NotedCall& call = Send("GET a");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(call.reply, "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(owner_.ending, Ending::kRefused);
}

TEST_F(ConnectionTest, ARefusedDatabaseNeverGoesOn) {
  // Going on would run the commands in another database.
  node_.Answer("SELECT", "-ERR DB index is out of range\r\n");
  Connect({nullptr, 99, 2});
  NotedCall& call = Send("FLUSHALL");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(call.reply, "-ERR DB index is out of range\r\n");
  EXPECT_EQ(owner_.ending, Ending::kRefused);
  EXPECT_EQ(owner_.ready, 0);
  Turns();
  EXPECT_TRUE(node_.executed().empty());
}

TEST_F(ConnectionTest, ACallThatNobodyWaitsForIsDisposedOfWhenTheHandshakeIsRefused) {
  static int disposed;
  disposed = 0;
  node_.Answer("SELECT", "-ERR DB index is out of range\r\n");
  Connect({nullptr, 99, 2});
  NotedCall& call = Send("GET a");
  call.sink = nullptr;
  call.dispose = [](Call*) { ++disposed; };
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(disposed, 1);
}

TEST_F(ConnectionTest, WhoMayNotSetANameGoesWithoutOne) {
  node_.Answer("CLIENT SETNAME", "-NOPERM this user has no permissions\r\n");
  ConnectAndBecomeReady();
  EXPECT_FALSE(connection_->told_noauth());
  NotedCall& call = Send("GET a");
  ASSERT_TRUE(Until([&] { return call.done; }));
  EXPECT_EQ(call.reply, support::Bulk("value of a"));
}

TEST_F(ConnectionTest, ANodeThatWantsAPasswordIsFoundOutAndStillAnswersCommands) {
  node_.password = "secret";
  ConnectAndBecomeReady();
  EXPECT_TRUE(connection_->told_noauth());
  EXPECT_EQ(owner_.run_id, "") << "INFO was refused";
  NotedCall& call = Send("GET a");
  ASSERT_TRUE(Until([&] { return call.done; }));
  EXPECT_EQ(call.reply, "-NOAUTH Authentication required.\r\n");
}

TEST_F(ConnectionTest, ARunIdThatCannotBeReadIsNone) {
  for (const char* reply :
       {"-NOPERM no\r\n", "$0\r\n\r\n", "$-1\r\n", "$22\r\n# Server\r\nxrun_id:123\r\n\r\n"}) {
    node_.AnswerOnce("INFO", reply);
    owner_ = NotingOwner();
    ConnectAndBecomeReady();
    EXPECT_EQ(owner_.run_id, "") << reply;
  }
}

TEST_F(ConnectionTest, AHandshakeInSingleBytesIsTheSame) {
  node_.SendInPiecesOf(1);
  ConnectAndBecomeReady({nullptr, 1, 3});
  EXPECT_EQ(owner_.run_id, node_.run_id);
}

TEST_F(ConnectionTest, ANodeThatCannotBeReachedIsNotConnected) {
  node_.StopListening();
  Connect();
  NotedCall& call = Send("INCR a");
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(owner_.ending, Ending::kNotConnected);
  EXPECT_EQ(owner_.why, "Connection refused");
  EXPECT_TRUE(call.lost);
  EXPECT_FALSE(call.sent);
}

TEST_F(ConnectionTest, ANodeThatBreaksOffTheHandshakeIsNotConnected) {
  // As Redis does with a client too many.
  node_.Answer("CLIENT SETNAME", "-ERR max number of clients reached\r\n");
  node_.Answer("INFO", "");
  Connect();
  NotedCall& call = Send("INCR a");
  ASSERT_TRUE(Until([&] { return node_.CommandsOn(0).size() == 2; }));
  Turns();
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(owner_.ending, Ending::kNotConnected);
  EXPECT_TRUE(call.lost);
  EXPECT_FALSE(call.sent) << "nothing of it has left";
  EXPECT_EQ(node_.CountOf("INCR"), 0u);
}

}  // namespace
}  // namespace backend
