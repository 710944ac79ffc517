// The command line as a user meets it: what is printed where, and with which status it ends.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/ports.h"
#include "tests/support/proxy_process.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_folder.h"

namespace {

using namespace support;

using Words = std::vector<std::string>;

Finished Shacast(const Words& arguments) {
  return RunToEnd(ProxyBinary(), arguments);
}

Words LinesOf(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

// --- Answers -------------------------------------------------------------------------------------

TEST(CommandLine, HelpNamesEveryOptionAndEveryExitStatus) {
  for (const char* flag : {"--help", "-h"}) {
    const Finished run = Shacast({flag});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    for (const char* words : {"--help", "--version", "--config FILE", "--check-config",
                              "--print-config", "--listen ADDRESS", "--upstream NODES", "demo",
                              "0 clean stop, 1 run-time failure, 2 usage, 78 configuration"})
      EXPECT_TRUE(Has(run.out, words)) << words << " is missing:\n" << run.out;
    for (const auto& line : LinesOf(run.out)) EXPECT_LE(line.size(), 120u) << line;
  }
}

TEST(CommandLine, VersionNamesTheBuildAndItsLibraries) {
  for (const char* flag : {"--version", "-v"}) {
    const Finished run = Shacast({flag});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    EXPECT_TRUE(run.out.starts_with("shacast 0.")) << run.out;
    for (const char* words : {"g++", "libuv", "OpenSSL", "hiredis"})
      EXPECT_TRUE(Has(run.out, words)) << words << " is missing:\n" << run.out;
  }
}

// --- Usage ---------------------------------------------------------------------------------------

TEST(CommandLine, WhatIsWrongIsSaidInOneLineWithTheWayToTheHelp) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--confg", "x"}, "unknown argument \"--confg\"; did you mean \"--config\"?"},
      {{"--check-confg"}, "unknown argument \"--check-confg\"; did you mean \"--check-config\"?"},
      {{"--listn=127.0.0.1:1"},
       "unknown argument \"--listn=127.0.0.1:1\"; did you mean \"--listen\"?"},
      {{"--frobnicate"}, "unknown argument \"--frobnicate\""},
      {{"stray"}, "unknown argument \"stray\""},
      {{"demo", "stray"}, "unknown argument \"stray\""},
      {{"--config"}, ""},
      {{"--listen"}, ""},
      {{"--upstream"}, ""},
      {{"--upstream", ""}, "--upstream: a node is expected"},
      {{"--config", "a", "--config", "b"}, ""},
      {{"--check-config", "--print-config"}, "--check-config or --print-config, not both"},
      {{"demo", "--listen", "127.0.0.1:1"}, ""},
      {{"--once"}, "unknown argument \"--once\""},
  };
  for (const auto& [arguments, words] : cases) {
    std::string line;
    for (const auto& argument : arguments) line += argument + " ";
    const Finished run = Shacast(arguments);
    EXPECT_EQ(run.status, 2) << line;
    EXPECT_EQ(run.out, "") << line;
    const Words said = LinesOf(run.err);
    ASSERT_EQ(said.size(), 2u) << line << "\n" << run.err;
    EXPECT_TRUE(said[0].starts_with("shacast: ")) << said[0];
    EXPECT_LE(said[0].size(), 100u) << said[0];
    EXPECT_EQ(said[1], "Try shacast --help.");
    if (!words.empty()) {
      EXPECT_EQ(said[0], "shacast: " + words);
    }
  }
}

// --- The configuration ---------------------------------------------------------------------------

TEST(CommandLine, AGoodConfigurationIsSaidToBeGood) {
  const TempFolder folder;
  const std::string file = folder.Write("good.toml", "[routing]\nreads = \"any\"\n");
  Finished run = Shacast({"--config", file, "--check-config"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, file + ": ok\n");
  EXPECT_EQ(run.err, "");
  run = Shacast({"--check-config"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "the defaults: ok\n");
  run = Shacast({"--check-config", "--listen", "127.0.0.1:1", "--upstream", "a:1,b:2"});
  EXPECT_EQ(run.status, 0) << run.err;
}

TEST(CommandLine, EverythingThatIsWrongIsListedAtOnceWithItsPlace) {
  const TempFolder folder;
  const std::string file = folder.Write("bad.toml", R"([proxy]
lisen = ["127.0.0.1:1"]
workers = "2"
max_clients = 0
drain_timeout = "30"
[upstream]
nodes = ["localhost"]
username = "u"
sentinel_master = "x"
[routing]
reads = "prefer-replicas"
[scripts]
max_memory = "64m"
[logs]
level = "info"
)");
  const Words expected = {
      ":2:1: unknown key \"lisen\" in [proxy]; did you mean \"listen\"?",
      ":3:11: proxy.workers: expected an integer, got a string",
      ":4:15: proxy.max_clients: 0 is out of range, 1 to 1000000",
      ":5:17: proxy.drain_timeout: a duration needs a unit (ms, s, m or h), got \"30\"",
      ":7:10: upstream.nodes: \"localhost\" has no port; did you mean \"localhost:6379\"?",
      ":8:12: upstream.username: is set, but neither password nor password_file is",
      ":9:19: upstream.sentinel_master: a value other than the default (\"mymaster\") is not yet "
      "supported",
      ":9:19: upstream.sentinel_master: is set, but discovery is \"replication\", not \"sentinel\"",
      ":11:9: routing.reads: expected ",
      ":13:14: scripts.max_memory: ",
      ":14:2: unknown section [logs]; did you mean \"log\"?",
  };
  for (const Words& flags : {Words{"--check-config"}, Words{"--print-config"}, Words{}}) {
    Words arguments = {"--config", file};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Finished run = Shacast(arguments);
    EXPECT_EQ(run.status, 78);
    EXPECT_EQ(run.out, "");
    const Words said = LinesOf(run.err);
    ASSERT_EQ(said.size(), expected.size()) << run.err;
    for (size_t i = 0; i < said.size(); ++i)
      EXPECT_TRUE(said[i].starts_with(file + expected[i])) << said[i];
    EXPECT_TRUE(Has(said[8], "did you mean \"prefer-replica\"?")) << said[8];
    EXPECT_TRUE(Has(said[9], "did you mean \"64mb\"?")) << said[9];
  }
}

TEST(CommandLine, AFileThatCannotBeReadIsAMistakeInTheConfiguration) {
  const TempFolder folder;
  for (const auto& [file, words] : {std::pair{folder.File("none.toml"), "No such file"},
                                    std::pair{folder.path(), "directory"}}) {
    for (const Words& arguments :
         {Words{"--config", file}, Words{"--config", file, "--check-config"}}) {
      const Finished run = Shacast(arguments);
      EXPECT_EQ(run.status, 78) << file;
      EXPECT_EQ(run.out, "");
      EXPECT_TRUE(run.err.starts_with(file + ": cannot open: ")) << run.err;
      EXPECT_TRUE(Has(run.err, words)) << run.err;
      EXPECT_EQ(LinesOf(run.err).size(), 1u) << run.err;
    }
  }
}

TEST(CommandLine, WhatIsPrintedHidesSecretsAndPassesTheCheckAgain) {
  const TempFolder folder;
  const std::string password_file = folder.Write("pw", "s3cret-of-a-file\n");
  const std::string users =
      "[proxy]\nusers = [{ name = \"a\", password_file = " + TomlString(password_file) + " }]\n";
  for (const std::string& toml :
       {std::string("[upstream]\nusername = \"u\"\npassword = \"s3cret\"\n"),
        std::string("[upstream]\npassword = \"s3cret\"\n"),
        users + "[upstream]\nusername = \"u\"\npassword_file = " + TomlString(password_file) + "\n",
        std::string()}) {
    const Finished run = Shacast({"--config", folder.Write("c.toml", toml), "--print-config"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_FALSE(Has(run.out, "s3cret")) << run.out;
    EXPECT_TRUE(Has(run.out, "[scripts]\n")) << run.out;
    const std::string printed = folder.Write("printed.toml", run.out);
    const Finished again = Shacast({"--config", printed, "--check-config"});
    EXPECT_EQ(again.status, 0) << again.err << run.out;
    // ... and says the same once more, but for the places.
    const Finished twice = Shacast({"--config", printed, "--print-config"});
    const Words first = LinesOf(run.out);
    const Words second = LinesOf(twice.out);
    ASSERT_EQ(first.size(), second.size());
    for (size_t i = 0; i < first.size(); ++i)
      EXPECT_EQ(first[i].substr(0, first[i].find("  #")),
                second[i].substr(0, second[i].find("  #")));
  }
}

TEST(CommandLine, FlagsAreInForceInWhatIsPrinted) {
  const Finished run = Shacast({"--listen", "127.0.0.1:7001", "--listen", "unix:/tmp/s",
                                "--upstream", "a:1, b:2", "--print-config"});
  EXPECT_EQ(run.status, 0);
  EXPECT_TRUE(Has(run.out, R"(listen = ["127.0.0.1:7001", "unix:/tmp/s"])")) << run.out;
  EXPECT_TRUE(Has(run.out, R"(nodes = ["a:1", "b:2"])")) << run.out;
  EXPECT_TRUE(Has(run.out, "# flag --listen")) << run.out;
}

// --- Starting ------------------------------------------------------------------------------------

TEST(CommandLine, AnAddressThatIsTakenIsARunTimeFailureThatNamesIt) {
  const Fd taken = ListenOnLoopback(0, 5);
  const std::string address = "127.0.0.1:" + std::to_string(PortOf(taken));
  const Finished run = Shacast({"--listen", address, "--upstream", "127.0.0.1:1"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(Has(run.err, "start.failed")) << run.err;
  EXPECT_TRUE(Has(run.err, "cannot listen on " + address + ": Address already in use")) << run.err;
}

TEST(CommandLine, AFailureToStartIsSaidOnTheTerminalAlsoWhereTheLogIsAFile) {
  const TempFolder folder;
  const Fd taken = ListenOnLoopback(0, 5);
  const std::string address = "127.0.0.1:" + std::to_string(PortOf(taken));
  const std::string log = folder.File("shacast.log");
  const std::string file = folder.Write("c.toml", "[log]\nfile = " + TomlString(log) + "\n");
  const Finished run = Shacast({"--config", file, "--listen", address});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "shacast: cannot listen on " + address + ": Address already in use\n");
  EXPECT_TRUE(Has(ReadFile(log), "start.failed")) << ReadFile(log);
}

TEST(CommandLine, ListenAndUpstreamNeedNoFile) {
  RedisProcess server;
  const TempFolder folder;
  const Endpoint one{"127.0.0.1", FreePort(), ""};
  const Endpoint other{"", 0, folder.File("s.sock")};
  ChildProcess shacast({ProxyBinary(),
                        {ProxyBinary(), "--listen", one.ToString(), "--listen",
                         "unix:" + other.path, "--upstream", server.address()},
                        folder.File("log"),
                        ""});
  ASSERT_TRUE(WaitUntil([&] { return Has(ReadFile(folder.File("log")), " start  "); }));
  RespClient by_tcp(one);
  RespClient by_socket(other);
  EXPECT_EQ(by_tcp("SET", "k", "v"), "+OK");
  EXPECT_EQ(by_socket("GET", "k"), "v");
  shacast.Signal(SIGTERM);
  EXPECT_EQ(shacast.WaitExit(), 0);
}

}  // namespace
