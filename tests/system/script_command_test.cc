// SCRIPT and its neighbours: cases 13, 14 and 15.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

StageOptions TwoReplicas() {
  StageOptions options;
  options.read_scripts = ReadScripts(3);
  return options;
}

TEST(ScriptCases, Case13_AFlushReachesEveryNodeAndIsRememberedByNobody) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();  // of the other worker
  const std::string sha = Sha1Hex(ReadScript(1));
  for (const Args& flush : {Args{"SCRIPT", "FLUSH"}, Args{"SCRIPT", "FLUSH", "ASYNC"},
                            Args{"script", "flush", "sync"}}) {
    ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
    for (RedisProcess* node : stage.nodes.nodes())
      ASSERT_EQ((*node)("SCRIPT", "EXISTS", sha), "[:1]");
    const Value answer = client.Ask(flush);
    if (answer.is_error()) {
      // Before 6.2 there is no ASYNC and no SYNC, and then nothing was flushed.
      ASSERT_EQ(Server().major, 6);
      ASSERT_EQ(client.last_raw(), [&] {
        RespClient direct = stage.master().Connect();
        direct.Ask(flush);
        return direct.last_raw();
      }());
      EXPECT_EQ(client("EVALSHA", sha, "0", "x"), "1:x");
      EXPECT_EQ(client("SCRIPT", "EXISTS", sha), "[:1]");
      continue;
    }
    EXPECT_EQ(answer.Show(), "+OK");
    for (RedisProcess* node : stage.nodes.nodes())
      EXPECT_EQ((*node)("SCRIPT", "EXISTS", sha), "[:0]");
    for (RespClient* each : {&client, &other}) {
      for (const std::string& form : {std::string("EVALSHA"), EvalShaForm()})
        for (int i = 0; i < 3; ++i)
          EXPECT_EQ(each->Ask({form, sha, "0"}).code(), "NOSCRIPT") << flush.back();
      EXPECT_EQ((*each)("SCRIPT", "EXISTS", sha), "[:0]");
      EXPECT_EQ((*each)("PROXY", "SCRIPTS"), "[]");
    }
  }
}

TEST(ScriptCases, Case13_AFlushWithABadWordFlushesNothing) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  for (const Args& bad : {Args{"SCRIPT", "FLUSH", "SOON"}, Args{"SCRIPT", "FLUSH", "SYNC", "SYNC"},
                          Args{"SCRIPT", "FLUSH", ""}}) {
    client.Ask(bad);
    direct.Ask(bad);
    EXPECT_TRUE(client.last_raw().starts_with("-"));
    EXPECT_EQ(client.last_raw(), direct.last_raw());
  }
  for (RedisProcess* node : stage.nodes.nodes())
    EXPECT_EQ((*node)("SCRIPT", "EXISTS", sha), "[:1]");
  EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), "1:x");
}

TEST(ScriptCases, Case13_AReplicaThatWasDownDuringTheFlushIsFlushedWhenItReturns) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  // It hangs, so that it keeps its table, and its connection breaks.
  RedisProcess& replica = stage.replica(0);
  replica.Pause();
  EXPECT_EQ(client("SCRIPT", "FLUSH"), "+OK");
  replica.Continue();
  ASSERT_TRUE(WaitUntil([&] { return replica("SCRIPT", "EXISTS", sha) == "[:0]"; }));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(client.Ask({EvalShaForm(), sha, "0"}).code(), "NOSCRIPT");
}

TEST(ScriptCases, Case14_LoadGoesToEveryNodeAndExistsAnswersForAll) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  const std::string a = Sha1Hex(ReadScript(0));
  const std::string b = Sha1Hex(ReadScript(1));
  EXPECT_EQ(client("SCRIPT", "LOAD", ReadScript(0)), a);
  for (RedisProcess* node : stage.nodes.nodes()) EXPECT_EQ((*node)("SCRIPT", "EXISTS", a), "[:1]");
  // Known to the master alone, not by us; and to nobody.
  ASSERT_EQ(stage.master()("SCRIPT", "LOAD", ReadScript(1)), b);
  EXPECT_EQ(client("SCRIPT", "EXISTS", a, b, Sha1Hex("nothing"), Upper(a), "short"),
            "[:1, :1, :0, :1, :0]");
  // Held by us, although no node has it any more.
  for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  EXPECT_EQ(client("SCRIPT", "EXISTS", a, b), "[:1, :0]");
  EXPECT_EQ(client("EVALSHA", a, "0", "x"), "0:x");
}

TEST(ScriptCases, Case14_ExistsWithoutADigestIsAnsweredAsByTheServer) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const Args& command : {Args{"SCRIPT", "EXISTS"}, Args{"SCRIPT"}, Args{"SCRIPT", "NONSENSE"},
                              Args{"SCRIPT", "LOAD"}, Args{"SCRIPT", "LOAD", "a", "b"},
                              Args{"SCRIPT", "HELP"}, Args{"SCRIPT", "KILL", "x"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << (command.size() > 1 ? command[1] : "");
  }
}

TEST(ScriptCases, Case14_LoadDoesNotWaitForANodeThatIsDown) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  stage.replica(0).Kill();
  const std::string sha = Sha1Hex(ReadScript(2));
  EXPECT_EQ(client("SCRIPT", "LOAD", ReadScript(2)), sha);
  EXPECT_EQ(stage.replica(1)("SCRIPT", "EXISTS", sha), "[:1]");
  EXPECT_EQ(client("SCRIPT", "EXISTS", sha), "[:1]");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), "2:x");
  stage.replica(0).Start();
  stage.proxy.WaitReady(2);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), "2:x");
}

class WithABusyNode {
 public:
  explicit WithABusyNode(RedisProcess& node, const std::string& script = kEndlessScript)
      : busy_(node.Connect()), asks_(node.Connect()) {
    busy_.Send({"EVAL", script, "1", "busy"});
    is_busy_ = WaitUntil([&] { return asks_.Ask({"PING"}).code() == "BUSY"; });
  }

  bool is_busy() const { return is_busy_; }
  Value Outcome() { return busy_.Receive(); }
  std::string Kill() { return asks_("SCRIPT", "KILL"); }

 private:
  RespClient busy_;
  RespClient asks_;
  bool is_busy_ = false;
};

TEST(ScriptCases, Case14_LoadIsAnsweredWhileAReplicaIsBusy) {
  StageOptions options = TwoReplicas();
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  RespClient client = stage.Connect();
  WithABusyNode busy(stage.replica(0));
  ASSERT_TRUE(busy.is_busy());
  const std::string sha = Sha1Hex(ReadScript(2));
  EXPECT_EQ(client("SCRIPT", "LOAD", ReadScript(2)), sha);
  EXPECT_EQ(stage.replica(1)("SCRIPT", "EXISTS", sha), "[:1]");
  EXPECT_EQ(busy.Kill(), "+OK");
  EXPECT_TRUE(busy.Outcome().is_error());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), "2:x");
}

TEST(ScriptCases, Case14_KillFindsTheBusyNodeWhichEverItIs) {
  StageOptions options = TwoReplicas();
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  RespClient client = stage.Connect();
  EXPECT_EQ(client("SCRIPT", "KILL"), "-NOTBUSY No scripts in execution right now.");
  for (RedisProcess* node : stage.nodes.nodes()) {
    WithABusyNode busy(*node);
    ASSERT_TRUE(busy.is_busy());
    EXPECT_EQ(client("SCRIPT", "KILL"), "+OK");
    EXPECT_TRUE(busy.Outcome().is_error());
  }
  EXPECT_EQ(client.Ask({"SCRIPT", "KILL"}).code(), "NOTBUSY");
}

TEST(ScriptCases, Case14_KillAnswersWhileAnotherNodeIsDown) {
  StageOptions options = TwoReplicas();
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  stage.replica(1).Kill();
  WithABusyNode busy(stage.replica(0));
  ASSERT_TRUE(busy.is_busy());
  EXPECT_EQ(stage.Connect()("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(busy.Outcome().is_error());
}

TEST(ScriptCases, Case14_AScriptThatHasWrittenIsUnkillable) {
  StageOptions options = TwoReplicas();
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  WithABusyNode busy(stage.master(), "redis.call('SET', KEYS[1], '1') " + kEndlessScript);
  ASSERT_TRUE(busy.is_busy());
  EXPECT_EQ(stage.Connect().Ask({"SCRIPT", "KILL"}).code(), "UNKILLABLE");
  stage.master().Kill();
}

TEST(ScriptCases, Case14_TheClientsOwnSlowScriptIsKilledByAnotherClient) {
  StageOptions options = TwoReplicas();
  options.server.args = {"--lua-time-limit", "20"};
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  ASSERT_EQ(other("SET", "k", "v"), "+OK");
  client.Send({"EVAL", kEndlessScript, "0"});
  // Once it has run for long the others are told what a direct connection would be told, and do not
  // wait behind it.
  ASSERT_TRUE(stage.proxy.WaitLog("lane.retired"));
  ASSERT_TRUE(WaitUntil([&] { return other.Ask({"SET", "k", "v"}).code() == "BUSY"; }));
  EXPECT_EQ(other("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(client.Receive().is_error());
  EXPECT_EQ(other("SET", "k", "w"), "+OK");
  EXPECT_EQ(client("GETSET", "k", "x"), "w");
}

TEST(ScriptCases, Case15_ScriptDebugIsRefused) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  Monitor monitor(stage.master());
  for (const char* mode : {"YES", "SYNC", "NO", "whatever"}) {
    const std::string answer = client("SCRIPT", "DEBUG", mode);
    EXPECT_TRUE(answer.starts_with("-ERR SCRIPT DEBUG is refused")) << answer;
  }
  EXPECT_EQ(monitor.Seen({"script"}), std::vector<std::string>());
  EXPECT_EQ(client("EVAL", "return 1", "0"), ":1");
  // With the debugger it would have run without a trace.
  client("SCRIPT", "DEBUG", "YES");
  const std::string answer = client("EVAL", "return redis.call('INCR', 'n')", "0");
  EXPECT_TRUE(answer.starts_with("-ERR SCRIPT DEBUG is refused")) << answer;
  EXPECT_EQ(client("EVAL", "return redis.call('INCR', 'n')", "0"), ":1");
}

TEST(ScriptCases, Case15_ShutdownIsRefusedWithTheNameOfTheKeyThatAllowsIt) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  for (const Args& command : {Args{"SHUTDOWN"}, Args{"SHUTDOWN", "NOSAVE"}}) {
    const std::string answer = client.Ask(command).Show();
    EXPECT_TRUE(answer.starts_with("-ERR SHUTDOWN is refused")) << answer;
    EXPECT_NE(answer.find("routing.forward_shutdown"), std::string::npos);
  }
  EXPECT_EQ(client("PING"), "+PONG");
}

TEST(ScriptCases, Case15_ShutdownGoesToTheMasterWhereTheConfigurationSaysSo) {
  StageOptions options = TwoReplicas();
  options.config.Set("routing", "forward_shutdown", "true");
  Stage stage(options);
  RespClient client = stage.Connect();
  client.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(WaitUntil([&] { return !stage.master().Running(); }));
  EXPECT_TRUE(stage.replica(0).Running());
}

TEST(ScriptCases, Case15_AFunctionCallIsNeverRewritten) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no functions";
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  const std::string library =
      "#!lua name=lib\nredis.register_function('writes', function(k) return "
      "redis.call('INCR', k[1]) end)\nredis.register_function{function_name='reads', "
      "callback=function(k, a) return a[1] end, flags={'no-writes'}}";
  ASSERT_EQ(client("FUNCTION", "LOAD", library), "lib");
  stage.nodes.WaitSynced();
  std::vector<Monitor> monitors;
  for (RedisProcess* node : stage.nodes.nodes()) monitors.emplace_back(*node);
  EXPECT_EQ(client("FCALL", "writes", "1", "n"), ":1");
  EXPECT_EQ(client("FCALL", "writes", "1", "n"), ":2");
  EXPECT_EQ(client("FCALL_RO", "reads", "0", "x"), "x");
  std::vector<std::string> seen;
  for (Monitor& monitor : monitors)
    for (auto& command : monitor.Seen({"fcall", "fcall_ro", "eval", "eval_ro"}))
      seen.push_back(command);
  EXPECT_EQ(seen, (std::vector<std::string>{"\"FCALL\" \"writes\" \"1\" \"n\"",
                                            "\"FCALL\" \"writes\" \"1\" \"n\"",
                                            "\"FCALL_RO\" \"reads\" \"0\" \"x\""}));
  // SCRIPT FLUSH leaves functions alone.
  EXPECT_EQ(client("SCRIPT", "FLUSH"), "+OK");
  EXPECT_EQ(client("FCALL", "writes", "1", "n"), ":3");
}

TEST(ScriptCases, ScriptShowGivesTheBodyOnEveryVersion) {
  Stage stage(TwoReplicas());
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  EXPECT_TRUE(client.Ask({"SCRIPT", "SHOW", sha}).is_error());
  ASSERT_EQ(client("EVAL", ReadScript(1), "0", "x"), "1:x");
  EXPECT_EQ(client("SCRIPT", "SHOW", sha), ReadScript(1));
  EXPECT_EQ(client("SCRIPT", "SHOW", Upper(sha)), ReadScript(1));
}

}  // namespace
