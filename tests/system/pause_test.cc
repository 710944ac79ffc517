// CLIENT PAUSE through shacast, and behind its back: who waits, and who must not.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

bool HasPauseOfWrites() {
  RedisProcess server;
  return server("CLIENT", "PAUSE", "1", "WRITE") == "+OK";
}

// What a pause of writes holds back on this server, and what it does not.
const std::vector<Args> kHeldBack = {{"SET", "k", "w"},
                                     {"INCR", "n"},
                                     {"PUBLISH", "c", "m"},
                                     {"EVAL", "return redis.call('GET', 'k')", "0"},
                                     {"FLUSHALL"}};
const std::vector<Args> kNotHeldBack = {{"GET", "k"}, {"PING"},     {"INFO", "server"},
                                        {"NONSENSE"}, {"SET", "k"}, {"CLIENT", "ID"}};

TEST(ClientPause, OfWritesHoldsBackWritesOfAllClientsAndNothingElse) {
  if (!HasPauseOfWrites()) GTEST_SKIP() << Server().version << " has no CLIENT PAUSE WRITE";
  Stage stage(OneNode());
  RespClient admin = stage.Connect();
  ASSERT_EQ(admin("SET", "k", "v"), "+OK");
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(admin("CLIENT", "PAUSE", "600000", "WRITE"), "+OK");
    std::vector<RespClient> writers;
    for (int i = 0; i < 10; ++i) {
      writers.push_back(stage.Connect());
      writers.back().Send(kHeldBack[static_cast<size_t>(i) % (kHeldBack.size() - 1)]);
    }
    for (int i = 0; i < 10; ++i) {
      RespClient other = stage.Connect();
      for (const Args& command : kNotHeldBack) other.Ask(command);
      EXPECT_EQ(other("GET", "k"), round == 0 ? "v" : "w");
    }
    EXPECT_EQ(admin("GET", "k"), round == 0 ? "v" : "w");
    for (RespClient& writer : writers) EXPECT_FALSE(writer.ReceiveWithin(milliseconds(1)));
    EXPECT_EQ(admin("CLIENT", "UNPAUSE"), "+OK");
    for (RespClient& writer : writers) EXPECT_FALSE(writer.Receive().is_error());
    EXPECT_EQ(admin("SET", "k", "w"), "+OK");
  }
  EXPECT_EQ(admin("GET", "n"), "9");
}

TEST(ClientPause, OfWritesIsSeenAlsoWhereItWasSaidToTheServerItself) {
  if (!HasPauseOfWrites()) GTEST_SKIP() << Server().version << " has no CLIENT PAUSE WRITE";
  Stage stage(OneNode());
  RespClient admin = stage.Connect();
  ASSERT_EQ(admin("SET", "k", "v"), "+OK");
  ASSERT_EQ(stage.master()("CLIENT", "PAUSE", "600000", "WRITE"), "+OK");
  std::vector<RespClient> writers;
  for (int i = 0; i < 10; ++i) {
    writers.push_back(stage.Connect());
    writers.back().Send(kHeldBack[static_cast<size_t>(i) % (kHeldBack.size() - 1)]);
  }
  // Each worker learns it by itself; what was sent behind a write until then waits with it.
  int answered = 0;
  std::vector<RespClient> readers;
  ASSERT_TRUE(WaitUntil([&] {
    readers.push_back(stage.Connect());
    readers.back().Send({"GET", "k"});
    answered = readers.back().ReceiveWithin(milliseconds(50)) ? answered + 1 : 0;
    return answered == 20;
  }));
  EXPECT_EQ(stage.Connect()("CLIENT", "UNPAUSE"), "+OK");
  for (RespClient& writer : writers) EXPECT_FALSE(writer.Receive().is_error());
  EXPECT_EQ(admin("SET", "k", "w"), "+OK");
}

TEST(ClientPause, OfWritesKeepsTheOrderOfEachClient) {
  if (!HasPauseOfWrites()) GTEST_SKIP() << Server().version << " has no CLIENT PAUSE WRITE";
  Stage stage(OneNode());
  RespClient admin = stage.Connect();
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "1"), "+OK");
  const std::string script = "return redis.call('APPEND', KEYS[1], ARGV[1])";
  const std::string sha = client("SCRIPT", "LOAD", script);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(admin("CLIENT", "PAUSE", "600000", "WRITE"), "+OK");
    client.SendRaw(Encode({"GET", "k"}) + Encode({"SET", "k", "2"}) + Encode({"GET", "k"}) +
                   Encode({"EVALSHA", sha, "1", "k", "3"}) + Encode({"GET", "k"}) +
                   Encode({"MULTI"}) + Encode({"GET", "k"}) + Encode({"SET", "k", "1"}) +
                   Encode({"EXEC"}) + Encode({"GET", "k"}));
    EXPECT_EQ(client.Receive().Show(), "1");
    EXPECT_FALSE(client.ReceiveWithin(milliseconds(20)));
    EXPECT_EQ(admin("CLIENT", "UNPAUSE"), "+OK");
    EXPECT_EQ(client.Receive().Show(), "+OK");
    EXPECT_EQ(client.Receive().Show(), "2");
    EXPECT_EQ(client.Receive().Show(), ":2");
    EXPECT_EQ(client.Receive().Show(), "23");
    EXPECT_EQ(client.Receive().Show(), "+OK");
    EXPECT_EQ(client.Receive().Show(), "+QUEUED");
    EXPECT_EQ(client.Receive().Show(), "+QUEUED");
    EXPECT_EQ(client.Receive().Show(), "[23, +OK]");
    EXPECT_EQ(client.Receive().Show(), "1");
  }
}

TEST(ClientPause, OfWritesEndsByItselfAndLeavesNoWriterBehind) {
  if (!HasPauseOfWrites()) GTEST_SKIP() << Server().version << " has no CLIENT PAUSE WRITE";
  Stage stage(OneNode());
  RespClient admin = stage.Connect();
  RespClient leaves = stage.Connect();
  ASSERT_EQ(admin("CLIENT", "PAUSE", "300", "WRITE"), "+OK");
  leaves.Send({"INCR", "left"});
  const auto answers = admin.Pipeline({{"INCR", "n"}, {"GET", "n"}, {"INCR", "n"}});
  EXPECT_EQ(answers[2].Show(), ":2");
  leaves.Close();
  // Connections for what was held back are used no more.
  ASSERT_EQ(admin("CLIENT", "PAUSE", "600000", "WRITE"), "+OK");
  EXPECT_EQ(admin("CLIENT", "UNPAUSE"), "+OK");
  EXPECT_EQ(admin("INCR", "n"), ":3");
}

TEST(ClientPause, OfEverythingEndsForAllAtOnceAndTheNodeIsNotTakenForLost) {
  Stage stage(OneNode());
  RespClient admin = stage.Connect();
  std::vector<RespClient> clients;
  ASSERT_EQ(admin("CLIENT", "PAUSE", "600"), "+OK");
  for (int i = 0; i < 6; ++i) {
    clients.push_back(stage.Connect());
    clients.back().Send({"INCR", "n"});
  }
  for (RespClient& client : clients) EXPECT_FALSE(client.ReceiveWithin(milliseconds(1)));
  for (RespClient& client : clients) EXPECT_FALSE(client.Receive().is_error());
  EXPECT_EQ(admin("GET", "n"), "6");
  EXPECT_TRUE(stage.proxy.LogLines("node.down").empty());
}

TEST(ClientPause, SaysWhatTheServerSaysOfItsArguments) {
  Stage stage(OneNode());
  RedisProcess oracle;
  RespClient client = stage.Connect();
  RespClient direct = oracle.Connect();
  const std::vector<Args> commands = {{"CLIENT", "PAUSE"},
                                      {"CLIENT", "PAUSE", "x"},
                                      {"CLIENT", "PAUSE", "-1", "WRITE"},
                                      {"CLIENT", "PAUSE", "1", "SOME"},
                                      {"CLIENT", "PAUSE", "1", "WRITE", "x"},
                                      {"CLIENT", "UNPAUSE", "x"},
                                      {"CLIENT", "PAUSE", "99999999999999999999", "WRITE"},
                                      {"CLIENT", "UNPAUSE"},
                                      {"PING"}};
  for (const Args& command : commands) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << command.back();
  }
}

}  // namespace
