// Publish and subscribe, and Lua: the examples of seed 002, with the answers that they are to have.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;

// As lua-time-limit 5000, in less time, but after everybody has left the script's lane.
StageOptions QuicklyBusy() {
  StageOptions options = OneNode();
  options.server.args = {"--lua-time-limit", "300"};
  return options;
}

// A script of `by` runs, and the node says BUSY to everybody.
bool IsBusy(Stage& stage) {
  RespClient direct = stage.master().Connect();
  return WaitUntil([&] { return direct.Ask({"PING"}).code() == "BUSY"; });
}

TEST(Seed002, MessagesAreCountedAndReachThoseWhoSubscribedByNameOrByPattern) {
  Stage stage(OneNode());
  RedisProcess oracle;
  Twin by_name(stage, oracle);
  Twin by_pattern(stage, oracle);
  Twin publisher(stage, oracle);
  by_name.Send({"SUBSCRIBE", "music", "movie"});
  EXPECT_EQ(by_name.Receive().Show(), "[subscribe, music, :1]");
  EXPECT_EQ(by_name.Receive().Show(), "[subscribe, movie, :2]");
  EXPECT_EQ(publisher("PUBLISH", "movie", "love"), ":1");
  EXPECT_EQ(publisher("PUBLISH", "music", "song"), ":1");
  EXPECT_EQ(publisher("PUBLISH", "tv", "news"), ":0");
  EXPECT_EQ(by_name.Receive().Show(), "[message, movie, love]");
  EXPECT_EQ(by_name.Receive().Show(), "[message, music, song]");

  EXPECT_EQ(by_pattern("PSUBSCRIBE", "m*"), "[psubscribe, m*, :1]");
  EXPECT_EQ(publisher("PUBLISH", "movie", "again"), ":2");
  EXPECT_EQ(publisher("PUBLISH", "mail", "only by pattern"), ":1");
  EXPECT_EQ(by_name.Receive().Show(), "[message, movie, again]");
  EXPECT_EQ(by_pattern.Receive().Show(), "[pmessage, m*, movie, again]");
  EXPECT_EQ(by_pattern.Receive().Show(), "[pmessage, m*, mail, only by pattern]");

  EXPECT_EQ(by_name("UNSUBSCRIBE", "music"), "[unsubscribe, music, :1]");
  EXPECT_EQ(publisher("PUBLISH", "music", "by pattern"), ":1");
  EXPECT_EQ(by_name("UNSUBSCRIBE"), "[unsubscribe, movie, :0]");
  EXPECT_EQ(by_pattern.Receive().Show(), "[pmessage, m*, music, by pattern]");
  EXPECT_EQ(by_pattern("PUNSUBSCRIBE", "m*"), "[punsubscribe, m*, :0]");
  EXPECT_EQ(publisher("PUBLISH", "movie", "nobody"), ":0");
  // And ordinary commands again.
  EXPECT_EQ(by_name("SET", "k", "v"), "+OK");
  EXPECT_EQ(by_pattern("GET", "k"), "v");
}

TEST(Seed002, WhoSubscribedByNameAndByPatternGetsTheChannelsMessageFirst) {
  Stage stage(OneNode());
  RedisProcess oracle;
  Twin subscriber(stage, oracle);
  Twin publisher(stage, oracle);
  EXPECT_EQ(subscriber("PSUBSCRIBE", "m*"), "[psubscribe, m*, :1]");
  EXPECT_EQ(subscriber("SUBSCRIBE", "movie"), "[subscribe, movie, :2]");
  EXPECT_EQ(publisher("PUBLISH", "movie", "love"), ":2");
  EXPECT_EQ(subscriber.Receive().Show(), "[message, movie, love]");
  EXPECT_EQ(subscriber.Receive().Show(), "[pmessage, m*, movie, love]");
}

TEST(Seed002, PubsubTellsOfChannelsSubscribersAndPatterns) {
  Stage stage(OneNode());
  RedisProcess oracle;
  Twin asks(stage, oracle);
  EXPECT_EQ(asks("PUBSUB", "CHANNELS"), "[]");
  EXPECT_EQ(asks("PUBSUB", "NUMPAT"), ":0");
  std::vector<Twin> subscribers;
  for (int i = 0; i < 3; ++i) {
    subscribers.emplace_back(stage, oracle);
    EXPECT_EQ(subscribers.back()("SUBSCRIBE", "music"), "[subscribe, music, :1]");
  }
  EXPECT_EQ(subscribers[0]("SUBSCRIBE", "movie"), "[subscribe, movie, :2]");
  EXPECT_EQ(subscribers[1]("PSUBSCRIBE", "m*"), "[psubscribe, m*, :2]");
  EXPECT_EQ(subscribers[2]("PSUBSCRIBE", "t?"), "[psubscribe, t?, :2]");
  EXPECT_EQ(asks("PUBSUB", "CHANNELS", "mu*"), "[music]");
  EXPECT_EQ(asks("PUBSUB", "CHANNELS", "x*"), "[]");
  EXPECT_EQ(asks("PUBSUB", "NUMSUB", "music", "movie", "tv"), "[music, :3, movie, :1, tv, :0]");
  EXPECT_EQ(asks("PUBSUB", "NUMSUB"), "[]");
  EXPECT_EQ(asks("PUBSUB", "NUMPAT"), ":2");
  EXPECT_EQ(asks.ours.Ask({"PUBSUB", "CHANNELS"}).elements.size(), 2u);
}

TEST(Seed002, ScriptsByTextAndByDigest) {
  Stage stage(OneNode());
  RedisProcess oracle;
  Twin both(stage, oracle);
  EXPECT_EQ(both("EVAL", "return 'Hello Redis'", "0"), "Hello Redis");
  EXPECT_EQ(both("EVAL", "return redis.call('set',KEYS[1],ARGV[1])", "1", "name", "tom"), "+OK");
  EXPECT_EQ(both("GET", "name"), "tom");
  const std::string sha = "c686f316aaf1eb01d5a4de1b0b63cd233010e63d";
  EXPECT_EQ(both("SCRIPT", "LOAD", "return redis.call('set',KEYS[1],ARGV[1])"), sha);
  EXPECT_EQ(both("EVALSHA", sha, "1", "address", "china"), "+OK");
  EXPECT_EQ(both("GET", "address"), "china");
  EXPECT_EQ(both("SCRIPT", "EXISTS", sha), "[:1]");
  EXPECT_EQ(both("SCRIPT", "FLUSH"), "+OK");
  EXPECT_EQ(both("SCRIPT", "EXISTS", sha), "[:0]");
  EXPECT_EQ(both.Ask({"EVALSHA", sha, "1", "address", "china"}).code(), "NOSCRIPT");
}

TEST(Seed002, AFileWithRedisCli) {
  Stage stage(OneNode());
  RedisProcess oracle;
  const TempFolder folder;
  const std::string file = folder.Write(
      "test.lua", "redis.call('SET', KEYS[1], ARGV[1])\nreturn redis.call('GET', KEYS[1])\n");
  for (const int port : {oracle.port(), stage.proxy.endpoint().port})
    EXPECT_EQ(
        RunToEnd(ServerTool("cli"), {"-p", std::to_string(port), "--eval", file, "age", ",", "18"})
            .out,
        "18\n");
}

TEST(Seed002, AnEndlessScriptMakesTheServerBusyUntilItIsKilled) {
  Stage stage(QuicklyBusy());
  RedisProcess oracle(QuicklyBusy().server);
  Twin first(stage, oracle);
  Twin second(stage, oracle);
  Twin third(stage, oracle);
  EXPECT_EQ(second("SET", "name", "tom"), "+OK");
  EXPECT_EQ(second.Ask({"SCRIPT", "KILL"}).code(), "NOTBUSY");
  first.Send({"EVAL", "while(true) do end", "0"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second.Ask({"GET", "name"}).code(), "BUSY");
  EXPECT_EQ(third.Ask({"SET", "name", "x"}).code(), "BUSY");
  EXPECT_EQ(second("SCRIPT", "KILL"), "+OK");
  const std::string killed = first.Receive().Show();
  EXPECT_NE(killed.find("Script killed by user with SCRIPT KILL"), std::string::npos) << killed;
  EXPECT_EQ(second("GET", "name"), "tom");
  EXPECT_EQ(first("GET", "name"), "tom");
}

TEST(Seed002, AfterItsFirstWriteOnlyShutdownEndsAScript) {
  StageOptions options = QuicklyBusy();
  options.config.Set("routing", "forward_shutdown", "true");
  Stage stage(options);
  RedisProcess oracle(QuicklyBusy().server);
  Twin first(stage, oracle);
  Twin second(stage, oracle);
  first.Send({"EVAL", "redis.call('set','age','28') while true do end", "0"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second.Ask({"GET", "age"}).code(), "BUSY");
  EXPECT_EQ(second.Ask({"SCRIPT", "KILL"}).code(), "UNKILLABLE");
  EXPECT_EQ(second.Ask({"SHUTDOWN"}).code(), "BUSY") << "it would save";
  second.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(WaitUntil([&] { return !stage.master().Running() && !oracle.Running(); }));
  EXPECT_TRUE(second.direct.SeesEnd());
  stage.master().Start();
  Stage& again = stage;
  ASSERT_TRUE(WaitUntil([&] { return again.Connect()("PING") == "+PONG"; }));
  EXPECT_EQ(stage.Connect()("EXISTS", "age"), ":0") << "nothing was saved";
}

TEST(Seed002, WithoutThatSettingShutdownIsRefusedAlsoWhileAScriptRuns) {
  Stage stage(QuicklyBusy());
  RespClient first = stage.Connect();
  RespClient second = stage.Connect();
  first.Send({"EVAL", "redis.call('set','age','28') while true do end", "0"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second("SHUTDOWN", "NOSAVE"),
            "-ERR SHUTDOWN is refused by shacast; set routing.forward_shutdown = true to pass it "
            "on");
  EXPECT_EQ(second.Ask({"SCRIPT", "KILL"}).code(), "UNKILLABLE");
  EXPECT_TRUE(stage.master().Running());
  RespClient direct = stage.master().Connect();
  direct.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(WaitUntil([&] { return !stage.master().Running(); }));
}

TEST(Seed002, AFunctionIsKilledByFunctionKill) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no functions";
  Stage stage(QuicklyBusy());
  RedisProcess oracle(QuicklyBusy().server);
  Twin first(stage, oracle);
  Twin second(stage, oracle);
  EXPECT_EQ(first("FUNCTION", "LOAD",
                  "#!lua name=l\nredis.register_function('endless', function() while true do end "
                  "end)\nredis.register_function('writes', function(k) redis.call('SET', k[1], "
                  "'1') while redis.call('EXISTS', 'stop') == 0 do end end)"),
            "l");
  EXPECT_EQ(second.Ask({"FUNCTION", "KILL"}).code(), "NOTBUSY");
  first.Send({"FCALL", "endless", "0"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second.Ask({"GET", "k"}).code(), "BUSY");
  EXPECT_EQ(second.Ask({"SCRIPT", "KILL"}).code(), "BUSY") << "it is no script";
  EXPECT_EQ(second("FUNCTION", "KILL"), "+OK");
  EXPECT_TRUE(first.Receive().is_error());
  EXPECT_EQ(second("GET", "k"), "(nil)");
  // And a script is none of its own.
  first.Send({"EVAL", "while true do end", "0"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second.Ask({"FUNCTION", "KILL"}).code(), "BUSY");
  EXPECT_EQ(second("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(first.Receive().is_error());
  first.Send({"FCALL", "writes", "1", "k"});
  ASSERT_TRUE(IsBusy(stage));
  EXPECT_EQ(second.Ask({"FUNCTION", "KILL"}).code(), "UNKILLABLE");
  RespClient direct = stage.master().Connect();
  direct.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(WaitUntil([&] { return !stage.master().Running(); }));
}

}  // namespace
