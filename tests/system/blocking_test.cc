// Commands that wait in the server: each of them, beside a direct connection.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;

// A command that waits for `wakes`, or, with the last but one word of it, for so many seconds.
struct Waits {
  Args command;      // with TIMEOUT where the time goes
  std::string zero;  // ... and what is for ever there
  std::string brief;
  std::vector<Args> wakes;
};

std::vector<Waits> All() {
  std::vector<Waits> all = {
      {{"BLPOP", "a", "l", "TIMEOUT"}, "0", "0.02", {{"RPUSH", "l", "x"}}},
      {{"BRPOP", "l", "TIMEOUT"}, "0", "0.02", {{"RPUSH", "l", "x", "y"}}},
      {{"BRPOPLPUSH", "l", "to", "TIMEOUT"}, "0", "0.02", {{"RPUSH", "l", "x"}}},
      {{"BZPOPMIN", "z", "TIMEOUT"}, "0", "0.02", {{"ZADD", "z", "1", "x", "2", "y"}}},
      {{"BZPOPMAX", "z", "y", "TIMEOUT"}, "0", "0.02", {{"ZADD", "z", "1", "x", "2", "y"}}},
      {{"XREAD", "COUNT", "2", "BLOCK", "TIMEOUT", "STREAMS", "s", "$"},
       "0",
       "20",
       {{"XADD", "s", "5-1", "f", "v"}}},
      {{"XREADGROUP", "GROUP", "g", "c", "BLOCK", "TIMEOUT", "STREAMS", "t", ">"},
       "0",
       "20",
       {{"XADD", "t", "5-1", "f", "v"}}},
  };
  if (Server().major >= 7) {
    all.push_back(
        {{"BLMOVE", "l", "to", "LEFT", "RIGHT", "TIMEOUT"}, "0", "0.02", {{"RPUSH", "l", "x"}}});
    all.push_back({{"BLMPOP", "TIMEOUT", "2", "a", "l", "RIGHT", "COUNT", "2"},
                   "0",
                   "0.02",
                   {{"RPUSH", "l", "x", "y", "w"}}});
    all.push_back({{"BZMPOP", "TIMEOUT", "1", "z", "MAX", "COUNT", "2"},
                   "0",
                   "0.02",
                   {{"ZADD", "z", "1", "x", "2", "y"}}});
  }
  return all;
}

Args WithTimeout(Args command, const std::string& time) {
  for (std::string& word : command)
    if (word == "TIMEOUT") word = time;
  return command;
}

class Blocking : public ::testing::Test {
 protected:
  Blocking() { Prepare(); }

  void Prepare() {
    other_("FLUSHALL");
    other_("XGROUP", "CREATE", "t", "g", "$", "MKSTREAM");
  }
  bool Blocked(int64_t clients) {
    return WaitUntil([&] {
      return stage_.master().InfoNumber("blocked_clients") == clients &&
             oracle_.InfoNumber("blocked_clients") == clients;
    });
  }

  Stage stage_{OneNode()};
  RedisProcess oracle_;
  Twin both_{stage_, oracle_};
  Twin other_{stage_, oracle_};
};

TEST_F(Blocking, EveryCommandIsWokenByAnotherClient) {
  for (const char* protocol : {"2", "3"}) {
    for (RespClient* client : {&both_.ours, &both_.direct}) client->Ask({"HELLO", protocol});
    for (const Waits& waits : All()) {
      both_.Send(WithTimeout(waits.command, waits.zero));
      ASSERT_TRUE(Blocked(1)) << waits.command[0];
      for (const Args& wakes : waits.wakes) other_.Ask(wakes);
      const Value woken = both_.Receive(waits.command[0]);
      EXPECT_FALSE(woken.is_error() || woken.is_null()) << waits.command[0] << " " << woken;
      // And what is there already is taken at once.
      Prepare();
      if (waits.command[0] != "XREAD") {
        for (const Args& wakes : waits.wakes) other_.Ask(wakes);
        EXPECT_FALSE(both_.Ask(WithTimeout(waits.command, waits.zero)).is_null());
      }
      Prepare();
    }
  }
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Blocking, EveryCommandEndsWithItsTime) {
  for (const char* protocol : {"2", "3"}) {
    for (RespClient* client : {&both_.ours, &both_.direct}) client->Ask({"HELLO", protocol});
    for (const Waits& waits : All())
      EXPECT_TRUE(both_.Ask(WithTimeout(waits.command, waits.brief)).is_null()) << waits.command[0];
  }
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Blocking, ATimeThatIsNoneIsRefusedInTheServersWords) {
  for (const Waits& waits : All())
    for (const char* time : {"-1", "x", "", "nan", "1e400", "99999999999999999999", " 1"})
      EXPECT_TRUE(both_.Ask(WithTimeout(waits.command, time)).is_error())
          << waits.command[0] << " " << time;
  for (const Args& wrong :
       {Args{"BLPOP", "l"}, Args{"BLMPOP", "0", "0", "l", "LEFT"},
        Args{"BLMOVE", "a", "b", "UP", "LEFT", "0"}, Args{"WAIT", "1"}, Args{"WAIT", "x", "0"},
        Args{"WAITAOF", "1", "0"}, Args{"XREAD", "BLOCK", "0", "STREAMS", "s"},
        Args{"XREADGROUP", "GROUP", "none", "c", "BLOCK", "0", "STREAMS", "t", ">"}})
    EXPECT_TRUE(both_.Ask(wrong).is_error()) << wrong[0];
  other_("SET", "l", "a string");
  EXPECT_EQ(both_.Ask({"BLPOP", "l", "0"}).code(), "WRONGTYPE");
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Blocking, InsideATransactionAndAScriptNothingWaits) {
  for (const Waits& waits : All()) {
    EXPECT_EQ(both_("MULTI"), "+OK");
    EXPECT_EQ(both_.Ask(WithTimeout(waits.command, "0")).Show(), "+QUEUED");
    const Value ran = both_.Ask({"EXEC"});
    ASSERT_EQ(ran.elements.size(), 1u);
    EXPECT_TRUE(ran.elements[0].is_null()) << waits.command[0];
    std::string call = "return redis.call('" + waits.command[0] + "'";
    for (size_t i = 1; i < waits.command.size(); ++i)
      call += ", '" + (waits.command[i] == "TIMEOUT" ? "0" : waits.command[i]) + "'";
    both_.Ask({"EVAL", call + ")", "0"});
  }
  both_("MULTI");
  both_("WAIT", "3", "0");
  EXPECT_EQ(both_("EXEC"), "[:0]");
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Blocking, InTheMiddleOfAPipelineItHoldsUpWhatIsBehindItOnly) {
  for (RespClient* client : {&both_.ours, &both_.direct})
    client->SendRaw(Encode({"SET", "k", "1"}) + Encode({"GET", "k"}) + Encode({"BLPOP", "l", "0"}) +
                    Encode({"INCR", "k"}) +
                    Encode({"EVAL", "return redis.call('INCR', KEYS[1])", "1", "k"}) +
                    Encode({"BLPOP", "l", "0"}) + Encode({"GET", "k"}));
  EXPECT_EQ(both_.Receive().Show(), "+OK");
  EXPECT_EQ(both_.Receive().Show(), "1");
  ASSERT_TRUE(Blocked(1));
  EXPECT_EQ(other_("GET", "k"), "1") << "nothing behind it has run";
  EXPECT_EQ(other_("RPUSH", "l", "x"), ":1");
  EXPECT_EQ(both_.Receive().Show(), "[l, x]");
  EXPECT_EQ(both_.Receive().Show(), ":2");
  EXPECT_EQ(both_.Receive().Show(), ":3");
  ASSERT_TRUE(Blocked(1));
  EXPECT_EQ(other_("RPUSH", "l", "y"), ":1");
  EXPECT_EQ(both_.Receive().Show(), "[l, y]");
  EXPECT_EQ(both_.Receive().Show(), "3");
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Blocking, WhoWaitsLongestIsServedFirst) {
  std::vector<Twin> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.emplace_back(stage_, oracle_);
    waiting.back().Send({"BLPOP", "l", "0"});
    ASSERT_TRUE(Blocked(i + 1));
  }
  for (int i = 0; i < 6; ++i) other_("RPUSH", "l", std::to_string(i));
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(waiting[i].Receive().Show(), "[l, " + std::to_string(i) + "]");
}

TEST_F(Blocking, HundredsWaitAtOnceAndHoldUpNobody) {
  constexpr int kClients = 300;
  std::vector<RespClient> waiting;
  for (int i = 0; i < kClients; ++i) {
    waiting.push_back(stage_.Connect());
    waiting.back().Send({"BLPOP", "l" + std::to_string(i), "0"});
  }
  RespClient other = stage_.Connect();
  ASSERT_TRUE(WaitUntil([&] { return stage_.master().InfoNumber("blocked_clients") == kClients; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other("INCR", "n"), ":" + std::to_string(i + 1));
  std::vector<Args> pushes;
  for (int i = 0; i < kClients; ++i) pushes.push_back({"RPUSH", "l" + std::to_string(i), "x"});
  other.Pipeline(pushes);
  for (int i = 0; i < kClients; ++i)
    EXPECT_EQ(waiting[i].Receive().Show(), "[l" + std::to_string(i) + ", x]");
  EXPECT_EQ(LeasesLent(stage_), 0);
  // Their connections are lent again.
  const int64_t before = stage_.master().InfoNumber("total_connections_received");
  for (int i = 0; i < kClients; ++i) waiting[i].Send({"BRPOP", "none", "0.05"});
  for (int i = 0; i < kClients; ++i) EXPECT_TRUE(waiting[i].Receive().is_null());
  EXPECT_LE(stage_.master().InfoNumber("total_connections_received") - before, 2);
}

TEST_F(Blocking, NothingIsLostWithAClientThatLeaves) {
  enum class Way { kClose, kReset, kHalf };
  for (const Waits& waits : All()) {
    for (const Way way : {Way::kClose, Way::kReset, Way::kHalf}) {
      RespClient client = stage_.Connect();
      client.Send(WithTimeout(waits.command, "0"));
      ASSERT_TRUE(WaitUntil([&] { return stage_.master().InfoNumber("blocked_clients") == 1; }));
      if (way == Way::kHalf) {
        client.ShutdownWrite();
      } else {
        client.Close(way == Way::kReset);
      }
      ASSERT_TRUE(WaitUntil([&] { return stage_.master().InfoNumber("blocked_clients") == 0; }))
          << waits.command[0];
      // The next who asks gets what the one who left would have been given.
      both_.Send(WithTimeout(waits.command, waits.zero));
      ASSERT_TRUE(Blocked(1));
      for (const Args& wakes : waits.wakes) other_.Ask(wakes);
      EXPECT_FALSE(both_.Receive(waits.command[0]).is_null());
      Prepare();
    }
  }
  EXPECT_TRUE(WaitUntil([&] { return LeasesLent(stage_) == 0; }));
}

TEST_F(Blocking, WhatWaitsIsToldWhenItsKeyOrGroupIsGone) {
  both_.Send({"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "t", ">"});
  ASSERT_TRUE(Blocked(1));
  other_("DEL", "t");
  if (Server().major >= 7) {
    EXPECT_TRUE(both_.Receive().is_error());
  } else {
    other_("XGROUP", "CREATE", "t", "g", "$", "MKSTREAM");
    other_("XADD", "t", "5-1", "f", "v");
    both_.Receive();
  }
  // Another type does not wake it, and an element that is gone at once does not either.
  both_.Send({"BLPOP", "l", "0"});
  ASSERT_TRUE(Blocked(1));
  other_("SET", "l", "a string");
  other_("DEL", "l");
  EXPECT_EQ(other_("EVAL", "redis.call('RPUSH', 'l', 'x') return redis.call('LPOP', 'l')", "0"),
            "x");
  EXPECT_EQ(other_("RPUSH", "l", "for it"), ":1");
  EXPECT_EQ(both_.Receive().Show(), "[l, for it]");
}

TEST_F(Blocking, WhoseConnectionIsLostIsToldThatItMayHaveRun) {
  RespClient client = stage_.Connect();
  client.Send({"BLPOP", "l", "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage_.master().InfoNumber("blocked_clients") == 1; }));
  for (const std::string& id : ClientsNamed(stage_.master(), "shacast"))
    stage_.master()("CLIENT", "KILL", "ID", id);
  const std::string lost = client.Receive().Show();
  EXPECT_EQ(lost, "-UPSTREAMLOST connection to " + stage_.master().address() +
                      " lost; the command may have been executed");
  EXPECT_EQ(client("RPUSH", "l", "x"), ":1");
  EXPECT_EQ(client("BLPOP", "l", "0"), "[l, x]");
}

TEST_F(Blocking, WaitCountsWhatIsThere) {
  EXPECT_EQ(both_("SET", "k", "v"), "+OK");
  EXPECT_EQ(both_("WAIT", "0", "0"), ":0");
  EXPECT_EQ(both_("WAIT", "1", "20"), ":0") << "there is no replica";
  both_.Ask({"WAITAOF", "0", "0", "20"});
  both_.Ask({"WAITAOF", "1", "0", "20"});
  both_.Ask({"WAITAOF", "0", "1", "20"});
  for (RespClient* client : {&both_.ours, &both_.direct}) {
    client->Ask({"CONFIG", "SET", "appendonly", "yes"});
    client->Ask({"SET", "k", "w"});
  }
  both_.Ask({"WAITAOF", "1", "0", "10000"});
  EXPECT_EQ(LeasesLent(stage_), 0);
}

}  // namespace
