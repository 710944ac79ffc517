// Scripts that run for long, and who waits for them: cases 25 and 26.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

// Writes once, and then runs for about so many seconds.
std::string WritesAndRunsFor(const std::string& seconds) {
  return "redis.call('INCR', KEYS[1]) "
         "local function now() local t = redis.call('TIME') return t[1] + t[2] / 1000000 end "
         "local stop = now() + " +
         seconds + " while now() < stop do end return 'ran'";
}

StageOptions OneNode() {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  options.server.args = {"--lua-time-limit", "100"};
  options.config.Set("proxy", "workers", "1");
  return options;
}

// Clients that say a word of their own, by ECHO and by a script, and want it back or BUSY.
class Talkers {
 public:
  static constexpr int kClients = 6;

  explicit Talkers(const Stage& stage) {
    for (int i = 0; i < kClients; ++i)
      threads_.emplace_back([this, i, endpoint = stage.proxy.endpoint()] { Run(i, endpoint); });
  }
  ~Talkers() { Stop(); }
  Talkers(const Talkers&) = delete;
  Talkers& operator=(const Talkers&) = delete;

  // Each of them gets so many more answers.
  bool WaitAnswered(int64_t more) const { return WaitMore(answered_, more); }
  bool WaitBusy(int64_t more) const { return WaitMore(busy_, more); }
  std::string Stop() {
    stop_ = true;
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
    return wrong_;
  }

 private:
  using Counts = std::array<std::atomic<int64_t>, kClients>;

  static bool WaitMore(const Counts& counts, int64_t more) {
    std::array<int64_t, kClients> enough{};
    for (size_t i = 0; i < kClients; ++i) enough[i] = counts[i] + more;
    return WaitUntil([&] {
      for (size_t i = 0; i < kClients; ++i)
        if (counts[i] < enough[i]) return false;
      return true;
    });
  }

  void Run(int number, const Endpoint& endpoint) {
    try {
      RespClient client(endpoint);
      for (int64_t i = 0; !stop_; ++i) {
        const std::string word = std::to_string(number) + "." + std::to_string(i);
        const bool script = i % 2 == 0;
        const Value answer = script ? client.Ask({"EVALSHA", Sha1Hex(ReadScript(1)), "0", word})
                                    : client.Ask({"ECHO", word});
        if (answer.Show() == (script ? "1:" : "") + word) {
          ++answered_[static_cast<size_t>(number)];
        } else if (answer.code() == "BUSY") {
          ++busy_[static_cast<size_t>(number)];
        } else {
          Wrong(answer.Show() + " instead of " + word);
        }
      }
    } catch (const std::exception& error) {
      Wrong("client " + std::to_string(number) + ": " + error.what());
    }
  }

  void Wrong(const std::string& words) {
    const std::lock_guard lock(mutex_);
    wrong_ += words + "\n";
    stop_ = true;
  }

  Counts answered_{};
  Counts busy_{};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::string wrong_;
  std::vector<std::thread> threads_;
};

// Waits until the node says BUSY and new commands no longer go behind the script; on a connection
// of its own (`lease`) nobody else's did. What others had sent until then waits for the script's
// end.
class SlowScript {
 public:
  explicit SlowScript(Stage& stage) : stage_(stage), retired_(Retired()) {}

  bool WaitRunsLong(bool lease = false) {
    RespClient direct = stage_.master().Connect();
    return WaitUntil([&] { return direct.Ask({"PING"}).code() == "BUSY"; }) &&
           (lease || WaitUntil([&] { return Retired() > retired_; }));
  }

 private:
  size_t Retired() const { return stage_.proxy.LogLines("lane.retired").size(); }

  Stage& stage_;
  const size_t retired_;
};

TEST(ScriptCases, Case25_WhileAScriptIsSlowOtherClientsAreAnsweredOrToldBusy) {
  Stage stage(OneNode());
  RespClient slow = stage.Connect();
  ASSERT_EQ(slow("SCRIPT", "LOAD", ReadScript(1)), Sha1Hex(ReadScript(1)));
  Talkers before(stage);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(before.WaitAnswered(20));
    SlowScript script(stage);
    slow.Send({"EVAL", kEndlessScript, "0"});
    ASSERT_TRUE(script.WaitRunsLong());
    Talkers meanwhile(stage);
    ASSERT_TRUE(meanwhile.WaitBusy(5));
    EXPECT_EQ(stage.Connect()("SCRIPT", "KILL"), "+OK");
    const Value killed = slow.Receive();
    EXPECT_TRUE(killed.is_error());
    EXPECT_NE(killed.text.find("Script killed by user"), std::string::npos) << killed;
    ASSERT_TRUE(meanwhile.WaitAnswered(20));
    EXPECT_EQ(meanwhile.Stop(), "");
  }
  ASSERT_TRUE(before.WaitAnswered(20));
  EXPECT_EQ(before.Stop(), "");
}

TEST(ScriptCases, Case25_AScriptThatHasWrittenIsUnkillableAndRunsOnce) {
  Stage stage(OneNode());
  RespClient slow = stage.Connect();
  RespClient other = stage.Connect();
  ASSERT_EQ(slow("SCRIPT", "LOAD", ReadScript(1)), Sha1Hex(ReadScript(1)));
  SlowScript script(stage);
  slow.Send({"EVAL", WritesAndRunsFor("2"), "1", "n"});
  ASSERT_TRUE(script.WaitRunsLong());
  Talkers talkers(stage);
  ASSERT_TRUE(talkers.WaitBusy(1));
  EXPECT_EQ(other.Ask({"SCRIPT", "KILL"}).code(), "UNKILLABLE");
  EXPECT_EQ(slow.Receive().Show(), "ran");
  ASSERT_TRUE(talkers.WaitAnswered(10));
  EXPECT_EQ(talkers.Stop(), "");
  EXPECT_EQ(other("GET", "n"), "1");
}

TEST(ScriptCases, Case25_AClientThatLeavesDuringItsSlowScriptHarmsNobody) {
  Stage stage(OneNode());
  RespClient other = stage.Connect();
  ASSERT_EQ(other("SCRIPT", "LOAD", ReadScript(1)), Sha1Hex(ReadScript(1)));
  Talkers before(stage);
  for (const bool in_multi : {false, true}) {
    for (const bool hard : {false, true}) {
      ASSERT_TRUE(before.WaitAnswered(10));
      SlowScript script(stage);
      RespClient slow = stage.Connect();
      if (in_multi) slow.Send({"MULTI"});
      slow.Send({"EVAL", kEndlessScript, "0"});
      if (in_multi) slow.Send({"EXEC"});
      ASSERT_TRUE(script.WaitRunsLong(in_multi));
      slow.Close(hard);
      Talkers meanwhile(stage);
      ASSERT_TRUE(meanwhile.WaitBusy(3));
      EXPECT_EQ(other("SCRIPT", "KILL"), "+OK");
      ASSERT_TRUE(meanwhile.WaitAnswered(10));
      EXPECT_EQ(meanwhile.Stop(), "");
    }
  }
  ASSERT_TRUE(before.WaitAnswered(10));
  EXPECT_EQ(before.Stop(), "");
}

TEST(ScriptCases, Case25_WhatIsPipelinedBehindASlowScriptIsAnsweredWhenItEnds) {
  Stage stage(OneNode());
  RespClient slow = stage.Connect();
  ASSERT_EQ(slow("SET", "a", "1"), "+OK");
  int appended = 0;
  for (const bool lease : {false, true}) {
    if (lease) {
      ASSERT_EQ(slow("WATCH", "a"), "+OK");
    }
    for (int round = 0; round < 2; ++round) {
      SlowScript script(stage);
      // In one write: on 6.0 a server that served somebody else meanwhile leaves the rest lying.
      slow.SendRaw(Encode({"EVAL", kEndlessScript, "0"}) + Encode({"GET", "a"}) +
                   Encode({"APPEND", "b", "x"}) + Encode({"ECHO", "last"}));
      ASSERT_TRUE(script.WaitRunsLong(lease));
      RespClient other = stage.Connect();
      EXPECT_EQ(other.Ask({"ECHO", "x"}).code(), "BUSY");
      EXPECT_EQ(other("SCRIPT", "KILL"), "+OK");
      EXPECT_TRUE(slow.Receive().is_error());
      EXPECT_EQ(slow.Receive().Show(), "1");
      EXPECT_EQ(slow.Receive().Show(), ":" + std::to_string(++appended));
      EXPECT_EQ(slow.Receive().Show(), "last");
    }
  }
}

TEST(ScriptCases, Case26_AConnectionToABusyReplicaRunsNothingInAnotherDatabase) {
  StageOptions options;
  options.replicas = 1;
  options.reads = "replica";
  options.server.args = {"--lua-time-limit", "20"};
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RedisProcess& replica = stage.replica(0);
  RespClient zero = stage.Connect();
  RespClient three = stage.Connect();
  ASSERT_EQ(three("SELECT", "3"), "+OK");
  ASSERT_EQ(zero("SET", "k", "zero"), "+OK");
  ASSERT_EQ(three("SET", "k", "three"), "+OK");
  stage.nodes.WaitSynced();
  ASSERT_EQ(zero("GET", "k"), "zero");
  ASSERT_EQ(three("GET", "k"), "three");
  for (const bool control_too : {false, true}) {
    const size_t seen = stage.AttachesSeen();
    const size_t down = stage.proxy.LogLines("node.down").size();
    RespClient busy = replica.Connect();
    RespClient asks = replica.Connect();
    // Gone in one moment with the beginning of the script, so that they are made anew while it
    // runs.
    std::vector<RespClient::Args> commands;
    for (const std::string& id : ClientsNamed(replica, "shacast"))
      commands.push_back({"CLIENT", "KILL", "ID", id});
    ASSERT_FALSE(commands.empty());
    if (control_too)
      for (const std::string& id : ClientsNamed(replica, "shacast-control"))
        commands.push_back({"CLIENT", "KILL", "ID", id});
    commands.push_back({"EVAL", kEndlessScript, "0"});
    for (const auto& command : commands) busy.Send(command);
    ASSERT_TRUE(WaitUntil([&] { return asks.Ask({"PING"}).code() == "BUSY"; }));
    for (int i = 0; i < 20; ++i) {
      for (RespClient* client : {&zero, &three}) {
        const Value answer = client->Ask({"GET", "k"});
        EXPECT_TRUE(answer.code() == "BUSY" || (control_too && answer.code() == "UPSTREAMDOWN"))
            << answer;
      }
    }
    if (!control_too) {
      EXPECT_EQ(stage.AttachesSeen(), seen);
      EXPECT_EQ(stage.proxy.LogLines("node.down").size(), down);
      EXPECT_EQ(stage.proxy.StateOf(replica), "readable");
    }
    // Through us, or, if our own way to it was cut a moment ago, as soon as it is there again.
    ASSERT_TRUE(WaitUntil([&] { return zero("SCRIPT", "KILL") == "+OK"; }));
    for (size_t i = 0; i + 1 < commands.size(); ++i) EXPECT_EQ(busy.Receive().Show(), ":1");
    EXPECT_TRUE(busy.Receive().is_error());
    ASSERT_TRUE(WaitUntil([&] { return three("GET", "k") == "three"; }));
    EXPECT_EQ(zero("GET", "k"), "zero");
  }
}

}  // namespace
