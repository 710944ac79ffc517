// Signals: SIGTERM and SIGINT answer what was asked and end, a second one ends at once, SIGHUP
// opens the log file anew.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "tests/support/ports.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

StageOptions WithoutReplicas() {
  StageOptions options;
  options.replicas = 0;
  return options;
}

// A client that waits for an element of a list, at the server.
RespClient Blocked(Stage& stage) {
  RespClient client = stage.Connect();
  client.Send({"BLPOP", "list", "0"});
  EXPECT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  return client;
}

TEST(Stopping, EitherSignalEndsAnIdleProxyWithStatusZero) {
  for (const auto& [number, name] : {std::pair{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}}) {
    Stage stage(WithoutReplicas());
    RespClient idle = stage.Connect();
    ASSERT_EQ(idle("SET", "k", "v"), "+OK");
    stage.proxy.ExpectGone();
    stage.proxy.process().Signal(number);
    EXPECT_TRUE(idle.SeesEnd()) << name;
    EXPECT_EQ(stage.proxy.process().WaitExit(), 0) << name;
    EXPECT_EQ(stage.proxy.LogLines("stop.draining", std::string("signal=") + name).size(), 1u);
    EXPECT_EQ(stage.proxy.LogLines("stop.forced").size(), 0u);
    EXPECT_TRUE(stage.proxy.Log().find(" stop  ") != std::string::npos);
  }
}

TEST(Stopping, ACommandThatIsOnItsWayIsAnsweredFirst) {
  Stage stage(WithoutReplicas());
  RespClient waits = Blocked(stage);
  stage.proxy.ExpectGone();
  stage.proxy.process().Signal(SIGTERM);
  ASSERT_TRUE(stage.proxy.WaitLog("stop.draining", "clients=1"));
  EXPECT_ANY_THROW(stage.Connect()("PING")) << "nobody new is let in";
  EXPECT_TRUE(stage.proxy.process().Running());
  stage.master()("RPUSH", "list", "element");
  EXPECT_EQ(waits.Receive().Show(), "[list, element]");
  EXPECT_TRUE(waits.SeesEnd());
  EXPECT_EQ(stage.proxy.process().WaitExit(), 0);
  EXPECT_EQ(stage.proxy.LogLines("stop.forced").size(), 0u);
}

TEST(Stopping, APipelineIsAnsweredToItsEnd) {
  Stage stage(WithoutReplicas());
  RespClient client = stage.Connect();
  client.SendRaw(Encode({"BLPOP", "list", "0"}) + Encode({"INCR", "n"}) + Encode({"INCR", "n"}));
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  stage.proxy.ExpectGone();
  stage.proxy.process().Signal(SIGTERM);
  ASSERT_TRUE(stage.proxy.WaitLog("stop.draining"));
  stage.master()("RPUSH", "list", "element");
  EXPECT_EQ(client.Receive().Show(), "[list, element]");
  EXPECT_EQ(client.Receive().Show(), ":1");
  EXPECT_EQ(client.Receive().Show(), ":2");
  EXPECT_TRUE(client.SeesEnd());
  EXPECT_EQ(stage.proxy.process().WaitExit(), 0);
}

TEST(Stopping, ASecondSignalEndsItAtOnce) {
  for (const int second : {SIGTERM, SIGINT}) {
    Stage stage(WithoutReplicas());
    RespClient waits = Blocked(stage);
    stage.proxy.ExpectGone();
    stage.proxy.process().Signal(SIGTERM);
    ASSERT_TRUE(stage.proxy.WaitLog("stop.draining"));
    stage.proxy.process().Signal(second);
    EXPECT_TRUE(waits.SeesEnd());
    EXPECT_EQ(stage.proxy.process().WaitExit(), 0);
    EXPECT_EQ(stage.proxy.LogLines("stop.now").size(), 1u);
  }
}

TEST(Stopping, SignalsUntilItsVeryEndDoNotChangeItsStatus) {
  RedisProcess server;
  for (int round = 0; round < 10; ++round) {
    ProxyProcess proxy({server.address()}, ProxyConfig());
    proxy.ExpectGone();
    ASSERT_TRUE(WaitUntil([&] {
      for (int i = 0; i < 1000 && proxy.process().Running(); ++i) proxy.process().Signal(SIGTERM);
      return !proxy.process().Running();
    }));
    EXPECT_EQ(proxy.process().WaitExit(), 0);
  }
}

TEST(Stopping, WhoDoesNotFinishInTimeIsClosed) {
  StageOptions options = WithoutReplicas();
  options.config.Set("proxy", "drain_timeout", TomlString("50ms"));
  Stage stage(options);
  RespClient waits = Blocked(stage);
  stage.proxy.ExpectGone();
  stage.proxy.process().Signal(SIGTERM);
  EXPECT_TRUE(waits.SeesEnd());
  EXPECT_EQ(stage.proxy.process().WaitExit(), 0);
  EXPECT_EQ(stage.proxy.LogLines("stop.forced", "clients=1").size(), 1u);
}

TEST(Hangup, OpensTheLogFileAnewAndDisturbsNobody) {
  RedisProcess server;
  const TempFolder folder;
  const std::string log = folder.File("shacast.log");
  const std::string moved = folder.File("shacast.log.1");
  const Endpoint endpoint{"127.0.0.1", FreePort(), ""};
  const std::string file = folder.Write("c.toml", "[log]\nfile = " + TomlString(log) + "\n");
  ChildProcess shacast({ProxyBinary(),
                        {ProxyBinary(), "--config", file, "--listen", endpoint.ToString(),
                         "--upstream", server.address()},
                        folder.File("output"),
                        ""});
  const auto has = [](const std::string& path, const std::string& words) {
    return ReadFile(path).find(words) != std::string::npos;
  };
  ASSERT_TRUE(WaitUntil([&] { return has(log, "topology.changed"); }));
  RespClient client(endpoint);
  ASSERT_EQ(client("SET", "k", "v"), "+OK");

  // As a program that rotates logs does it, twice.
  std::filesystem::rename(log, moved);
  shacast.Signal(SIGHUP);
  ASSERT_TRUE(WaitUntil([&] { return has(log, "reload.not_supported"); }));
  EXPECT_EQ(client("EVAL", "return 1", "0"), ":1");
  ASSERT_TRUE(WaitUntil([&] { return has(log, "script.learned"); }));
  EXPECT_FALSE(has(moved, "script.learned"));
  std::filesystem::rename(log, moved);
  shacast.Signal(SIGHUP);
  ASSERT_TRUE(WaitUntil([&] { return has(log, "reload.not_supported"); }));
  EXPECT_EQ(client("GET", "k"), "v");

  shacast.Signal(SIGTERM);
  EXPECT_EQ(shacast.WaitExit(), 0);
  EXPECT_TRUE(has(log, " stop  "));
  EXPECT_EQ(ReadFile(folder.File("output")), "");
}

TEST(Hangup, AFileThatCannotBeOpenedAnewIsSaidInTheOldOne) {
  RedisProcess server;
  const TempFolder folder;
  const std::string logs = folder.File("logs");
  std::filesystem::create_directory(logs);
  const std::string moved = folder.File("moved");
  const std::string file =
      folder.Write("c.toml", "[log]\nfile = " + TomlString(logs + "/shacast.log") + "\n");
  ChildProcess shacast({ProxyBinary(),
                        {ProxyBinary(), "--config", file, "--listen",
                         "127.0.0.1:" + std::to_string(FreePort()), "--upstream", server.address()},
                        folder.File("output"),
                        ""});
  ASSERT_TRUE(WaitUntil(
      [&] { return ReadFile(logs + "/shacast.log").find(" start  ") != std::string::npos; }));
  std::filesystem::rename(logs, moved);
  folder.Write("logs", "a file where the folder was");
  shacast.Signal(SIGHUP);
  EXPECT_TRUE(WaitUntil([&] {
    return ReadFile(moved + "/shacast.log").find("log.reopen_failed") != std::string::npos;
  }));
  shacast.Signal(SIGTERM);
  EXPECT_EQ(shacast.WaitExit(), 0);
}

}  // namespace
