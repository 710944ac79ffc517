// redis-cli's own modes: against the master and through shacast they print the same.
//
// Each case says what it tried in its properties; `make test-clients` reads them for its table.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

// How often `words` occur in `text`.
size_t Count(const std::string& text, const std::string& words) {
  size_t count = 0;
  for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++count;
  return count;
}

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

std::string Replaced(const std::string& text, const std::string& pattern, const char* with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

std::string Digitless(const std::string& text) {
  return Replaced(text, "[0-9]+", "N");
}

class RedisCli : public testing::Test {
 protected:
  struct Ran {
    int status = -1;
    std::string out;
    std::string err;
  };

  static StageOptions Options() {
    StageOptions options;
    options.replicas = 1;
    options.reads = "master";  // as it is without a configuration
    return options;
  }

  RedisCli() : stage_(Options()), folder_() {}

  // What the table says of this case.
  void Tried(const std::string& what) {
    RecordProperty("client", "redis-cli");
    RecordProperty("version", Server().version.substr(Server().version.find(' ') + 1));
    RecordProperty("tried", what);
  }

  // A little of everything.
  void Fill() {
    RespClient client = stage_.Connect();
    for (int i = 0; i < 200; ++i) client("SET", "k:" + std::to_string(i), std::to_string(i));
    client("SET", "large", std::string(5000, 'x'));
    for (const char* word : {"one", "two", "three"}) {
      client("RPUSH", "list", word);
      client("SADD", "set", word);
      client("HSET", "hash", word, "1");
      client("ZADD", "zset", "1", word);
      client("XADD", "stream", "*", "field", word);
    }
  }

  // The command line for one of the two, to be completed and given to a shell.
  static std::string At(const Endpoint& endpoint) {
    return ServerTool("cli") + " -h 127.0.0.1 -p " + std::to_string(endpoint.port) + " ";
  }

  // `arguments` as a shell takes them, `{}` in them is the port. The port is cut from the output.
  Ran Run(const Endpoint& endpoint, std::string arguments) {
    const std::string port = std::to_string(endpoint.port);
    arguments = Replaced(arguments, "\\{\\}", port.c_str());
    // Without an end of its input it would wait for one.
    const std::string line =
        At(endpoint) + arguments + (Has(arguments, "< ") ? "" : " < /dev/null");
    const Finished done = RunToEnd("/bin/sh", {"-c", "cd " + folder_.path() + " && " + line});
    // HELLO tells the connection's id.
    const std::string out = Replaced(done.out, "(^|\n)id [0-9]+\n", "$1id ID\n");
    return {done.status, Replaced(out, port, "PORT"), Replaced(done.err, port, "PORT")};
  }
  Ran Direct(const std::string& arguments) { return Run(stage_.master().endpoint(), arguments); }
  Ran Through(const std::string& arguments) { return Run(stage_.proxy.endpoint(), arguments); }

  // What both said; they said the same.
  Ran Same(const std::string& arguments) {
    const Ran direct = Direct(arguments);
    const Ran through = Through(arguments);
    EXPECT_EQ(through.out, direct.out) << arguments;
    EXPECT_EQ(through.err, direct.err) << arguments;
    EXPECT_EQ(through.status, direct.status) << arguments;
    return through;
  }

  // One that runs until it is stopped: its output once that has all of `parts`, after `meanwhile`
  // was done behind the first part.
  template <typename Meanwhile>
  std::string Watch(const Endpoint& endpoint, const std::string& arguments,
                    const std::vector<std::string>& parts, Meanwhile meanwhile) {
    const std::string file = folder_.File("watched." + std::to_string(++watched_));
    ChildProcess child(
        {"/bin/sh", {"sh", "-c", "exec " + At(endpoint) + arguments + " < /dev/null"}, file, ""});
    for (size_t i = 0; i < parts.size(); ++i) {
      EXPECT_TRUE(WaitUntil([&] { return Has(ReadFile(file), parts[i]); }))
          << arguments << " never says " << parts[i] << ", but\n"
          << ReadFile(file);
      if (i == 0) meanwhile();
    }
    child.Signal(SIGTERM);
    child.WaitExit();
    return ReadFile(file);
  }

  std::vector<Endpoint> Both() { return {stage_.master().endpoint(), stage_.proxy.endpoint()}; }

  Stage stage_;
  TempFolder folder_;
  int watched_ = 0;
};

TEST_F(RedisCli, CommandsInEveryFormOfOutput) {
  Tried("commands and output formats");
  Fill();
  for (const std::string form :
       {"", "-3", "--no-raw", "--csv", "-3 --no-raw", "--json", "-c", "-d ,", "-n 2 -3", "-e"}) {
    for (const std::string command :
         {"HGETALL hash", "ZRANGE zset 0 -1 WITHSCORES", "GET nothing", "LRANGE list 0 -1",
          "SETBIT k x 1", "NOSUCH command", "OBJECT HELP", "CONFIG GET maxmemory-policy", "PING",
          "XRANGE stream - +", "DEBUG", "HELLO 9", "SCRIPT EXISTS 0", "CLUSTER INFO", "READONLY"})
      Same(form + " " + command);
  }
  EXPECT_EQ(Same("-3 --no-raw HGETALL hash").out.substr(0, 3), "1# ");
  EXPECT_EQ(Same("-n 99999 PING").status, Direct("-n 99999 PING").status);
}

TEST_F(RedisCli, TheLastArgumentFromStandardInput) {
  Tried("-x");
  const std::string bytes = std::string("\0\r\n$5\r\n", 8) + std::string(2'000'000, 'b');
  folder_.Write("value", bytes);
  EXPECT_EQ(Same("-x SET from-input < value").out, "OK\n");
  EXPECT_EQ(stage_.Connect()("GET", "from-input"), bytes);
  Same("-X tag SET tagged tag < value");
}

TEST_F(RedisCli, CommandsOnStandardInput) {
  Tried("commands on standard input");
  folder_.Write("story",
                "SET k 1\nMULTI\nINCR k\nGET k\nEXEC\nSELECT 3\nSET k 'in three'\nSELECT 0\nGET k\n"
                "EVAL \"return redis.call('GET', KEYS[1])\" 1 k\nDEL k\nNOSUCH\n\nMULTI\nNOSUCH\n"
                "EXEC\nWATCH k\nMULTI\nDISCARD\nHELLO 3\nHGETALL nothing\nRESET\nPING\n"
                "3 INCR counted\nDEL counted\nQUIT\nGET unreached\n");
  const Ran ran = Same("< story");
  EXPECT_TRUE(Has(ran.out, "EXECABORT")) << ran.out << ran.err;
}

TEST_F(RedisCli, RepeatsAndIntervals) {
  Tried("-r and -i");
  EXPECT_EQ(Direct("-r 5 -i 0.01 INCR n").out, "1\n2\n3\n4\n5\n");
  EXPECT_EQ(Through("-r 5 -i 0.01 INCR n").out, "6\n7\n8\n9\n10\n");
}

TEST_F(RedisCli, UsersAndPasswords) {
  Tried("-a, --user and -u");
  stage_.master()("ACL", "SETUSER", "app", "on", ">sesame", "~app:*", "+@all", "-keys");
  for (const std::string who :
       {"--user app -a sesame", "--user app --pass sesame --no-auth-warning", "--user app -a wrong",
        "--user nobody -a wrong", "-a wrong", "-3 --user app -a sesame",
        "-u redis://app:sesame@127.0.0.1:{}/3", "-u redis://app:wrong@127.0.0.1:{}"})
    for (const std::string command : {"ACL WHOAMI", "SET app:k v", "SET k v", "KEYS x"})
      Same(who + " " + command);
  EXPECT_EQ(Through("--no-auth-warning --user app -a sesame ACL WHOAMI").out, "app\n");
}

TEST_F(RedisCli, MassInsertionByPipe) {
  Tried("--pipe");
  constexpr int kCommands = 100'000;
  std::ofstream file(folder_.File("commands"));
  for (int i = 0; i < kCommands; ++i) {
    const std::string key = std::to_string(i);
    if (i % 1000 == 7) {
      file << "*2\r\n$4\r\nINCR\r\n$6\r\nabsent\r\n";
    } else if (i % 5000 == 9) {
      file << "*2\r\n$6\r\nNOSUCH\r\n$1\r\nx\r\n";
    } else {
      file << "*3\r\n$3\r\nSET\r\n$" << key.size() << "\r\n" << key << "\r\n$3\r\n\r\nx\r\n";
    }
  }
  file.close();
  folder_.Write("lines", "SET a 1\r\nINCR a\r\nLPUSH a x\r\nSET b 2\r\n");
  const Ran large = Same("--pipe < commands");
  EXPECT_TRUE(Has(large.out, "errors: 20, replies: 100000")) << large.out << large.err;
  EXPECT_TRUE(Has(Same("--pipe < lines").out, "errors: 1, replies: 4"));
  EXPECT_EQ(stage_.Connect()("GET", "a"), "2");
  EXPECT_EQ(stage_.Connect()("GET", "99999"), "\r\nx");
}

TEST_F(RedisCli, AnRdbFileIsTransferredAndCountsAsAnAttach) {
  Tried("--rdb");
  Fill();
  const size_t before = stage_.AttachesSeen();
  const Ran direct = Direct("--rdb direct.rdb");
  const Ran through = Through("--rdb through.rdb");
  EXPECT_EQ(Digitless(Replaced(through.out, "through", "direct")), Digitless(direct.out));
  EXPECT_EQ(Digitless(Replaced(through.err, "through", "direct")), Digitless(direct.err));
  EXPECT_EQ(through.status, 0) << through.err;
  EXPECT_TRUE(WaitUntil([&] { return stage_.AttachesSeen() > before; }));
  // A server that begins with the file has everything.
  RedisProcess::Options options;
  options.args = {"--dir", folder_.path(), "--dbfilename", "through.rdb"};
  RedisProcess loaded(options);
  EXPECT_EQ(loaded("DBSIZE"), stage_.master()("DBSIZE"));
  EXPECT_EQ(loaded("GET", "large"), std::string(5000, 'x'));
}

TEST_F(RedisCli, OnlyTheFunctionsAsAnRdbFile) {
  if (Server().major < 7) GTEST_SKIP() << Server().version << " has no functions";
  Tried("--functions-rdb");
  Fill();
  stage_.master()("FUNCTION", "LOAD",
                  "#!lua name=lib\nredis.register_function('f', function() return 7 end)");
  EXPECT_EQ(Direct("--functions-rdb direct.rdb").status, 0);
  EXPECT_EQ(Through("--functions-rdb through.rdb").status, 0);
  RedisProcess::Options options;
  options.args = {"--dir", folder_.path(), "--dbfilename", "through.rdb"};
  RedisProcess loaded(options);
  EXPECT_EQ(loaded("DBSIZE"), ":0");
  EXPECT_EQ(loaded("FCALL", "f", "0"), ":7");
}

TEST_F(RedisCli, AsAReplicaItSeesWhatTheMasterWrites) {
  if (Server().major < 7) GTEST_SKIP() << "this redis-cli shows nothing before its buffer is full";
  Tried("--replica");
  Fill();
  std::vector<std::string> heads;
  for (const Endpoint& endpoint : Both()) {
    const std::string seen = Watch(endpoint, "--replica", {"Logging commands", "written-meanwhile"},
                                   [&] { stage_.Connect()("SET", "written-meanwhile", "v"); });
    heads.push_back(Digitless(seen.substr(0, seen.find("Logging commands"))));
    EXPECT_TRUE(Has(seen, "\"set\",\"written-meanwhile\",\"v\"") ||
                Has(seen, "\"SET\",\"written-meanwhile\",\"v\""))
        << seen;
  }
  EXPECT_EQ(heads[1], heads[0]);
}

TEST_F(RedisCli, KeysAreSampled) {
  Tried("--bigkeys, --memkeys, --hotkeys");
  Fill();
  EXPECT_TRUE(Has(Same("--bigkeys").out, "205 keys") || Has(Same("--bigkeys").out, "large"));
  EXPECT_TRUE(Has(Same("--memkeys").out, "large"));
  Same("--memkeys --memkeys-samples 10");
  Same("--hotkeys");  // the server keeps no frequencies, and says so
  stage_.master()("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
  for (int i = 0; i < 300; ++i) stage_.Connect()("GET", "k:7");
  EXPECT_TRUE(Has(Same("--hotkeys").out, "k:7"));
}

TEST_F(RedisCli, KeysAreListed) {
  Tried("--scan");
  Fill();
  EXPECT_EQ(Count(Same("--scan").out, "\n"), 206u);
  EXPECT_EQ(Count(Same("--scan --pattern 'k:1*'").out, "\n"), 111u);
  EXPECT_EQ(Count(Same("--scan --pattern 'k:1?'").out, "\n"), 10u);
  Same("--scan --quoted-pattern '\"k:\\x31\"'");
  Same("--scan -3");
}

TEST_F(RedisCli, StatShowsTheServersNumbers) {
  Tried("--stat");
  Fill();
  std::vector<std::string> heads;
  for (const Endpoint& endpoint : Both()) {
    // The requests so far, and how many more each time.
    const std::string seen = Watch(endpoint, "--stat -i 0.05", {" (+1)"}, [] {});
    heads.push_back(seen.substr(0, seen.find("\n206 ")));
    EXPECT_TRUE(Has(seen, "\n206 ")) << seen;
  }
  EXPECT_EQ(heads[1], heads[0]);
}

TEST_F(RedisCli, LatencyIsMeasured) {
  Tried("--latency, --latency-history");
  for (const std::string form : {"--latency -i 0.2 --raw", "--latency -i 0.2 --csv"}) {
    const Ran direct = Direct(form);
    const Ran through = Through(form);
    EXPECT_EQ(Replaced(through.out, "[0-9.]+", "N"), Replaced(direct.out, "[0-9.]+", "N"));
    EXPECT_EQ(through.status, direct.status);
    EXPECT_FALSE(through.out.empty());
  }
  for (const Endpoint& endpoint : Both()) {
    const std::string seen = Watch(endpoint, "--latency-history -i 0.1 --csv", {",", "\n"}, [] {});
    EXPECT_TRUE(std::regex_search(seen, std::regex("^[0-9]+,[0-9]+,[0-9.]+,[0-9]+"))) << seen;
  }
}

TEST_F(RedisCli, MonitorShowsTheCommands) {
  Tried("MONITOR");
  std::vector<std::string> lines;
  for (const Endpoint& endpoint : Both()) {
    const std::string seen = Watch(endpoint, "MONITOR", {"OK", "\"seen-by-monitor\""}, [&] {
      stage_.Connect()("SET", "seen-by-monitor", "a \"quoted\" \r\n value");
    });
    std::smatch line;
    EXPECT_TRUE(std::regex_search(seen, line, std::regex(".*seen-by-monitor.*"))) << seen;
    lines.push_back(Digitless(line.str()));
  }
  EXPECT_EQ(lines[1], lines[0]);
}

TEST_F(RedisCli, SubscribersSeeMessages) {
  Tried("SUBSCRIBE, PSUBSCRIBE");
  for (const std::string form : {"SUBSCRIBE news", "-3 SUBSCRIBE news", "PSUBSCRIBE 'n*'",
                                 "--no-raw SUBSCRIBE news", "--csv SUBSCRIBE news"}) {
    // The redis-cli of 6.0 and 6.2 takes no pushes.
    if (form.starts_with("-3") && Server().major < 7) continue;
    std::vector<std::string> seen;
    for (const Endpoint& endpoint : Both())
      seen.push_back(Watch(endpoint, form, {"ubscribe", "hello"}, [&] {
        EXPECT_TRUE(
            WaitUntil([&] { return stage_.Connect()("PUBLISH", "news", "hello") != ":0"; }));
      }));
    EXPECT_EQ(seen[1], seen[0]) << form;
  }
}

TEST_F(RedisCli, AScriptFromAFileWithKeysAndArguments) {
  Tried("--eval");
  folder_.Write("set.lua", "redis.call('SET', KEYS[1], ARGV[1])\nreturn {KEYS, ARGV, #ARGV}\n");
  folder_.Write("wrong.lua", "return redis.call('LPUSH', KEYS[1], 'x')\n");
  folder_.Write("broken.lua", "return (\n");
  folder_.Write(
      "cookbook.lua",
      "local n = redis.call('INCRBY', KEYS[1], ARGV[1])\n"
      "if n > tonumber(ARGV[2]) then\n"
      "  redis.call('SET', KEYS[1], ARGV[2])\n  return tonumber(ARGV[2])\nend\nreturn n\n");
  for (const std::string form : {"", "-3 ", "--no-raw ", "-n 3 "}) {
    Same(form + "--eval set.lua k other , 'a value' 2");
    Same(form + "--eval set.lua k , v");
    Same(form + "--eval wrong.lua k , x");
    Same(form + "--eval broken.lua");
    Same(form + "--eval nothing.lua");
  }
  EXPECT_EQ(stage_.Connect()("GET", "k"), "v");
  EXPECT_EQ(Through("--eval cookbook.lua capped , 7 10").out, "7\n");
  // By name on the other node, by a client that has never sent the body.
  for (RedisProcess* node : stage_.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  const std::string sha = Sha1Hex(ReadFile(folder_.File("cookbook.lua")));
  EXPECT_EQ(Through("EVALSHA " + sha + " 1 capped 7 10").out, "10\n");
}

TEST_F(RedisCli, TheDebuggerIsRefusedWithAnErrorThatSaysSo) {
  Tried("--ldb is refused");
  folder_.Write("step.lua", "redis.call('SET', 'k', 'v')\nreturn 7\n");
  for (const std::string form : {"--ldb --eval step.lua", "--ldb-sync-mode --eval step.lua"}) {
    const Ran ran = Through(form);
    EXPECT_TRUE(Has(ran.out + ran.err, "SCRIPT DEBUG is refused")) << ran.out << ran.err;
  }
  // What the debugger would have rolled back was not done.
  EXPECT_EQ(stage_.master()("EXISTS", "k"), ":0");
  EXPECT_EQ(Through("--eval step.lua").out, "7\n");
}

TEST_F(RedisCli, ItIsNoClusterAndNoSentinel) {
  Tried("--cluster, SENTINEL");
  const Ran check = Same("--cluster check 127.0.0.1:{}");
  EXPECT_NE(check.status, 0);
  Same("--cluster info 127.0.0.1:{}");
  Same("-c CLUSTER SLOTS");
  Same("SENTINEL MASTERS");
}

}  // namespace
