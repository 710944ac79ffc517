// Replicas that attach, flap and restart, and processes that take another's place: cases 16 to 21,
// 23 and 31.
#include <gtest/gtest.h>

#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/script_load.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

constexpr int kScripts = 20;

StageOptions Options(int replicas) {
  StageOptions options;
  options.replicas = replicas;
  options.read_scripts = ReadScripts(kScripts);
  options.config.Set("proxy", "workers", "1");
  return options;
}

void LoadScripts(Stage& stage) {
  RespClient client = stage.Connect();
  for (int i = 0; i < kScripts; ++i)
    ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(i)), Sha1Hex(ReadScript(i)));
}

ScriptLoad::Options LoadOf(const Stage& stage) {
  ScriptLoad::Options options;
  options.endpoint = stage.proxy.endpoint();
  options.scripts = kScripts;
  options.deepest_pipeline = 20;
  return options;
}

// Calls every script often enough that every node that serves reads runs each.
void CallEach(Stage& stage) {
  RespClient client = stage.Connect();
  for (int i = 0; i < kScripts; ++i)
    for (int turn = 0; turn < 6; ++turn)
      EXPECT_EQ(client(EvalShaForm(), Sha1Hex(ReadScript(i)), "0", "x"), std::to_string(i) + ":x");
}

TEST(ScriptCases, AnAttachEmptiesWhatIsKnownOfEveryNodeAndKeepsTheBodies) {
  Stage stage(Options(2));
  LoadScripts(stage);
  RespClient client = stage.Connect();
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(i)), Sha1Hex(WriteScript(i)));
  const auto call_all = [&] {
    CallEach(stage);
    for (int i = 0; i < 3; ++i)
      for (int turn = 0; turn < 2; ++turn)
        EXPECT_FALSE(client.Ask({"EVALSHA", Sha1Hex(WriteScript(i)), "1", "n"}).is_error());
  };
  call_all();
  for (const Value& node : stage.proxy.Nodes())
    EXPECT_EQ(node.at("scripts_known").number(), kScripts + 3) << node;
  std::vector<CommandCounts> counts;
  for (RedisProcess* node : stage.nodes.nodes()) counts.emplace_back(*node);

  const size_t seen = stage.AttachesSeen();
  stage.nodes.Attach();
  ASSERT_TRUE(WaitUntil([&] { return stage.AttachesSeen() > seen; }));
  stage.proxy.WaitReady(3);
  for (const Value& node : stage.proxy.Nodes()) EXPECT_EQ(node.at("scripts_known").number(), 0);
  EXPECT_EQ(client.Ask({"PROXY", "SCRIPTS"}).elements.size(), kScripts + 3u);

  counts.emplace_back(stage.replica(2));
  call_all();
  // Each node got each body once more, and its digest from then on.
  EXPECT_EQ(counts[0]("eval"), 3);
  EXPECT_EQ(counts[0]("evalsha"), 3);
  for (size_t i = 1; i < counts.size(); ++i) {
    EXPECT_EQ(counts[i](EvalStat()), kScripts) << "replica " << i;
    EXPECT_GE(counts[i](EvalShaStat()), kScripts / 2) << "replica " << i;
  }
  EXPECT_EQ(stage.AttachesSeen(), seen + 1);
}

// What a node was asked to run, by MONITOR: in the first place of each script its body, then
// nothing but its digest.
void ExpectBodyThenDigest(Monitor& node, const std::vector<std::string>& bodies, int* calls) {
  std::map<std::string, int> times;
  for (const std::string& command : node.Seen(kScriptCalls)) {
    const std::string name = Lower(command.substr(1, command.find('"', 1) - 1));
    const size_t at = name.size() + 4;
    const std::string script = command.substr(at, command.find('"', at) - at);
    const bool by_digest = name.starts_with("evalsha");
    std::string sha = script;
    if (!by_digest) {
      sha = "an unknown body";
      for (const auto& body : bodies)
        if (body == script) sha = Sha1Hex(body);
    }
    EXPECT_EQ(by_digest, times[sha]++ > 0) << command;
    ++*calls;
  }
}

TEST(ScriptCases, Case18_EachNodeGetsEachBodyOnceInEachGenerationAndTheDigestFromThenOn) {
  constexpr int kReads = 3;
  constexpr int kTurns = 12;
  std::vector<std::string> bodies = ReadScripts(kReads);
  bodies.push_back("return redis.call('INCR', KEYS[1])");
  bodies.push_back("return redis.call('INCRBY', KEYS[1], 1)");
  StageOptions options = Options(1);
  options.read_scripts = ReadScripts(kReads);
  Stage stage(options);
  RespClient client = stage.Connect();
  int64_t value = 0;
  for (int generation = 0; generation < 4; ++generation) {
    if (generation > 0) {
      const size_t seen = stage.AttachesSeen();
      stage.Attach();
      EXPECT_EQ(stage.AttachesSeen(), seen + 1);
    }
    std::vector<Monitor> monitors;
    for (RedisProcess* node : stage.nodes.nodes()) monitors.emplace_back(*node);
    // Only the first time the client itself sends the body.
    const auto call = [&](const std::string& form, const std::string& sha_form, const size_t i,
                          const bool first) {
      const std::string script = first ? bodies[i] : Sha1Hex(bodies[i]);
      return client(first ? form : sha_form, script, "1", "n", "x");
    };
    int sent = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      const bool first = generation == 0 && turn == 0;
      for (size_t i = 0; i < bodies.size(); ++i, ++sent) {
        if (i < kReads) {
          EXPECT_EQ(call(EvalForm(), EvalShaForm(), i, first), std::to_string(i) + ":x");
        } else {
          EXPECT_EQ(call("EVAL", "EVALSHA", i, first), ":" + std::to_string(++value));
        }
      }
    }
    int calls = 0;
    for (size_t node = 0; node < monitors.size(); ++node) {
      int here = 0;
      ExpectBodyThenDigest(monitors[node], bodies, &here);
      EXPECT_GT(here, kReads) << "generation " << generation << ", node " << node;
      calls += here;
    }
    EXPECT_EQ(calls, sent);
  }
}

TEST(ScriptCases, Case16_AnAttachIsSeenWhereTheClientListIsForbidden) {
  StageOptions options = Options(1);
  ReplicaSet nodes(1);
  for (RedisProcess* node : nodes.nodes()) {
    ASSERT_EQ((*node)("ACL", "SETUSER", "watcher", "on", ">pw", "~*", "+@all", "-client"), "+OK");
  }
  ProxyConfig config;
  config.Set("upstream", "username", TomlString("watcher"))
      .Set("upstream", "password", TomlString("pw"));
  const ProxyProcess proxy({nodes.master().address()}, config);
  proxy.WaitReady(1);
  const size_t seen = proxy.LogLines("attach.seen").size();
  nodes.master()("CLIENT", "KILL", "TYPE", "replica");
  EXPECT_TRUE(WaitUntil([&] { return proxy.LogLines("attach.seen").size() > seen; }));
}

TEST(ScriptCases, Case16_APollOfABusyNodeIsNeitherALossNorAnAttach) {
  StageOptions options = Options(2);
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  LoadScripts(stage);
  const size_t seen = stage.AttachesSeen();
  for (RedisProcess* node : stage.nodes.nodes()) {
    RespClient busy = node->Connect();
    RespClient asks = node->Connect();
    busy.Send({"EVAL", kEndlessScript, "0"});
    ASSERT_TRUE(WaitUntil([&] { return asks.Ask({"PING"}).code() == "BUSY"; }));
    // Long enough for several polls; the client's own reads show how time passes.
    int busy_answers = 0;
    ASSERT_TRUE(
        WaitUntil([&] { return asks.Ask({"PING"}).code() == "BUSY" && ++busy_answers > 40; }));
    EXPECT_EQ(stage.proxy.StateOf(*node), node == &stage.master() ? "serves" : "readable");
    EXPECT_EQ(asks("SCRIPT", "KILL"), "+OK");
    EXPECT_TRUE(busy.Receive().is_error());
  }
  EXPECT_EQ(stage.AttachesSeen(), seen);
  EXPECT_EQ(stage.proxy.LogLines("node.down"), std::vector<std::string>());
  CommandCounts counts(stage.replica(0));
  CallEach(stage);
  EXPECT_EQ(counts(EvalStat()), 0);  // still believed, rightly
}

TEST(ScriptCases, Case17_CountersThatFallAreAnAttach) {
  Stage stage(Options(1));
  LoadScripts(stage);
  CommandCounts counts(stage.replica(0));
  CallEach(stage);
  EXPECT_EQ(counts(EvalStat()), 0);
  stage.VoidKnowledge();
  counts.Reset();
  CallEach(stage);
  EXPECT_EQ(counts(EvalStat()), kScripts);
}

TEST(ScriptCases, Case18_NoClientSeesNoscriptWhileAReplicaAttaches) {
  Stage stage(Options(1));
  LoadScripts(stage);
  CallEach(stage);
  CommandCounts old(stage.replica(0));
  ScriptLoad load(LoadOf(stage));
  ASSERT_TRUE(load.WaitCalls(500));
  const size_t seen = stage.AttachesSeen();
  RedisProcess& fresh = stage.Attach();
  EXPECT_EQ(stage.AttachesSeen(), seen + 1);
  CommandCounts on_fresh(fresh);
  ASSERT_TRUE(load.WaitCalls(5000));
  EXPECT_EQ(load.Stop(), "");
  // Once more to the old one. The new one was counted from a moment when calls reached it already.
  EXPECT_EQ(old(EvalStat()), kScripts);
  EXPECT_EQ(CommandCounts::SinceStart(fresh)(EvalStat()), kScripts);
  EXPECT_GT(on_fresh(EvalShaStat()), 0);
}

enum class Ending { kSave, kKill, kKillAndDelete };

// A client loops over all scripts while the replica ends and comes back, long before the next poll.
void ARestartedReplicaGetsEveryBody(Ending ending) {
  StageOptions options = Options(2);
  options.config.Set("upstream", "poll_interval", TomlString("3s"));
  Stage stage(options);
  LoadScripts(stage);
  CallEach(stage);
  RedisProcess& replica = stage.replica(0);
  const int64_t full = stage.master().InfoNumber("sync_full");
  const int64_t partial = stage.master().InfoNumber("sync_partial_ok");
  ScriptLoad load(LoadOf(stage));
  ASSERT_TRUE(load.WaitCalls(500));
  if (ending == Ending::kSave) {
    replica.ShutdownSave();
  } else {
    replica.Kill();
  }
  ASSERT_TRUE(replica.HasData());
  if (ending == Ending::kKillAndDelete) replica.DeleteData();
  replica.Start();
  ASSERT_TRUE(WaitUntil([&] { return replica.LinkUp(); }));
  // What the case is about: it came back by a partial resync, so that no sync_full tells of it.
  const bool whole = ending == Ending::kKillAndDelete;
  EXPECT_EQ(stage.master().InfoNumber("sync_full"), full + (whole ? 1 : 0));
  EXPECT_EQ(stage.master().InfoNumber("sync_partial_ok"), partial + (whole ? 0 : 1));
  ASSERT_TRUE(load.WaitCalls(500));
  stage.proxy.WaitReady(2);
  ASSERT_TRUE(load.WaitCalls(5000));
  EXPECT_EQ(load.Stop(), "");
  const CommandCounts counts = CommandCounts::SinceStart(replica);
  // Once for each generation: the attach is noticed before or after the first calls.
  EXPECT_GE(counts(EvalStat()), kScripts);
  EXPECT_LE(counts(EvalStat()), 2 * kScripts);
  EXPECT_GT(counts(EvalShaStat()), 0);
}

TEST(ScriptCases, Case19_AReplicaThatRestartsWithShutdownSaveGetsEveryBodyAndNoClientSeesIt) {
  ARestartedReplicaGetsEveryBody(Ending::kSave);
}

TEST(ScriptCases, Case19_AReplicaThatIsKilledAndRestartsGetsEveryBodyAndNoClientSeesIt) {
  ARestartedReplicaGetsEveryBody(Ending::kKill);
}

TEST(ScriptCases, Case19_AReplicaThatLostItsDataGetsEveryBodyAndNoClientSeesIt) {
  ARestartedReplicaGetsEveryBody(Ending::kKillAndDelete);
}

TEST(ScriptCases, Case20_AFlapOfTheLinkEmptiesTheSetsAndHarmsNoCall) {
  Stage stage(Options(2));
  LoadScripts(stage);
  CallEach(stage);
  ScriptLoad load(LoadOf(stage));
  for (int flap = 0; flap < 3; ++flap) {
    ASSERT_TRUE(load.WaitCalls(300));
    const size_t seen = stage.AttachesSeen();
    EXPECT_EQ(stage.master()("CLIENT", "KILL", "TYPE", "replica"), ":2");
    ASSERT_TRUE(WaitUntil([&] { return stage.AttachesSeen() > seen; }));
    ASSERT_TRUE(WaitUntil([&] { return stage.nodes.Synced(); }));
  }
  ASSERT_TRUE(load.WaitCalls(300));
  EXPECT_EQ(load.Stop(), "");
}

TEST(ScriptCases, Case21_AnotherProcessBehindTheSamePortIsTakenForAnotherNode) {
  Stage stage(Options(1));
  LoadScripts(stage);
  CallEach(stage);
  RespClient client = stage.Connect();
  // shacast stands still, so that it sees nothing of it before the next command.
  for (int swap = 0; swap < 5; ++swap) {
    stage.proxy.process().Signal(SIGSTOP);
    RedisProcess& replica = stage.replica(0);
    replica.Kill();
    replica.DeleteData();
    replica.Start();
    ASSERT_TRUE(WaitUntil([&] { return replica.LinkUp(); }));
    replica("SCRIPT", "FLUSH");  // before 7.0 the full sync brings the scripts
    stage.proxy.process().Signal(SIGCONT);
    for (int i = 0; i < kScripts; ++i)
      EXPECT_EQ(client(EvalShaForm(), Sha1Hex(ReadScript(i)), "0", "x"), std::to_string(i) + ":x");
    stage.proxy.WaitReady(1);
    CallEach(stage);
    EXPECT_GE(CommandCounts::SinceStart(replica)(EvalStat()), kScripts);
  }
}

TEST(ScriptCases, Case21_AMasterThatIsAnotherProcessGetsTheBodies) {
  Stage stage(Options(0));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(1)), sha);
  ASSERT_EQ(client("EVALSHA", sha, "1", "n"), ":1");
  for (int swap = 0; swap < 5; ++swap) {
    stage.proxy.process().Signal(SIGSTOP);
    stage.master().Kill();
    stage.master().Start();
    stage.proxy.process().Signal(SIGCONT);
    // What was sent into the old connection may be lost; that is said, and never NOSCRIPT.
    std::string answer;
    ASSERT_TRUE(WaitUntil([&] {
      answer = client("EVALSHA", sha, "1", "n");
      return !answer.starts_with("-UPSTREAMLOST");
    }));
    EXPECT_EQ(answer, ":1");
  }
}

TEST(ScriptCases, Case23_AFlushDirectlyOnAReplicaIsSeenByNoClient) {
  Stage stage(Options(2));
  LoadScripts(stage);
  CallEach(stage);
  ScriptLoad load(LoadOf(stage));
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(load.WaitCalls(50));
    stage.replica(i % 2)("SCRIPT", "FLUSH");
  }
  ASSERT_TRUE(load.WaitCalls(500));
  EXPECT_EQ(load.Stop(), "");
}

TEST(ScriptCases, Case23_AFlushThatReachesADelayedReplicaByReplicationIsSeenByNoClient) {
  if (Server().major >= 7) GTEST_SKIP() << Server().version << " does not replicate SCRIPT FLUSH";
  StageOptions options = Options(1);
  options.config.Set("routing", "max_replica_lag", TomlString("0"));
  Stage stage(options);
  LoadScripts(stage);
  RespClient client = stage.Connect();
  for (int round = 0; round < 10; ++round) {
    CallEach(stage);
    stage.replica(0).Pause();
    stage.master()("SCRIPT", "FLUSH");
    // Some before the flush arrives, some behind it.
    std::vector<RespClient::Args> calls;
    for (int i = 0; i < 200; ++i)
      calls.push_back({"EVALSHA", Sha1Hex(ReadScript(i % kScripts)), "0", "x"});
    for (const auto& call : calls) client.Send(call);
    stage.replica(0).Continue();
    for (int i = 0; i < 200; ++i)
      EXPECT_EQ(client.Receive().Show(), std::to_string(i % kScripts) + ":x");
  }
}

TEST(ScriptCases, Case31_TheCopyOfTheDatasetByRedisCliIsNoReplica) {
  const std::string cli = ServerTool("cli");
  if (cli.empty()) GTEST_SKIP() << "no redis-cli here";
  Stage stage(Options(2));
  LoadScripts(stage);
  RespClient client = stage.Connect();
  for (int i = 0; i < 1000; ++i) client("SET", "key" + std::to_string(i), std::string(100, 'v'));
  ScriptLoad load(LoadOf(stage));
  ASSERT_TRUE(load.WaitCalls(300));
  const TempFolder folder;
  for (const int port : {stage.master().port(), stage.proxy.endpoint().port}) {
    const bool through_us = port == stage.proxy.endpoint().port;
    const size_t seen = stage.AttachesSeen();
    const std::string file = folder.File(std::to_string(port) + ".rdb");
    const Finished copied = RunToEnd(cli, {"-p", std::to_string(port), "--rdb", file});
    EXPECT_EQ(copied.status, 0) << copied.out << copied.err;
    EXPECT_TRUE(ReadFile(file).starts_with("REDIS")) << copied.out << copied.err;
    EXPECT_GT(ReadFile(file).size(), 10'000u);
    ASSERT_TRUE(WaitUntil([&] { return stage.AttachesSeen() > seen; })) << through_us;
    ASSERT_TRUE(load.WaitCalls(300));
  }
  EXPECT_EQ(load.Stop(), "");
  EXPECT_EQ(stage.proxy.Nodes().size(), 3u);
  EXPECT_EQ(stage.proxy.LogLines("node.found", ":0 "), std::vector<std::string>());
  EXPECT_EQ(stage.proxy.LogLines("node.down"), std::vector<std::string>());
}

}  // namespace
