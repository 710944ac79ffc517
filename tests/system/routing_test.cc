// Which node a command goes to, counted on the nodes.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

struct Spread {
  int64_t master = 0;
  int64_t replicas = 0;
  bool every_replica = true;  // each got some
};

// Sends a command so often, and tells where it went.
Spread SpreadOf(Stage& stage, const Args& command, const std::string& counted_as, int times = 40) {
  CommandCounts master(stage.master());
  std::vector<CommandCounts> replicas;
  for (size_t i = 0; i < stage.nodes.replicas(); ++i) replicas.emplace_back(stage.replica(i));
  RespClient client = stage.Connect();
  for (int i = 0; i < times; ++i) {
    const Value answer = client.Ask(command);
    EXPECT_FALSE(answer.is_error()) << answer;
  }
  Spread spread;
  spread.master = master(counted_as);
  for (const auto& replica : replicas) {
    spread.replicas += replica(counted_as);
    spread.every_replica = spread.every_replica && replica(counted_as) > 0;
  }
  EXPECT_EQ(spread.master + spread.replicas, times) << command[0];
  return spread;
}

// A write sent so often, and executed as often, all by the master: a replica would refuse it. (On a
// replica the count tells nothing: there they come by replication.)
void ExpectOnTheMaster(Stage& stage, const Args& command, int times = 40) {
  CommandCounts master(stage.master());
  RespClient client = stage.Connect();
  for (int i = 0; i < times; ++i) {
    const Value answer = client.Ask(command);
    EXPECT_FALSE(answer.is_error()) << answer;
  }
  EXPECT_EQ(master(Lower(command[0])), times) << command[0];
}

StageOptions Reads(const std::string& reads) {
  StageOptions options;
  options.reads = reads;
  return options;
}

TEST(Routing, WithReadsMasterEverythingGoesToTheMaster) {
  Stage stage(Reads("master"));
  EXPECT_EQ(SpreadOf(stage, {"GET", "k"}, "get").replicas, 0);
  ExpectOnTheMaster(stage, {"SET", "k", "v"});
  if (!Server().read_only_forms) return;
  EXPECT_EQ(SpreadOf(stage, {"EVAL_RO", "return 1", "0"}, "eval_ro", 1).replicas, 0);
}

TEST(Routing, WithPreferReplicaReadsGoToAllReplicasAndWritesToTheMaster) {
  Stage stage(Reads("prefer-replica"));
  for (const Args& read : {Args{"GET", "k"}, Args{"get", "k"}, Args{"STRLEN", "k"},
                           Args{"MGET", "a", "b"}, Args{"EXISTS", "k"}, Args{"TTL", "k"},
                           Args{"LRANGE", "l", "0", "-1"}, Args{"ZRANGE", "z", "0", "-1"}}) {
    const Spread spread = SpreadOf(stage, read, Lower(read[0]));
    EXPECT_EQ(spread.master, 0) << read[0];
    EXPECT_TRUE(spread.every_replica) << read[0];
  }
  for (const Args& write : {Args{"SET", "k", "v"}, Args{"INCR", "n"}, Args{"DEL", "x"},
                            Args{"EXPIRE", "k", "100"}, Args{"LPUSH", "l", "x"}}) {
    ExpectOnTheMaster(stage, write);
  }
}

TEST(Routing, WithPreferReplicaTheMasterServesWhereThereIsNoReplica) {
  StageOptions options = Reads("prefer-replica");
  options.replicas = 0;
  Stage stage(options);
  EXPECT_EQ(SpreadOf(stage, {"GET", "k"}, "get").master, 40);
}

TEST(Routing, WithReplicaReadsAreRefusedWhereThereIsNoReplica) {
  StageOptions options = Reads("replica");
  options.replicas = 0;
  Stage stage(options);
  RespClient client = stage.Connect();
  EXPECT_EQ(client.Ask({"GET", "k"}).code(), "UPSTREAMDOWN");
  EXPECT_EQ(client("SET", "k", "v"), "+OK");
  // As soon as there is one, it serves.
  stage.Attach();
  EXPECT_EQ(client("GET", "k"), "v");
  EXPECT_EQ(SpreadOf(stage, {"GET", "k"}, "get").master, 0);
}

TEST(Routing, WithAnyAllNodesServeReads) {
  Stage stage(Reads("any"));
  const Spread spread = SpreadOf(stage, {"GET", "k"}, "get", 60);
  EXPECT_GT(spread.master, 0);
  EXPECT_TRUE(spread.every_replica);
  ExpectOnTheMaster(stage, {"SET", "k", "v"});
}

TEST(Routing, CommandsThatNobodyKnowsGoToTheMaster) {
  Stage stage(Reads("prefer-replica"));
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const Args& odd : {Args{"NOSUCHCOMMAND", "a", "b"}, Args{"GET"}, Args{"GET", "a", "b"},
                          Args{"OBJECT", "NONSENSE"}, Args{"CONFIG", "GET", "port"}}) {
    client.Ask(odd);
    direct.Ask(odd);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << odd[0];
  }
  EXPECT_EQ(client("CONFIG", "GET", "port"),
            "[port, " + std::to_string(stage.master().port()) + "]");
}

TEST(Routing, ReadOnlyFormsOfScriptsFollowReadsAndOthersGoToTheMaster) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no EVAL_RO";
  StageOptions options = Reads("prefer-replica");
  options.config.Set("scripts", "eval_as_evalsha", "false");
  Stage stage(options);
  const std::string sha = Sha1Hex(ReadScript(1));
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  EXPECT_EQ(SpreadOf(stage, {"EVAL_RO", ReadScript(1), "0"}, "eval_ro").master, 0);
  EXPECT_EQ(SpreadOf(stage, {"EVALSHA_RO", sha, "0"}, "evalsha_ro").master, 0);
  EXPECT_EQ(SpreadOf(stage, {"EVAL", ReadScript(1), "0"}, "eval").replicas, 0);
  EXPECT_EQ(SpreadOf(stage, {"EVALSHA", sha, "0"}, "evalsha").replicas, 0);
}

TEST(Routing, ScriptsThatSayNoWritesFollowReads) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no script flags";
  StageOptions options = Reads("prefer-replica");
  options.config.Set("scripts", "eval_as_evalsha", "false");
  Stage stage(options);
  RespClient client = stage.Connect();
  const std::string reader = "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])";
  const std::string among_others = "#!lua flags=allow-oom,no-writes\nreturn 1";
  const std::string writer = "#!lua flags=allow-oom\nreturn 1";
  const std::string undeclared = "#!lua\nreturn 1";
  const std::string in_a_comment = "-- #!lua flags=no-writes\nreturn 1";
  for (const auto& body : {reader, among_others, writer, undeclared, in_a_comment}) {
    ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
    const bool reads = body == reader || body == among_others;
    for (const Args& call :
         {Args{"EVAL", body, "1", "k"}, Args{"EVALSHA", Sha1Hex(body), "1", "k"}}) {
      const Spread spread = SpreadOf(stage, call, Lower(call[0]), 20);
      EXPECT_EQ(reads ? spread.master : spread.replicas, 0) << call[0] << " " << body;
    }
  }
}

TEST(Routing, ScriptsThatTheOperatorVouchesForFollowReads) {
  StageOptions options = Reads("prefer-replica");
  options.config.Set("routing", "scripts_to_replicas", TomlStrings({Upper(Sha1Hex(ReadScript(1)))}))
      .Set("scripts", "eval_as_evalsha", "false");
  Stage stage(options);
  RespClient client = stage.Connect();
  for (int i : {1, 2}) {
    ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(i)), Sha1Hex(ReadScript(i)));
    const Spread by_sha = SpreadOf(stage, {"EVALSHA", Sha1Hex(ReadScript(i)), "0"}, "evalsha");
    EXPECT_EQ(i == 1 ? by_sha.master : by_sha.replicas, 0);
    const Spread by_body = SpreadOf(stage, {"EVAL", ReadScript(i), "0"}, "eval");
    EXPECT_EQ(i == 1 ? by_body.master : by_body.replicas, 0);
  }
}

TEST(Routing, InsideATransactionEverythingGoesToTheMaster) {
  Stage stage(Reads("prefer-replica"));
  CommandCounts master(stage.master());
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SET", "k", "v"), "+OK");
  client("MULTI");
  client("GET", "k");
  EXPECT_EQ(client("EXEC"), "[v]");
  EXPECT_EQ(master("get"), 1);
  client("WATCH", "k");
  EXPECT_EQ(client("GET", "k"), "v");  // what is watched is what is read
  EXPECT_EQ(master("get"), 2);
  client("UNWATCH");
}

TEST(Routing, NoWriteIsEverSentToAReplica) {
  // The replicas would take it.
  StageOptions options = Reads("any");
  options.server.args = {"--replica-read-only", "no"};
  Stage stage(options);
  RespClient client = stage.Connect();
  std::vector<Monitor> monitors;
  for (size_t i = 0; i < 2; ++i) monitors.emplace_back(stage.replica(i), stage.master().port());
  const std::string writer = WriteScript(1);
  for (int i = 0; i < 100; ++i) {
    client("GET", "n");
    ASSERT_EQ(client("INCR", "n"), ":" + std::to_string(4 * i + 1));
    ASSERT_EQ(client("EVAL", writer, "1", "n"), ":" + std::to_string(4 * i + 2));
    client("STRLEN", "n");
    ASSERT_EQ(client("EVALSHA", Sha1Hex(writer), "1", "n"), ":" + std::to_string(4 * i + 3));
    const auto answers = client.Pipeline({{"GET", "n"}, {"INCR", "n"}, {"GET", "n"}});
    ASSERT_EQ(answers[1].Show(), ":" + std::to_string(4 * i + 4));
  }
  stage.nodes.WaitSynced();
  for (size_t i = 0; i < 2; ++i) {
    const auto seen = monitors[i].Seen();
    EXPECT_FALSE(seen.empty());  // reads, and nothing else
    for (const std::string& command : seen) {
      const std::string name = Lower(command.substr(0, command.find(' ')));
      EXPECT_TRUE(name == "\"get\"" || name == "\"strlen\"" || name == "\"info\"" ||
                  name == "\"client\"")
          << command;
    }
    EXPECT_EQ(stage.replica(i)("GET", "n"), "400");
  }
}

TEST(Routing, AScansCursorStaysWithTheNodeThatGaveIt) {
  Stage stage(Reads("any"));
  RespClient client = stage.Connect();
  for (int i = 0; i < 500; ++i) client("SET", "key" + std::to_string(i), "v");
  stage.nodes.WaitSynced();
  for (int round = 0; round < 5; ++round) {
    std::map<std::string, int> keys;
    std::string cursor = "0";
    do {
      const Value page = client.Ask({"SCAN", cursor, "COUNT", "20"});
      ASSERT_EQ(page.elements.size(), 2u);
      cursor = page.elements[0].text;
      for (const Value& key : page.elements[1].elements) ++keys[key.text];
    } while (cursor != "0");
    EXPECT_EQ(keys.size(), 500u);
  }
}

TEST(Routing, AReplicaThatLagsTooFarIsNotRead) {
  StageOptions options = Reads("prefer-replica");
  options.config.Set("routing", "max_replica_lag", TomlString("1s"));
  Stage stage(options);
  // It answers its clients, but does not hear its master.
  stage.replica(0)("REPLICAOF", "127.0.0.1", "1");
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(stage.replica(0)) == "up"; }));
  CommandCounts counts(stage.replica(0));
  RespClient client = stage.Connect();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client("GET", "k"), "(nil)");
  EXPECT_EQ(counts("get"), 0);
  // One that stands still is noticed by what the master last heard of it.
  stage.replica(1).Pause();
  ASSERT_TRUE(stage.proxy.WaitLog("replica.not_readable", stage.replica(1).address()));
  EXPECT_EQ(client("GET", "k"), "(nil)");
  stage.replica(1).Continue();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(stage.replica(1)) == "readable"; }));
}

TEST(Routing, AClientsReadsAndWritesInOnePipelineKeepTheirOrder) {
  Stage stage(Reads("master"));
  RespClient client = stage.Connect();
  for (int round = 0; round < 50; ++round) {
    std::vector<Args> commands;
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) {
      const std::string value = std::to_string(round * 1000 + i);
      commands.push_back({"SET", "k", value});
      expected.push_back("+OK");
      commands.push_back({"GET", "k"});
      expected.push_back(value);
    }
    const auto answers = client.Pipeline(commands);
    for (size_t i = 0; i < answers.size(); ++i) ASSERT_EQ(answers[i].Show(), expected[i]);
  }
}

}  // namespace
