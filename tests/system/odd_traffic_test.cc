// What no client library sends, and what operators send by hand.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;

StageOptions OneNode() {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  // From 7.0 on DEBUG is refused unless it is allowed.
  if (Server().major >= 7) options.server.args = {"--enable-debug-command", "yes"};
  return options;
}

class OddTraffic : public ::testing::Test {
 protected:
  // Everything until the other side closes.
  static std::string Dialogue(const Endpoint& endpoint, const std::string& bytes, bool half_close) {
    RespClient client(endpoint);
    client.SendRaw(bytes);
    if (half_close) client.ShutdownWrite();
    return client.ReadToEnd();
  }
  std::string Both(const std::string& bytes, bool half_close = true) {
    const std::string ours = Dialogue(stage_.proxy.endpoint(), bytes, half_close);
    EXPECT_EQ(ours, Dialogue(oracle_.endpoint(), bytes, half_close)) << bytes;
    return ours;
  }

  Stage stage_{OneNode()};
  RedisProcess oracle_{OneNode().server};
  Twin both_{stage_, oracle_};
};

TEST_F(OddTraffic, ABrowserIsAnsweredAndClosedAsByTheServer) {
  both_("SET", "/", "root");
  Both("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n", false);
  Both("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nFLUSHALL\r\n", false);
  Both("GET /\r\nhost: x\r\nFLUSHALL\r\n", false);
  Both("PUT / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(both_("GET", "/"), "root");
}

TEST_F(OddTraffic, OtherProtocolsAtThisPortAreWhatTheyAreToTheServer) {
  const std::string tls_hello("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 random \n bytes\r\n",
                              28);
  Both(tls_hello);
  Both("SSH-2.0-OpenSSH_9.2p1\r\n");
  Both("EHLO example.com\r\nQUIT\r\n", false);
  Both(std::string("\x00\x00\x00\x2f\x00\x03\n", 7));
  Both("OPTIONS rtsp://x RTSP/1.0\r\n\r\n");
  EXPECT_EQ(both_("PING"), "+PONG");
}

TEST_F(OddTraffic, AManAtTelnetHasAConversation) {
  RespClient& telnet = both_.ours;
  RespClient& direct = both_.direct;
  const auto say = [&](const std::string& line) {
    for (RespClient* client : {&telnet, &direct}) client->SendRaw(line);
    return both_.Receive(line).Show();
  };
  EXPECT_EQ(say("PING\r\n"), "+PONG");
  EXPECT_EQ(say("\r\n\r\n  \r\nset name \"two words\"\r\n"), "+OK");
  EXPECT_EQ(say("\n\nget name\n"), "two words");
  EXPECT_EQ(say("echo 'it''s'\r\n").substr(0, 1), "-");
}

TEST_F(OddTraffic, HalfClosedBehindAnInlineCommandEverythingIsAnswered) {
  EXPECT_EQ(Both("PING\r\nSET k v\r\nGET k\r\nINCR n\r\n"), "+PONG\r\n+OK\r\n$1\r\nv\r\n:1\r\n");
  EXPECT_EQ(Both("PING\r\nSET k unfinished"), "+PONG\r\n");
  EXPECT_EQ(Both(""), "");
  EXPECT_EQ(Both("\r\n\r\n"), "");
  EXPECT_EQ(Both("QUIT\r\nPING\r\n"), "+OK\r\n");
}

TEST_F(OddTraffic, AHundredThousandCommandsInOneWriteAreAnsweredInOrder) {
  both_.ours("PING");
  stage_.proxy.ResetPeak();
  const int64_t before = stage_.proxy.PeakKilobytes();
  constexpr int kCommands = 100'000;
  std::string bytes;
  for (int i = 0; i < kCommands; ++i) bytes += i % 2 == 0 ? "INCR n\r\n" : Encode({"INCR", "n"});
  std::thread sends([&] { both_.ours.SendRaw(bytes); });
  int wrong = 0;
  for (int i = 1; i <= kCommands; ++i)
    wrong += both_.ours.Receive().Show() == ":" + std::to_string(i) ? 0 : 1;
  sends.join();
  EXPECT_EQ(wrong, 0);
  if (!stage_.proxy.sanitized()) {
    EXPECT_LT(stage_.proxy.PeakKilobytes() - before, 20'000);
  }
}

TEST_F(OddTraffic, AMillionArgumentsPassThroughInBoundedMemory) {
  both_.ours("PING");
  stage_.proxy.ResetPeak();
  const int64_t before = stage_.proxy.PeakKilobytes();
  Args push = {"RPUSH", "l"};
  for (int i = 0; i < 999'998; ++i) push.push_back("element " + std::to_string(i));
  both_.ours.Send(push);
  EXPECT_EQ(both_.ours.Receive().Show(), ":999998");
  EXPECT_EQ(both_.ours("LINDEX", "l", "-1"), "element 999997");
  if (!stage_.proxy.sanitized()) {
    EXPECT_LT(stage_.proxy.PeakKilobytes() - before, 30'000);
  }
  // Keys of a script that is not there, and of a command that nobody has.
  Args missing = {"EVALSHA", std::string(40, 'a'), "50000"};
  missing.insert(missing.end(), push.begin() + 2, push.begin() + 50'002);
  EXPECT_EQ(both_.Ask(missing).code(), "NOSCRIPT");
  missing[0] = "NONSENSE";
  both_.Ask(missing);
}

TEST_F(OddTraffic, DebugIsTheServers) {
  both_("SET", "k", "v");
  for (const Args& command :
       {Args{"DEBUG"}, Args{"DEBUG", "JMAP"}, Args{"DEBUG", "NONSENSE"},
        Args{"DEBUG", "SET-ACTIVE-EXPIRE", "1"}, Args{"DEBUG", "STRINGMATCH-LEN", "9", "*"},
        Args{"DEBUG", "DIGEST"}, Args{"DEBUG", "DIGEST-VALUE", "k"}, Args{"DEBUG", "SDSLEN", "k"},
        Args{"DEBUG", "PROTOCOL", "string"}, Args{"DEBUG", "PROTOCOL", "null"},
        Args{"DEBUG", "ERROR", "MINE words"}, Args{"DEBUG", "POPULATE", "100"},
        Args{"DEBUG", "RELOAD"}, Args{"DBSIZE"}, Args{"DEBUG", "RELOAD", "NOSAVE"}})
    both_.Ask(command);
  EXPECT_EQ(both_("GET", "k"), "v");
  EXPECT_EQ(stage_.proxy.Counter("generations_raised"), 0) << "no connection was lost";
}

TEST_F(OddTraffic, WhileTheServerSleepsEverybodyWaitsAndNobodyIsLost) {
  RespClient sleeper = stage_.Connect();
  std::vector<RespClient> others;
  sleeper.Send({"DEBUG", "SLEEP", "0.6"});
  for (int i = 0; i < 10; ++i) {
    others.push_back(stage_.Connect());
    others.back().Send(i % 2 == 0 ? Args{"INCR", "n"} : Args{"BLPOP", "none", "0.01"});
  }
  EXPECT_EQ(sleeper.Receive().Show(), "+OK");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(others[i].Receive().Show(), i % 2 == 0 ? ":" + std::to_string(i / 2 + 1) : "(nil)");
  EXPECT_TRUE(stage_.proxy.LogLines("node.down").empty());
}

TEST_F(OddTraffic, WhatAStandaloneServerSaysOfClustersAndSentinelsIsSaid) {
  for (const Args& command : {Args{"CLUSTER", "INFO"},
                              Args{"CLUSTER", "SLOTS"},
                              Args{"CLUSTER", "NODES"},
                              Args{"CLUSTER", "KEYSLOT", "k"},
                              Args{"CLUSTER"},
                              Args{"SENTINEL", "MASTERS"},
                              Args{"SENTINEL"},
                              Args{"ASKING"},
                              Args{"READONLY"},
                              Args{"READWRITE"},
                              Args{"SET", "k", "v"},
                              Args{"GET", "k"},
                              Args{"SELECT", "2"},
                              Args{"EXISTS", "k"},
                              Args{"JSON.SET", "k", "$", "1"},
                              Args{"FT.SEARCH", "i", "*"},
                              Args{"BF.ADD", "b", "x"},
                              Args{"MODULE", "LIST"},
                              Args{"LOLWUT", "VERSION", "1"},
                              Args{"COMMAND", "COUNT"},
                              Args{"COMMAND", "GETKEYS", "SET", "k", "v"},
                              Args{"SLOWLOG", "LEN"},
                              Args{"LATENCY", "HISTORY", "none"},
                              Args{"MEMORY", "USAGE", "none"},
                              Args{"CONFIG", "GET", "maxmemory-policy"},
                              Args{"ACL", "WHOAMI"},
                              Args{"SUBSTR", "k", "0", "1"},
                              Args{"MIGRATE", "127.0.0.1", "1", "", "0", "10", "KEYS"},
                              Args{""},
                              Args{"", ""},
                              Args{std::string(300, 'x'), std::string(300, 'y')}})
    both_.Ask(command);
}

TEST_F(OddTraffic, AReplicaThatIsPointedAtShacastSyncsAndCountsAsAttached) {
  const size_t seen = stage_.AttachesSeen();
  both_.ours("SET", "before", "1");
  RedisProcess replica;
  ASSERT_EQ(replica("REPLICAOF", "127.0.0.1", std::to_string(stage_.proxy.endpoint().port)), "+OK");
  ASSERT_TRUE(WaitUntil([&] { return replica.LinkUp(); }));
  EXPECT_EQ(replica("GET", "before"), "1");
  EXPECT_TRUE(WaitUntil([&] { return stage_.AttachesSeen() > seen; }));
  for (int i = 0; i < 50; ++i) both_.ours("INCR", "n");
  EXPECT_TRUE(WaitUntil([&] { return replica("GET", "n") == "50"; }));
  // It acknowledges what it has, too.
  EXPECT_EQ(both_.ours("WAIT", "1", "10000"), ":1");
  // Its link breaks, and it comes back for the rest.
  const size_t before_loss = stage_.AttachesSeen();
  stage_.master()("CLIENT", "KILL", "TYPE", "replica");
  both_.ours("SET", "after", "1");
  EXPECT_TRUE(WaitUntil([&] { return replica.LinkUp() && replica("GET", "after") == "1"; }));
  EXPECT_TRUE(WaitUntil([&] { return stage_.AttachesSeen() > before_loss; }));
  EXPECT_EQ(replica("REPLICAOF", "NO", "ONE"), "+OK");
  EXPECT_EQ(both_.ours("INCR", "n"), ":51");
}

TEST(OddTrafficOfOperators, AChangeOfRolesThatWasSaidThroughShacastIsNoticed) {
  StageOptions options;
  options.replicas = 1;
  options.reads = "master";
  options.config.Set("upstream", "poll_interval", TomlString("60s"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.nodes.WaitSynced();
  RedisProcess& other = stage.replica(0);
  if (Server().major >= 7) {
    EXPECT_EQ(client("FAILOVER"), "+OK");
  } else {
    EXPECT_EQ(other("REPLICAOF", "NO", "ONE"), "+OK");
    EXPECT_EQ(client("REPLICAOF", "127.0.0.1", std::to_string(other.port())), "+OK");
  }
  EXPECT_TRUE(WaitUntil(
      [&] { return client("SET", "k", "after") == "+OK" && other("GET", "k") == "after"; }));
}

}  // namespace
