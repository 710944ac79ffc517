// Who is master and who its replicas are, and how shacast follows changes.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/ports.h"
#include "tests/support/script_load.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

ProxyConfig PreferReplica() {
  ProxyConfig config;
  config.Set("routing", "reads", TomlString("prefer-replica"));
  return config;
}

std::vector<std::string> Addresses(const ProxyProcess& proxy) {
  std::vector<std::string> addresses;
  for (const Value& node : proxy.Nodes()) addresses.push_back(node.at("address").text);
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

void Reattach(RedisProcess& node, const RedisProcess& master) {
  ASSERT_EQ(node("REPLICAOF", "127.0.0.1", std::to_string(master.port())), "+OK");
}

TEST(Topology, TheWholeSetIsFoundFromAReplicasAddress) {
  ReplicaSet nodes(2);
  const ProxyProcess proxy({nodes.replica(1).address()}, PreferReplica());
  proxy.WaitReady(2);
  EXPECT_EQ(proxy.StateOf(nodes.master()), "serves");
  EXPECT_EQ(proxy.Connect()("SET", "k", "v"), "+OK");
  EXPECT_EQ(nodes.master()("GET", "k"), "v");
  EXPECT_EQ(proxy.Nodes().size(), 3u);
}

TEST(Topology, TheSetIsFoundWhereOtherConfiguredNodesAreDown) {
  ReplicaSet nodes(1);
  const DeadPort dead;
  const ProxyProcess proxy({"127.0.0.1:" + std::to_string(dead.port()), nodes.replica(0).address()},
                           PreferReplica());
  proxy.WaitReady(1);
  EXPECT_EQ(proxy.Connect()("SET", "k", "v"), "+OK");
}

TEST(Topology, OneNodeUnderTwoAddressesIsOneNode) {
  ReplicaSet nodes(1);
  const ProxyProcess proxy(
      {"localhost:" + std::to_string(nodes.master().port()), nodes.master().address()},
      PreferReplica());
  proxy.WaitReady(1);
  EXPECT_EQ(proxy.Nodes().size(), 2u);
  EXPECT_EQ(proxy.LogLines("topology.two_masters"), std::vector<std::string>());
}

TEST(Topology, AChangeOfMasterByHandIsNoticedWithinTwoPolls) {
  StageOptions options;
  constexpr milliseconds kPoll(500);
  options.config.Set("upstream", "poll_interval", TomlString("500ms"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "before"), "+OK");
  stage.nodes.WaitSynced();
  RedisProcess& next = stage.replica(0);
  ASSERT_EQ(next("REPLICAOF", "NO", "ONE"), "+OK");
  Reattach(stage.master(), next);
  Reattach(stage.replica(1), next);
  const auto changed = std::chrono::steady_clock::now();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(next) == "serves"; }));
  const auto took = std::chrono::steady_clock::now() - changed;
  EXPECT_LT(took, (2 * kPoll + milliseconds(300)) * PatienceFactor());
  EXPECT_EQ(client("SET", "k", "after"), "+OK");
  EXPECT_EQ(next("GET", "k"), "after");
  // The old one is read from, once it follows.
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Ready(2); }));
  EXPECT_EQ(stage.proxy.StateOf(stage.master()), "readable");
  EXPECT_TRUE(stage.proxy.WaitLog("topology.changed", "the master is " + next.address()));
  EXPECT_EQ(stage.proxy.LogLines("topology.changed", "the master is " + next.address()).size(), 1u);
}

TEST(Topology, AWriteThatADemotedMasterRefusesMakesShacastLookAtOnce) {
  StageOptions options;
  options.reads = "master";
  options.config.Set("upstream", "poll_interval", TomlString("1m"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  RedisProcess& next = stage.replica(0);
  ASSERT_EQ(next("REPLICAOF", "NO", "ONE"), "+OK");
  Reattach(stage.master(), next);
  Reattach(stage.replica(1), next);
  // No poll is due for a minute.
  std::string answer;
  ASSERT_TRUE(WaitUntil([&] { return (answer = client("SET", "k", "w")) == "+OK"; })) << answer;
  EXPECT_EQ(next("GET", "k"), "w");
}

TEST(Topology, ScriptsFollowTheMasterThroughAChange) {
  Stage stage(StageOptions{});
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  // Known to the master alone.
  ASSERT_EQ(client("EVAL", WriteScript(1), "1", "n"), ":1");
  stage.nodes.WaitSynced();
  ASSERT_EQ(stage.replica(0)("REPLICAOF", "NO", "ONE"), "+OK");
  Reattach(stage.master(), stage.replica(0));
  Reattach(stage.replica(1), stage.replica(0));
  std::string answer;
  ASSERT_TRUE(WaitUntil([&] {
    answer = client("EVALSHA", sha, "1", "n");
    return answer.find("READONLY") == std::string::npos;
  }));
  EXPECT_EQ(answer, ":2");
  EXPECT_EQ(stage.replica(0)("GET", "n"), "2");
}

TEST(Topology, CommandsWaitForAMasterThatComesBackInTime) {
  StageOptions options;
  options.replicas = 0;
  options.config.Set("routing", "failover_hold", TomlString("1m"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.master().Kill();
  ASSERT_TRUE(stage.proxy.WaitLog("node.down"));
  client.Send({"SET", "k", "held"});
  EXPECT_FALSE(client.ReceiveWithin(milliseconds(300)));
  stage.master().Start();
  EXPECT_EQ(client.Receive().Show(), "+OK");
  EXPECT_EQ(stage.master()("GET", "k"), "held");
}

TEST(Topology, CommandsAreRefusedWhenNoMasterComesWithinTheHold) {
  StageOptions options;
  options.replicas = 1;
  options.config.Set("routing", "failover_hold", TomlString("300ms"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.nodes.WaitSynced();
  stage.master().Kill();
  ASSERT_TRUE(stage.proxy.WaitLog("node.down"));
  const std::string answer = client("SET", "k", "w");
  EXPECT_TRUE(answer.starts_with("-UPSTREAMDOWN no master")) << answer;
  EXPECT_NE(answer.find(stage.master().address()), std::string::npos) << answer;
  // The connection stays.
  stage.master().Start();
  ASSERT_TRUE(WaitUntil([&] { return client("SET", "k", "x") == "+OK"; }));
}

TEST(Topology, AClientThatMadeTheOnlyNodeAReplicaCanMakeItTheMasterAgain) {
  const DeadPort dead;
  StageOptions options;
  options.replicas = 0;
  options.config.Set("routing", "failover_hold", TomlString("300ms"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("REPLICAOF", "127.0.0.1", std::to_string(dead.port())), "+OK");
  ASSERT_TRUE(stage.proxy.WaitLog("topology.changed", "there is no master"));
  const std::string answer = client("SET", "k", "v");
  EXPECT_TRUE(answer.starts_with("-UPSTREAMDOWN no master")) << answer;
  EXPECT_EQ(client("REPLICAOF", "NO", "ONE"), "+OK");
  ASSERT_TRUE(WaitUntil([&] { return client("SET", "k", "v") == "+OK"; }));
}

TEST(Topology, ACommandThatWasOnItsWayIsSaidToHavePerhapsBeenExecuted) {
  StageOptions options;
  options.replicas = 0;
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.master().Pause();
  client.Send({"INCR", "n"});
  client.Send({"GET", "k"});
  RespClient looks = stage.Connect();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Counter("commands") >= 3; }));
  stage.master().Kill();
  const std::string address = stage.master().address();
  EXPECT_EQ(client.Receive().Show(),
            "-UPSTREAMLOST connection to " + address + " lost; the command may have been executed");
  stage.master().Start();
  // A read may be asked again.
  EXPECT_EQ(client.Receive().Show(), "(nil)");
  EXPECT_EQ(client("INCR", "n"), ":1");
}

TEST(Topology, AReplicaThatIsGoneIsNotReadAndReadAgainWhenItIsBack) {
  Stage stage(StageOptions{});
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  stage.nodes.WaitSynced();
  stage.replica(0).Kill();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client("GET", "k"), "v");
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(stage.replica(0)) != "readable"; }));
  stage.replica(0).Start();
  stage.proxy.WaitReady(2);
  CommandCounts counts(stage.replica(0));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client("GET", "k"), "v");
  EXPECT_GT(counts("get"), 0);
}

TEST(Topology, AReplicaThatLeavesForGoodIsForgotten) {
  Stage stage(StageOptions{});
  const std::string address = stage.replica(1).address();
  stage.replica(1).Kill();
  ASSERT_TRUE(stage.proxy.WaitLog("node.forgotten", address));
  EXPECT_EQ(stage.proxy.Nodes().size(), 2u);
  stage.replica(1).Start();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Ready(2); }));
}

TEST(Topology, StaticDiscoveryKeepsToTheConfiguredNodes) {
  ReplicaSet nodes(2);
  ProxyConfig config = PreferReplica();
  config.Set("upstream", "discovery", TomlString("static"));
  const ProxyProcess proxy({nodes.master().address(), nodes.replica(0).address()}, config);
  proxy.WaitReady(1);
  std::vector<std::string> expected = {nodes.master().address(), nodes.replica(0).address()};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Addresses(proxy), expected);
  RespClient client = proxy.Connect();
  CommandCounts other(nodes.replica(1));
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  nodes.WaitSynced();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client("GET", "k"), "v");
  EXPECT_EQ(other("get"), 0);
}

TEST(Topology, StaticDiscoveryDoesNotFollowAnotherMasterAndDoesNotWriteToAReplica) {
  ReplicaSet nodes(1);
  ProxyConfig config = PreferReplica();
  config.Set("upstream", "discovery", TomlString("static"))
      .Set("routing", "failover_hold", TomlString("200ms"));
  const ProxyProcess proxy({nodes.master().address(), nodes.replica(0).address()}, config);
  proxy.WaitReady(1);
  RespClient client = proxy.Connect();
  ASSERT_EQ(nodes.replica(0)("REPLICAOF", "NO", "ONE"), "+OK");
  Reattach(nodes.master(), nodes.replica(0));
  ASSERT_TRUE(WaitUntil([&] { return client.Ask({"SET", "k", "v"}).code() == "UPSTREAMDOWN"; }));
  const std::string answer = client("SET", "k", "v");
  EXPECT_NE(answer.find("is configured as the master"), std::string::npos) << answer;
}

TEST(Topology, TwoMastersAreSaidAloudAndTheOneWithMoreIsTaken) {
  ReplicaSet one(0);
  ReplicaSet other(1);
  for (int i = 0; i < 50; ++i) other.master()("SET", "k" + std::to_string(i), "v");
  const ProxyProcess proxy({one.master().address(), other.master().address()}, PreferReplica());
  ASSERT_TRUE(proxy.WaitLog("topology.two_masters"));
  ASSERT_TRUE(WaitUntil([&] { return proxy.StateOf(other.master()) == "serves"; }));
  EXPECT_NE(proxy.StateOf(one.master()), "serves");
  EXPECT_TRUE(proxy.WaitLog("topology.two_masters"));
  EXPECT_EQ(proxy.LogLines("topology.two_masters").size(), 1u);
}

TEST(Topology, SubReplicasAreFoundAndRead) {
  ReplicaSet nodes(1);
  RedisProcess::Options options;
  options.args = {"--replicaof", "127.0.0.1", std::to_string(nodes.replica(0).port())};
  RedisProcess below(options);
  ASSERT_TRUE(WaitUntil([&] { return below.LinkUp(); }));
  const ProxyProcess proxy({nodes.master().address()}, PreferReplica());
  ASSERT_TRUE(WaitUntil([&] { return proxy.Ready(2); }));
  EXPECT_EQ(proxy.StateOf(below), "readable");
}

TEST(Topology, ReadScriptsRunThroughFailoversByHand) {
  StageOptions options;
  options.read_scripts = ReadScripts(20);
  Stage stage(options);
  RespClient client = stage.Connect();
  for (int i = 0; i < 20; ++i) client("SCRIPT", "LOAD", ReadScript(i));
  ScriptLoad::Options load_options;
  load_options.endpoint = stage.proxy.endpoint();
  load_options.deepest_pipeline = 10;
  ScriptLoad load(load_options);
  auto nodes = stage.nodes.nodes();
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(load.WaitCalls(200));
    RedisProcess& next = *nodes[(round + 1) % nodes.size()];
    next("REPLICAOF", "NO", "ONE");
    for (RedisProcess* node : nodes)
      if (node != &next) Reattach(*node, next);
    ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(next) == "serves"; }));
    ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Ready(2); }));
  }
  ASSERT_TRUE(load.WaitCalls(200));
  EXPECT_EQ(load.Stop(), "");
}

}  // namespace
