// Lua's types, locks and limits, and a client that never sends a script twice: seed 004. And the
// cache that n web servers keep in step: seed 000.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;

StageOptions Plain(int replicas) {
  StageOptions options;
  options.replicas = replicas;
  options.reads = "master";
  return options;
}

const std::string kLimit =
    "local key = 'rate.limit:' .. KEYS[1] "
    "local limit = tonumber(ARGV[1]) "
    "local expire = ARGV[2] "
    "if redis.call('EXISTS', key) == 1 then "
    "  if redis.call('INCR', key) > limit then return 0 else return 1 end "
    "else redis.call('SET', key, 1) redis.call('EXPIRE', key, expire) return 1 end";

const std::string kAcquire =
    "if redis.call('SETNX', KEYS[1], ARGV[1]) == 1 then "
    "  redis.call('EXPIRE', KEYS[1], ARGV[2]) return 1 "
    "elseif redis.call('TTL', KEYS[1]) == -1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end "
    "return 0";
const std::string kRelease =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) return 1 end "
    "return 0";

TEST(Seed004, AVisitorIsLetInSoOftenAndNoMoreUntilTheTimeIsOver) {
  Stage stage(Plain(0));
  RedisProcess oracle;
  Twin both(stage, oracle);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(both("EVAL", kLimit, "1", "10.0.0.1", "3", "100"), ":1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(both("EVAL", kLimit, "1", "10.0.0.1", "3", "100"), ":0");
  EXPECT_EQ(both("EVALSHA", Sha1Hex(kLimit), "1", "10.0.0.2", "3", "100"), ":1");
  EXPECT_EQ(both("GET", "rate.limit:10.0.0.1"), "6");
  EXPECT_EQ(both("EXPIRE", "rate.limit:10.0.0.1", "0"), ":1");
  EXPECT_EQ(both("EVALSHA", Sha1Hex(kLimit), "1", "10.0.0.1", "3", "100"), ":1");
}

TEST(Seed004, ManyVisitorsAtOnceAreLetInExactlySoOften) {
  Stage stage(Plain(0));
  constexpr int kClients = 8;
  std::vector<int> in(kClients);
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      RespClient client = stage.Connect();
      for (int n = 0; n < 50; ++n)
        if (client("EVAL", kLimit, "1", "one address", "100", "100") == ":1") ++in[i];
    });
  }
  for (auto& thread : threads) thread.join();
  int sum = 0;
  for (const int each : in) sum += each;
  EXPECT_EQ(sum, 100);
}

TEST(Seed004, ALockIsTakenByOneReleasedByItsHolderAndEndsByItself) {
  Stage stage(Plain(0));
  RedisProcess oracle;
  Twin both(stage, oracle);
  EXPECT_EQ(both("EVAL", kAcquire, "1", "lock:ret1", "me", "300"), ":1");
  EXPECT_EQ(both("EVAL", kAcquire, "1", "lock:ret1", "you", "300"), ":0");
  EXPECT_EQ(both("EVAL", kRelease, "1", "lock:ret1", "you"), ":0");
  EXPECT_EQ(both("GET", "lock:ret1"), "me");
  EXPECT_EQ(both("EVAL", kRelease, "1", "lock:ret1", "me"), ":1");
  EXPECT_EQ(both("EVAL", kRelease, "1", "lock:ret1", "me"), ":0");
  // One without an end is given one.
  EXPECT_EQ(both("SET", "lock:ret1", "lost"), "+OK");
  EXPECT_EQ(both("EVALSHA", Sha1Hex(kAcquire), "1", "lock:ret1", "you", "1"), ":0");
  EXPECT_TRUE(WaitUntil([&] {
    return both.ours("EVALSHA", Sha1Hex(kAcquire), "1", "lock:ret1", "you", "9") == ":1";
  }));
}

// Loads each script once, and never again: only EVALSHA, and no way back to EVAL.
class ScriptCaller {
 public:
  Value Call(RespClient& client, const std::string& script, const Args& rest) {
    std::string& sha = shas_[script];
    if (sha.empty()) sha = client("SCRIPT", "LOAD", script);
    Args args = {"EVALSHA", sha};
    args.insert(args.end(), rest.begin(), rest.end());
    return client.Ask(args);
  }

 private:
  std::map<std::string, std::string> shas_;
};

TEST(Seed004, AClientThatKnowsItsScriptsOnlyByNameLivesThroughTheRestartOfEveryNode) {
  Stage stage(Plain(2));
  ScriptCaller caller;
  RespClient client = stage.Connect();
  const auto takes_and_leaves = [&](const std::string& holder) {
    EXPECT_EQ(caller.Call(client, kAcquire, {"1", "lock", holder, "300"}).Show(), ":1");
    EXPECT_EQ(caller.Call(client, kAcquire, {"1", "lock", "other", "300"}).Show(), ":0");
    EXPECT_EQ(caller.Call(client, kRelease, {"1", "lock", holder}).Show(), ":1");
  };
  takes_and_leaves("before");
  for (RedisProcess* node : stage.nodes.nodes()) {
    node->Stop();
    node->Start();
    ASSERT_TRUE(WaitUntil([&] { return client("PING") == "+PONG"; }));
    takes_and_leaves("meanwhile");
  }
  stage.nodes.WaitSynced();
  takes_and_leaves("after");
  // On a direct connection that is the end of it.
  RespClient direct = stage.master().Connect();
  stage.master()("SCRIPT", "FLUSH");
  EXPECT_EQ(direct.Ask({"EVALSHA", Sha1Hex(kAcquire), "1", "lock", "x", "1"}).code(), "NOSCRIPT");
  takes_and_leaves("at last");
  // All at once, and by another connection than the one that loaded it.
  for (RedisProcess* node : stage.nodes.nodes()) node->Kill();
  for (RedisProcess* node : stage.nodes.nodes()) node->Start();
  client = stage.Connect();
  ASSERT_TRUE(WaitUntil([&] { return client("PING") == "+PONG"; }));
  takes_and_leaves("all");
}

TEST(Seed004, TypesOfLuaBecomeTypesOfRedisAndBack) {
  Stage stage(Plain(0));
  RedisProcess oracle;
  Twin both(stage, oracle);
  const struct {
    const char* script;
    const char* reply;
  } rows[] = {
      {"return 3.99", ":3"},
      {"return -1", ":-1"},
      {"return tostring(3.5)", "3.5"},
      {"return 'text'", "text"},
      {"return ''", ""},
      {"return true", ":1"},
      {"return false", "(nil)"},
      {"return nil", "(nil)"},
      {"return", "(nil)"},
      {"return {}", "[]"},
      {"return {1, 2, {3, 'four'}}", "[:1, :2, [:3, four]]"},
      {"return {1, nil, 3}", "[:1]"},
      {"return {1, false, 3}", "[:1, (nil), :3]"},
      {"return {ok = 'FINE'}", "+FINE"},
      {"return redis.status_reply('FINE')", "+FINE"},
      {"return {err = 'MYERR no'}", "-MYERR no"},
      {"return redis.error_reply('MYERR no')", "-MYERR no"},
      {"return {a = 1}", "[]"},
      {"return type(redis.call('INCR', 'n'))", "number"},
      {"return type(redis.call('GET', 'n'))", "string"},
      {"return type(redis.call('GET', 'nothing'))", "boolean"},
      {"return redis.call('GET', 'nothing') == false", ":1"},
      {"return redis.call('SET', 'k', 'v').ok", "OK"},
      {"return type(redis.call('LRANGE', 'l', 0, -1))", "table"},
      {"return redis.pcall('INCR', 'k').err ~= nil", ":1"},
      {"return {redis.call('GET', 'nothing'), redis.call('GET', 'k')}", "[(nil), v]"},
      {"return string.char(0, 255, 13, 10)", "\0\xff\r\n"},
  };
  for (const auto& row : rows) {
    const std::string shown = both("EVAL", row.script, "0");
    if (std::string(row.reply).empty() || row.reply[0] != '\0') {
      EXPECT_EQ(shown, row.script == std::string("return string.char(0, 255, 13, 10)")
                           ? std::string("\0\xff\r\n", 4)
                           : row.reply)
          << row.script;
    }
  }
  for (RespClient* client : {&both.ours, &both.direct}) client->Ask({"HELLO", "3"});
  for (const auto& row : rows) both.Ask({"EVAL", row.script, "0"});
  if (Server().major >= 6) {
    for (const char* script :
         {"redis.setresp(3) return redis.call('HGETALL', 'h')", "return {map = {a = 1, b = {2}}}",
          "return {set = {a = true}}", "return {double = 3.25}", "redis.setresp(3) return true",
          "redis.setresp(3) return {big_number = '123'}"})
      both.Ask({"EVAL", script, "0"});
  }
}

TEST(Seed004, CommandsWithoutAnOrderAreSortedWhereTheServerSortsThem) {
  Stage stage(Plain(0));
  RedisProcess oracle;
  Twin both(stage, oracle);
  both("SADD", "s", "d", "b", "a", "c");
  both("SADD", "t", "c", "b", "x");
  both("EVAL",
       "local got = redis.call('SMEMBERS', 'missing') local s = redis.call('SINTER', 's', 't') "
       "table.sort(s) return {#got, s}",
       "0");
  EXPECT_EQ(
      both("EVAL", "local s = redis.call('SUNION', 's', 't') table.sort(s) return table.concat(s)",
           "0"),
      "abcdx");
}

// --- 000 -----------------------------------------------------------------------------------------

constexpr const char* kChannel = "lua:tiny:cache:sync";

// A connection as the web server's pool makes it: AUTH, SELECT 3.
RespClient Pooled(const Endpoint& endpoint) {
  RespClient client(endpoint);
  EXPECT_EQ(client("AUTH", "Pa88word"), "+OK");
  EXPECT_EQ(client("SELECT", "3"), "+OK");
  return client;
}

TEST(Seed000, EachOfNServersHearsOfEachChangeOfTheCache) {
  StageOptions options = Plain(0);
  options.server.args = {"--requirepass", "Pa88word"};
  options.server.password = "Pa88word";
  options.config.Set("upstream", "password", TomlString("Pa88word"));
  Stage stage(options);
  ASSERT_TRUE(WaitUntil([&] {
    RespClient client = stage.Connect();
    return client("AUTH", "Pa88word") == "+OK";
  }));
  const auto endpoint = stage.proxy.endpoint();
  constexpr int kServers = 20;
  std::vector<RespClient> servers;
  for (int i = 0; i < kServers; ++i) {
    servers.push_back(Pooled(endpoint));
    EXPECT_EQ(servers.back()("SUBSCRIBE", kChannel),
              "[subscribe, " + std::string(kChannel) + ", :1]");
  }
  RespClient idle = Pooled(endpoint);
  EXPECT_EQ(idle("SUBSCRIBE", kChannel), "[subscribe, " + std::string(kChannel) + ", :1]");
  const std::vector<std::string> changes = {
      R"({"type":"table","msg":{"key":"token","cache":"auth","op":"set","data":{"user":"我"}}})",
      R"({"type":"table","msg":{"key":"token","cache":"auth","op":"expire","data":1,"timeout":60}})",
      R"({"type":"table","msg":{"key":"token","cache":"auth","op":"del"}})"};
  RespClient publisher = Pooled(endpoint);
  EXPECT_EQ(publisher("SET", "here", "db3"), "+OK");
  for (const std::string& change : changes) {
    EXPECT_EQ(publisher("PUBLISH", kChannel, change), ":" + std::to_string(kServers + 1));
    for (RespClient& server : servers)
      EXPECT_EQ(server.Receive().Show(),
                "[message, " + std::string(kChannel) + ", " + change + "]");
  }
  RespClient direct = stage.master().Connect();
  direct("SELECT", "3");
  EXPECT_EQ(direct("GET", "here"), "db3");
  // A pool takes its connection back for other work, and lends it again.
  EXPECT_EQ(servers[0]("UNSUBSCRIBE", kChannel),
            "[unsubscribe, " + std::string(kChannel) + ", :0]");
  EXPECT_EQ(servers[0]("GET", "here"), "db3");
  // Who was idle meanwhile has everything.
  for (const std::string& change : changes) EXPECT_EQ(idle.Receive().elements.at(2).text, change);
  EXPECT_EQ(publisher("PUBLISH", kChannel, "x"), ":" + std::to_string(kServers));
}

TEST(Seed000, AnIdleSubscriptionOutlivesTheTimeAfterWhichIdleClientsAreClosed) {
  StageOptions options = Plain(0);
  options.config.Set("proxy", "client_idle_timeout", TomlString("200ms"));
  Stage stage(options);
  RespClient subscriber = stage.Connect();
  EXPECT_EQ(subscriber("SUBSCRIBE", kChannel), "[subscribe, " + std::string(kChannel) + ", :1]");
  RespClient idle = stage.Connect();
  EXPECT_EQ(idle("PING"), "+PONG");
  EXPECT_TRUE(idle.SeesEnd()) << "one that is no subscriber is closed";
  EXPECT_EQ(stage.Connect()("PUBLISH", kChannel, "still"), ":1");
  EXPECT_EQ(subscriber.Receive().elements.at(2).text, "still");
}

}  // namespace
