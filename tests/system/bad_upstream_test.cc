// Nodes that are not there, not ready, or no Redis: shacast stays up, says so once, answers its
// clients, and recovers by itself.
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/ports.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

ProxyConfig ShortHold() {
  ProxyConfig config;
  config.Set("routing", "failover_hold", TomlString("200ms"))
      .Set("routing", "reads", TomlString("prefer-replica"));
  return config;
}

void ExpectUpstreamDown(const ProxyProcess& proxy, const std::string& why) {
  RespClient client = proxy.Connect();
  for (const RespClient::Args& command :
       {RespClient::Args{"SET", "k", "v"}, RespClient::Args{"GET", "k"},
        RespClient::Args{"EVAL", "return 1", "0"}, RespClient::Args{"MULTI"},
        RespClient::Args{"BLPOP", "l", "0"}, RespClient::Args{"SUBSCRIBE", "c"},
        RespClient::Args{"CLIENT", "SETNAME", "x"}}) {
    const Value answer = client.Ask(command);
    EXPECT_EQ(answer.code(), "UPSTREAMDOWN") << command[0] << ": " << answer;
    EXPECT_NE(answer.text.find(why), std::string::npos) << answer;
  }
  // Its own commands need no node.
  EXPECT_EQ(client.Ask({"PROXY", "NODES"}).type, '*');
}

// Waits until several polls must have passed.
void AFewPolls() {
  WaitUntil([] { return false; }, milliseconds(700));
}

TEST(BadUpstream, WithoutAnyNodeItAnswersAndFindsTheMasterWhenItComes) {
  const int port = FreePort();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const ProxyProcess proxy({address}, ShortHold());
  ExpectUpstreamDown(proxy, address);
  AFewPolls();
  EXPECT_TRUE(proxy.WaitLog("node.down"));
  EXPECT_EQ(proxy.LogLines("node.down").size(), 1u);
  EXPECT_TRUE(proxy.WaitLog("topology.changed", "there is no master"));
  EXPECT_EQ(proxy.LogLines("topology.changed", "there is no master").size(), 1u);
  RedisProcess::Options options;
  options.port = port;
  RedisProcess server(options);
  RespClient client = proxy.Connect();
  EXPECT_TRUE(WaitUntil([&] { return client("SET", "k", "v") == "+OK"; }));
  EXPECT_TRUE(proxy.WaitLog("node.up"));
  EXPECT_EQ(proxy.LogLines("node.up").size(), 1u);
}

TEST(BadUpstream, WithReplicasOnlyThereIsNoMaster) {
  ReplicaSet nodes(2);
  nodes.master().Kill();
  const ProxyProcess proxy({nodes.replica(0).address()}, ShortHold());
  ASSERT_TRUE(proxy.WaitLog("node.down", nodes.master().address()));
  ExpectUpstreamDown(proxy, nodes.master().address());
  nodes.master().Start();
  RespClient client = proxy.Connect();
  EXPECT_TRUE(WaitUntil([&] { return client("SET", "k", "v") == "+OK"; }));
}

// Accepts, and says the same to everybody.
class Impostor {
 public:
  explicit Impostor(std::string words) : words_(std::move(words)) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    port_ = FreePort();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    listen(fd_, 64);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Impostor() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int visits() const { return visits_; }

 private:
  void Serve() {
    for (;;) {
      const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      ++visits_;
      char buffer[4096];
      static_cast<void>(recv(client, buffer, sizeof buffer, 0));
      static_cast<void>(send(client, words_.data(), words_.size(), MSG_NOSIGNAL));
      close(client);
    }
  }

  const std::string words_;
  int fd_ = -1;
  int port_ = 0;
  std::atomic<int> visits_{0};
  std::thread thread_;
};

TEST(BadUpstream, ANodeThatIsNoRedisIsSaidSoOnceAndTriedAgain) {
  for (const std::string words :
       {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "-ERR unknown command 'INFO'\r\n",
        "+OK\r\n+OK\r\n+OK\r\n", "$5\r\nhello\r\n$5\r\nworld\r\n", ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n",
        "", "$99999999999999999999\r\n"}) {
    Impostor impostor(words);
    const ProxyProcess proxy({impostor.address()}, ShortHold());
    ExpectUpstreamDown(proxy, impostor.address());
    ASSERT_TRUE(WaitUntil([&] { return impostor.visits() > 4; })) << words;
    const auto said = proxy.LogLines("node.down");
    // Once for each thing that is wrong with it, not once for each try.
    EXPECT_GE(said.size(), 1u) << words;
    EXPECT_LE(said.size(), 2u) << words;
  }
}

TEST(BadUpstream, ARealSetBesideAnImpostorServes) {
  ReplicaSet nodes(1);
  Impostor impostor("HTTP/1.1 400 Bad Request\r\n\r\n");
  const ProxyProcess proxy({impostor.address(), nodes.master().address()}, ShortHold());
  proxy.WaitReady(1);
  EXPECT_EQ(proxy.Connect()("SET", "k", "v"), "+OK");
}

TEST(BadUpstream, AMasterThatHangsIsNotedAndItsReturnToo) {
  StageOptions options;
  options.replicas = 0;
  options.config = ShortHold();
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.master().Pause();
  RespClient waits = stage.Connect();
  waits.Send({"INCR", "n"});
  ASSERT_TRUE(stage.proxy.WaitLog("node.down", "no answer"));
  stage.master().Continue();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(stage.master()) == "serves"; }));
  // It was sent once, and was executed once, whatever its client was told.
  const std::string answer = waits.Receive().Show();
  EXPECT_TRUE(answer == ":1" || answer.starts_with("-UPSTREAMLOST")) << answer;
  EXPECT_EQ(stage.master()("GET", "n"), "1");
  EXPECT_EQ(stage.Connect()("INCR", "n"), ":2");
}

TEST(BadUpstream, AMasterThatIsLoadingIsWaitedFor) {
  StageOptions options;
  options.replicas = 0;
  options.config = ShortHold();
  Stage stage(options);
  RespClient client = stage.Connect();
  for (int i = 0; i < 20'000; i += 100) {
    RespClient::Args set = {"MSET"};
    for (int k = i; k < i + 100; ++k) {
      set.push_back("key" + std::to_string(k));
      set.push_back("v");
    }
    ASSERT_EQ(client.Ask(set).Show(), "+OK");
  }
  stage.master().ShutdownSave();
  // 20,000 keys at 100 us each, and a look at other clients after every KB.
  stage.master().Start(
      {"--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"}, false);
  if (!WaitUntil([&] { return !stage.master().Running() || stage.master().AnswersLoading(); }) ||
      !stage.master().Running()) {
    stage.master().Start({}, true);
    GTEST_SKIP() << Server().version << " cannot be made to load slowly";
  }
  std::string answer;
  ASSERT_TRUE(WaitUntil([&] {
    answer = client("SET", "k", "v");
    return answer.find("loading") != std::string::npos || answer == "+OK";
  }));
  EXPECT_TRUE(answer.starts_with("-UPSTREAMDOWN") || answer.starts_with("-LOADING")) << answer;
  EXPECT_TRUE(WaitUntil([&] { return client("SET", "k", "v") == "+OK"; }));
  EXPECT_EQ(client("GET", "key19999"), "v");
  EXPECT_LE(stage.proxy.LogLines("topology.changed", "loading").size(), 1u);
}

TEST(BadUpstream, AReplicaThatIsLoadingIsNotRead) {
  StageOptions options;
  options.replicas = 1;
  Stage stage(options);
  RespClient client = stage.Connect();
  std::vector<RespClient::Args> sets;
  for (int i = 0; i < 20'000; ++i) sets.push_back({"SET", "key" + std::to_string(i), "v"});
  client.Pipeline(sets);
  stage.nodes.WaitSynced();
  RedisProcess& replica = stage.replica(0);
  replica.ShutdownSave();
  replica.Start({"--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024",
                 "--replicaof", "127.0.0.1", std::to_string(stage.master().port())},
                false);
  if (!WaitUntil([&] { return !replica.Running() || replica.AnswersLoading(); }) ||
      !replica.Running()) {
    replica.Start({}, true);
    GTEST_SKIP() << Server().version << " cannot be made to load slowly";
  }
  int reads = 0;
  while (replica.AnswersLoading()) {
    ASSERT_EQ(client("GET", "key" + std::to_string(++reads)), "v");
  }
  EXPECT_GT(reads, 5);
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Ready(1); }));
}

TEST(BadUpstream, AStaleReplicaThatRefusesIsPassedOver) {
  StageOptions options;
  options.replicas = 2;
  options.server.args = {"--replica-serve-stale-data", "no"};
  options.config.Set("upstream", "poll_interval", TomlString("1m"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.nodes.WaitSynced();
  // It loses its master, and no poll tells of it.
  stage.replica(0)("REPLICAOF", "127.0.0.1", "1");
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client("GET", "k"), "v");
}

}  // namespace
