// Lua for atomic operations: the examples of seed 001, with the answers that they are to have.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

class Seed001 : public ::testing::Test {
 protected:
  static StageOptions OneReplica() {
    StageOptions options;
    options.replicas = 1;
    options.reads = "master";
    return options;
  }

  Stage stage_{OneReplica()};
  RedisProcess oracle_;
  Twin both_{stage_, oracle_};
};

TEST_F(Seed001, KeysAndArgumentsReachTheScript) {
  EXPECT_EQ(both_("EVAL", "return {KEYS[1],KEYS[2],ARGV[1],ARGV[2]}", "2", "key1", "key2", "value1",
                  "value2"),
            "[key1, key2, value1, value2]");
  EXPECT_EQ(both_("EVAL", "return {ARGV[1],ARGV[2]}", "0", "hello!", "my name is amumu"),
            "[hello!, my name is amumu]");
}

TEST_F(Seed001, ACallThatFailsEndsTheScript) {
  const std::string set_and_expire =
      "redis.call('SET', KEYS[1], ARGV[1]);redis.call('EXPIRE', KEYS[1], ARGV[2]); return 1;";
  EXPECT_EQ(both_("EVAL", set_and_expire, "1", "amumu", "1000", "60"), ":1");
  EXPECT_EQ(both_("GET", "amumu"), "1000");
  const int64_t left = both_.ours.Ask({"TTL", "amumu"}).number();
  EXPECT_GE(left, 50);
  EXPECT_LE(left, 60);
  EXPECT_EQ(both_("EVAL", set_and_expire, "1", "amumu", "1000", "1"), ":1");
  EXPECT_TRUE(WaitUntil([&] { return both_.ours("TTL", "amumu") == ":-2"; }));
  const std::string error = both_("EVAL", set_and_expire, "0", "amumu", "1000", "60");
  EXPECT_EQ(error.substr(0, 5), "-ERR ");
  EXPECT_NE(error.find("6aeea4b3e96171ef835a78178fceadf1a5dbe345"), std::string::npos) << error;
  EXPECT_NE(error.find("ommand arguments must be strings or integers"), std::string::npos) << error;
  EXPECT_EQ(both_("EXISTS", "amumu", "1000"), ":0");
}

TEST_F(Seed001, AProtectedCallThatFailsGivesItsErrorToTheScript) {
  EXPECT_EQ(both_("SET", "amumu", "1000"), "+OK");
  EXPECT_EQ(both_("EVAL", "return redis.pcall('GET', KEYS[1])", "1", "amumu"), "1000");
  const std::string error = both_("EVAL", "return redis.pcall('GET', KEYS[1])", "0", "amumu");
  EXPECT_EQ(error[0], '-');
  EXPECT_NE(error.find("ommand arguments must be strings or integers"), std::string::npos) << error;
  EXPECT_EQ(both_("EVAL",
                  "local dt = redis.pcall(\"HGETALL\", KEYS[1]); local res = {type(dt)}; for i, v "
                  "in ipairs(dt) do res[#res+1] = i; res[#res+1] = v; end; return res",
                  "0"),
            "[table]");
  EXPECT_EQ(both_("EVAL", "return type(redis.pcall('LPUSH', KEYS[1], 'x').err)", "1", "amumu"),
            "string");
}

// The same by the PHP client, which sends EVAL script 1 key argument.
const std::string kAppend =
    "local _key = KEYS[1]\n"
    "local _val = ARGV[1]\n"
    "local result = redis.call('GET', _key)\n"
    "result = result and result or \"\"\n"
    "local text = ''\n"
    "if result == '' then return text\n"
    "else text = result .. _val redis.call('SET', _key, text) end\n"
    "return text\n";

TEST_F(Seed001, AScriptInAFileIsRunByRedisCli) {
  const TempFolder folder;
  const std::string file = folder.Write("test.lua", kAppend);
  const auto eval = [&](const std::string& argument) {
    std::string out;
    for (const int port : {oracle_.port(), stage_.proxy.endpoint().port}) {
      const Finished run = RunToEnd(ServerTool("cli"), {"-p", std::to_string(port), "--raw",
                                                        "--eval", file, "lua:test", ",", argument});
      EXPECT_EQ(run.status, 0) << run.err;
      if (port == oracle_.port()) out = run.out;
      EXPECT_EQ(run.out, out);
    }
    return out;
  };
  EXPECT_EQ(eval("欢迎关注我的lua专栏!"), "\n");
  EXPECT_EQ(both_("EXISTS", "lua:test"), ":0");
  EXPECT_EQ(both_("SET", "lua:test", "大家好,我是阿沐!"), "+OK");
  EXPECT_EQ(eval("欢迎关注我的lua专栏!"), "大家好,我是阿沐!欢迎关注我的lua专栏!\n");
  EXPECT_EQ(eval("!"), "大家好,我是阿沐!欢迎关注我的lua专栏!!\n");
  EXPECT_EQ(both_("GET", "lua:test"), "大家好,我是阿沐!欢迎关注我的lua专栏!!");
}

TEST_F(Seed001, AScriptByEvalWithOneKeyAsThePhpClientSendsIt) {
  EXPECT_EQ(both_("EVAL", kAppend, "1", "lua:test", "x"), "");
  EXPECT_EQ(both_("SET", "lua:test", "大家好"), "+OK");
  EXPECT_EQ(both_("EVAL", kAppend, "1", "lua:test", "欢迎"), "大家好欢迎");
  EXPECT_EQ(both_("EVALSHA", Sha1Hex(kAppend), "1", "lua:test", "!"), "大家好欢迎!");
}

TEST_F(Seed001, AScriptIsLoadedFoundAndCalledByItsDigest) {
  const std::string body = "return redis.call('get', 'lua:test')";
  const std::string sha = Sha1Hex(body);
  EXPECT_EQ(both_("SCRIPT", "EXISTS", sha), "[:0]");
  EXPECT_EQ(both_.Ask({"EVALSHA", sha, "0"}).code(), "NOSCRIPT");
  EXPECT_EQ(both_("SCRIPT", "LOAD", body), sha);
  EXPECT_EQ(both_("SCRIPT", "EXISTS", sha), "[:1]");
  EXPECT_EQ(both_("SCRIPT", "EXISTS", sha, Sha1Hex("return 'nobody'")), "[:1, :0]");
  EXPECT_EQ(both_("EVALSHA", sha, "0"), "(nil)");
  EXPECT_EQ(both_("SET", "lua:test", "here"), "+OK");
  EXPECT_EQ(both_("EVALSHA", sha, "0"), "here");
}

TEST_F(Seed001, WhatAScriptLogsIsInTheServersLog) {
  for (const char* level : {"LOG_WARNING", "LOG_NOTICE"}) {
    const std::string words = std::string("the script says ") + level;
    const std::string body =
        "redis.log(redis." + std::string(level) + ", '" + words + "') return 'logged'";
    EXPECT_EQ(both_("EVAL", body, "0"), "logged");
    EXPECT_TRUE(WaitUntil([&] { return stage_.master().Log().find(words) != std::string::npos; }));
    EXPECT_TRUE(WaitUntil([&] { return oracle_.Log().find(words) != std::string::npos; }));
  }
  EXPECT_EQ(both_("EVAL", "redis.log(redis.LOG_DEBUG, 'too little to be said') return 1", "0"),
            ":1");
  EXPECT_EQ(stage_.master().Log().find("too little"), std::string::npos);
  EXPECT_EQ(both_.Ask({"EVAL", "return redis.log(redis.LOG_WARNING)", "0"}).code(), "ERR");
}

TEST_F(Seed001, ACounterIsNeverRaisedAboveItsLimit) {
  const std::string capped =
      "local num = tonumber(redis.call('GET', KEYS[1]) or 0) "
      "local added = math.max(0, math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - num)) "
      "if added > 0 then num = redis.call('INCRBY', KEYS[1], added) end "
      "return {'num', num, 'score', added}";
  EXPECT_EQ(both_("EVAL", capped, "1", "c", "500", "1000"), "[num, :500, score, :500]");
  EXPECT_EQ(both_("EVAL", capped, "1", "c", "400", "1000"), "[num, :900, score, :400]");
  EXPECT_EQ(both_("EVAL", capped, "1", "c", "500", "1000"), "[num, :1000, score, :100]");
  EXPECT_EQ(both_("EVAL", capped, "1", "c", "500", "1000"), "[num, :1000, score, :0]");

  constexpr int kClients = 8;
  std::vector<std::string> wrong(kClients);
  std::vector<int64_t> added(kClients);
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      try {
        RespClient client = stage_.Connect();
        for (int n = 0; n < 100; ++n) {
          const Value got = client.Ask(
              n == 0 ? RespClient::Args{"EVAL", capped, "1", "many", "7", "1000"}
                     : RespClient::Args{"EVALSHA", Sha1Hex(capped), "1", "many", "7", "1000"});
          if (got.at("num").number() > 1000) wrong[i] = got.Show();
          added[i] += got.at("score").number();
        }
      } catch (const std::exception& error) {
        wrong[i] = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<std::string>(kClients));
  int64_t sum = 0;
  for (const int64_t each : added) sum += each;
  EXPECT_EQ(sum, 1000);
  EXPECT_EQ(stage_.master()("GET", "many"), "1000");
}

TEST_F(Seed001, WhatAScriptMayNotDoIsRefusedInTheServersWords) {
  for (const char* body :
       {"return loadfile('/etc/passwd')", "return dofile('/etc/passwd')", "return os.execute('ls')",
        "x = 1 return x", "return undefined", "return redis.call('NOSUCHCOMMAND')",
        "return redis.call('SUBSCRIBE', 'c')", "return redis.call('MULTI')", "return redis.call()",
        "return redis.call('GET')", "return {err = 'MYERR of my own'}",
        "return redis.error_reply('MYERR of my own')", "error('thrown')", "error({err = 'ERR x'})",
        "return 1 +", "return redis.sha1hex()"}) {
    EXPECT_TRUE(both_.Ask({"EVAL", body, "0"}).is_error()) << body;
    both_.Ask({"EVALSHA", Sha1Hex(body), "0"});
  }
  EXPECT_EQ(both_("EVAL", "return 'still here'", "0"), "still here");
}

}  // namespace
