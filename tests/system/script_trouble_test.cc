// Scripts and functions in trouble: who gets through to a node that is busy with one.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;
using Clock = std::chrono::steady_clock;

constexpr const char* kLibrary =
    "#!lua name=l\n"
    "redis.register_function('endless', function() while true do end end)\n"
    "redis.register_function{function_name='reads', callback=function() while true do end end, "
    "flags={'no-writes'}}";

StageOptions OneNode(const std::string& limit) {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  options.server.args = {"--lua-time-limit", limit};
  options.config.Set("proxy", "workers", "1");
  return options;
}

bool IsBusy(RedisProcess& server) {
  RespClient direct = server.Connect();
  return WaitUntil([&] { return direct.Ask({"PING"}).code() == "BUSY"; });
}

TEST(ScriptTrouble, OthersHearThatTheServerIsBusyWhenADirectConnectionDoes) {
  const StageOptions options = OneNode("700");
  Stage stage(options);
  RedisProcess oracle(options.server);
  Twin slow(stage, oracle);
  slow.Send({"EVAL", kEndlessScript, "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.LogLines("lane.retired").size() == 1; }));
  Twin other(stage, oracle);
  const auto begin = Clock::now();
  other.Send({"GET", "k"});
  EXPECT_EQ(other.direct.Receive().code(), "BUSY");
  const auto direct = Clock::now() - begin;
  EXPECT_EQ(other.ours.Receive().code(), "BUSY");
  EXPECT_EQ(other.ours.last_raw(), other.direct.last_raw());
  EXPECT_LT(Clock::now() - begin - direct, milliseconds(300) * PatienceFactor());
  // Then at once, to every command but a few.
  for (const Args& command :
       {Args{"PING"}, Args{"SET", "k", "v"}, Args{"INFO"}, Args{"EVAL", "return 1", "0"},
        Args{"EXISTS", "k"}, Args{"MULTI"}, Args{"GET", "k"}, Args{"EXEC"}, Args{"DISCARD"},
        Args{"WATCH", "k"}, Args{"UNWATCH"}, Args{"BLPOP", "l", "0"}, Args{"SELECT", "1"},
        Args{"SCRIPT", "LOAD", "return 1"}, Args{"SCRIPT", "FLUSH"}, Args{"NONSENSE"}})
    other.Ask(command);
  EXPECT_EQ(other("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(slow.Receive().is_error());
  EXPECT_EQ(other("SET", "k", "v"), "+OK");
  EXPECT_EQ(slow("GET", "k"), "v");
}

TEST(ScriptTrouble, AKillGetsThroughFromAnyDatabaseOnAnyProtocolAtAnyTime) {
  Stage stage(OneNode("100"));
  RespClient admin = stage.Connect();
  admin.Ask({"HELLO", "3"});
  admin("SELECT", "3");
  const bool functions = Server().read_only_forms;
  if (functions) {
    ASSERT_EQ(admin("FUNCTION", "LOAD", kLibrary), "l");
  }
  for (const bool function : {false, true}) {
    if (function && !functions) continue;
    for (const bool at_once : {false, true}) {
      RespClient slow = stage.Connect();
      slow("SELECT", "3");
      slow.Send(function ? Args{"FCALL", "endless", "0"} : Args{"EVAL", kEndlessScript, "0"});
      ASSERT_TRUE(at_once || IsBusy(stage.master()));
      const std::string word = function ? "FUNCTION" : "SCRIPT";
      // Before the server speaks of being busy it says that nothing runs.
      EXPECT_TRUE(WaitUntil([&] { return admin(word, "KILL") == "+OK"; }));
      EXPECT_TRUE(slow.Receive().is_error());
      EXPECT_EQ(slow("PING"), "+PONG");
    }
  }
}

TEST(ScriptTrouble, AFunctionThatRunsOnAReplicaIsKilledToo) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no functions";
  StageOptions options = OneNode("100");
  options.replicas = 1;
  options.reads = "replica";
  Stage stage(options);
  RespClient slow = stage.Connect();
  RespClient admin = stage.Connect();
  ASSERT_EQ(admin("FUNCTION", "LOAD", kLibrary), "l");
  stage.nodes.WaitSynced();
  slow.Send({"FCALL_RO", "reads", "0"});
  ASSERT_TRUE(IsBusy(stage.replica(0)));
  EXPECT_EQ(admin.Ask({"SCRIPT", "KILL"}).code(), "BUSY") << "what runs is no script";
  EXPECT_EQ(admin("FUNCTION", "KILL"), "+OK");
  EXPECT_TRUE(slow.Receive().is_error());
  EXPECT_EQ(admin.Ask({"FUNCTION", "KILL"}).code(), "NOTBUSY");
}

TEST(ScriptTrouble, WhoMayNotKillDoesNotKill) {
  StageOptions options = OneNode("100");
  options.server.args.insert(options.server.args.end(), {"--requirepass", "secret"});
  options.server.password = "secret";
  options.config.Set("upstream", "password", TomlString("secret"));
  Stage stage(options);
  stage.master()("ACL", "SETUSER", "bob", "on", ">bob", "~*", "+@all", "-script", "+eval");
  RespClient slow = stage.Connect();
  RespClient bob = stage.Connect();
  RespClient nobody = stage.Connect();
  ASSERT_TRUE(WaitUntil([&] { return slow("AUTH", "secret") == "+OK"; }));
  ASSERT_EQ(bob("AUTH", "bob", "bob"), "+OK");
  slow.Send({"EVAL", kEndlessScript, "0"});
  ASSERT_TRUE(IsBusy(stage.master()));
  EXPECT_EQ(bob.Ask({"SCRIPT", "KILL"}).code(), "NOPERM");
  EXPECT_EQ(nobody.Ask({"SCRIPT", "KILL"}).code(), "NOAUTH");
  EXPECT_FALSE(slow.ReceiveWithin(milliseconds(20)));
  RespClient admin = stage.Connect();
  EXPECT_EQ(admin("AUTH", "secret"), "+OK");
  EXPECT_EQ(admin("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(slow.Receive().is_error());
}

TEST(ScriptTrouble, AKillGetsThroughWhenAllDedicatedConnectionsAreInUse) {
  StageOptions options = OneNode("100");
  options.config.Set("upstream", "max_dedicated", "2");
  Stage stage(options);
  std::vector<RespClient> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(stage.Connect());
    waiting.back().Send({"BLPOP", "l", "0"});
  }
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 2; }));
  RespClient slow = stage.Connect();
  slow.Send({"EVAL", kEndlessScript, "0"});
  ASSERT_TRUE(IsBusy(stage.master()));
  EXPECT_EQ(stage.Connect()("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(slow.Receive().is_error());
}

TEST(ScriptTrouble, ShutdownGetsThroughFromAnyDatabase) {
  for (const char* protocol : {"2", "3"}) {
    StageOptions options = OneNode("100");
    options.config.Set("routing", "forward_shutdown", "true");
    Stage stage(options);
    RespClient admin = stage.Connect();
    admin.Ask({"HELLO", protocol});
    admin("SELECT", "3");
    RespClient slow = stage.Connect();
    slow("SELECT", "3");
    slow.Send({"EVAL", "redis.call('SET', 'k', 'v') while true do end", "0"});
    ASSERT_TRUE(IsBusy(stage.master()));
    admin.Send({"SHUTDOWN", "NOSAVE"});
    EXPECT_TRUE(WaitUntil([&] { return !stage.master().Running(); }));
    const std::string lost = slow.Receive().Show();
    EXPECT_TRUE(lost.starts_with("-UPSTREAMLOST ")) << lost;
  }
}

TEST(ScriptTrouble, RedisCliSaysWhyTheDebuggerIsRefused) {
  Stage stage(OneNode("5000"));
  const TempFolder folder;
  const std::string file = folder.Write("test.lua", "return redis.call('INCR', 'n')\n");
  const Finished run =
      RunToEnd(ServerTool("cli"),
               {"-p", std::to_string(stage.proxy.endpoint().port), "--ldb", "--eval", file});
  EXPECT_NE((run.out + run.err).find("SCRIPT DEBUG is refused by shacast"), std::string::npos)
      << run.out << run.err;
  EXPECT_EQ(stage.Connect()("EXISTS", "n"), ":0");
}

}  // namespace
