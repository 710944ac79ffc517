// MULTI, EXEC, DISCARD, WATCH and UNWATCH: what own_connection_test.cc leaves open.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/twin.h"

namespace {

using namespace support;

using Args = RespClient::Args;

class Transaction : public ::testing::Test {
 protected:
  void Story(Twin& both, const std::vector<Args>& commands) {
    for (const Args& command : commands) both.Ask(command);
  }

  Stage stage_{OneNode()};
  RedisProcess oracle_;
  Twin both_{stage_, oracle_};
  Twin other_{stage_, oracle_};
};

TEST_F(Transaction, AnErrorWhileQueueingAbortsIt) {
  for (const char* protocol : {"2", "3"}) {
    for (RespClient* client : {&both_.ours, &both_.direct}) client->Ask({"HELLO", protocol});
    for (const Args& wrong :
         {Args{"NONSENSE"}, Args{"GET"}, Args{"SET", "k"}, Args{"EVAL"}, Args{"EVALSHA", "x"},
          Args{"CONFIG", "NONSENSE"}, Args{"CLIENT", "NONSENSE"}, Args{"SELECT"}}) {
      EXPECT_EQ(both_("MULTI"), "+OK");
      EXPECT_EQ(both_("SET", "k", "must not be"), "+QUEUED");
      both_.Ask(wrong);
      EXPECT_EQ(both_("SET", "k", "must not be"), "+QUEUED");
      both_("EXEC");
      // Before 7.0 a subcommand is looked at only when it is run.
      const bool late = Server().major < 7 && wrong.size() == 2 && wrong[1] == "NONSENSE";
      EXPECT_EQ(both_("DEL", "k"), late ? ":1" : ":0") << wrong[0];
    }
  }
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Transaction, WhatTheServerForbidsInsideIsForbidden) {
  // Each alone: on some versions such an error aborts the transaction.
  for (const Args& command :
       {Args{"MULTI"}, Args{"WATCH", "k"}, Args{"UNWATCH"}, Args{"MULTI", "x"},
        Args{"HELLO", "2", "NONSENSE"}, Args{"HELLO", "9"}, Args{"SELECT", "999"},
        Args{"SCRIPT", "EXISTS", "x"}, Args{"PUBLISH", "c", "m"}, Args{"PING"},
        Args{"WAIT", "0", "0"}, Args{"FLUSHALL"}, Args{"SWAPDB", "0", "1"},
        Args{"OBJECT", "ENCODING", "n"}, Args{"ECHO", "x"}, Args{"FUNCTION", "KILL"}}) {
    both_.Ask({"SET", "n", "1"});
    both_.Ask({"MULTI"});
    both_.Ask({"INCR", "n"});
    both_.Ask(command);
    both_.Ask({"INCR", "n"});
    both_.Ask({"EXEC"});
    both_.Ask({"GET", "n"});
    both_.Ask({"DISCARD"});
    both_.Ask({"SELECT", "0"});
  }
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Transaction, CommandsThatFailWhenRunDoNotEndIt) {
  Story(both_, {{"SET", "k", "text"},
                {"MULTI"},
                {"INCR", "k"},
                {"LPUSH", "k", "x"},
                {"SET", "after", "1"},
                {"EVAL", "return redis.call('INCR', KEYS[1])", "1", "k"},
                {"EVALSHA", std::string(40, 'a'), "0"},
                {"EXEC"},
                {"GET", "after"}});
  EXPECT_EQ(both_("GET", "after"), "1");
}

TEST_F(Transaction, AWatchedKeyIsTouchedByEveryKindOfChange) {
  const std::vector<std::vector<Args>> touches = {
      {{"SET", "k", "2"}},
      {{"SET", "k", "1"}},  // to what it was
      {{"DEL", "k"}},
      {{"EXPIRE", "k", "100"}},
      {{"EXPIRE", "k", "0"}},
      {{"RENAME", "k", "l"}},
      {{"EVAL", "return redis.call('INCR', KEYS[1])", "1", "k"}},
      {{"MULTI"}, {"INCR", "k"}, {"EXEC"}},
      {{"SELECT", "1"}, {"MOVE", "other", "0"}, {"SELECT", "0"}, {"RENAME", "other", "k"}},
      {{"FLUSHDB"}},
      {{"FLUSHALL"}},
      {{"SWAPDB", "0", "1"}}};
  for (const auto& touch : touches) {
    Story(other_, {{"FLUSHALL"},
                   {"SELECT", "1"},
                   {"SET", "other", "1"},
                   {"SET", "k", "9"},
                   {"SELECT", "0"},
                   {"SET", "k", "1"}});
    EXPECT_EQ(both_("WATCH", "unused", "k"), "+OK");
    Story(other_, touch);
    EXPECT_EQ(both_("MULTI"), "+OK");
    EXPECT_EQ(both_("SET", "ran", "1"), "+QUEUED");
    EXPECT_EQ(both_("EXEC"), "(nil)") << touch[0][0];
    EXPECT_EQ(both_("EXISTS", "ran"), ":0");
  }
}

TEST_F(Transaction, AWatchedKeyIsNotTouchedByWhatChangesNothing) {
  const std::vector<std::vector<Args>> others = {
      {{"GET", "k"}},
      {{"SET", "l", "2"}},
      {{"DEL", "missing"}},
      {{"SELECT", "1"}, {"SET", "k", "2"}, {"FLUSHDB"}, {"SELECT", "0"}},
      {{"EVAL", "return redis.call('GET', KEYS[1])", "1", "k"}},
      {{"MULTI"}, {"SET", "k", "2"}, {"DISCARD"}},
      {{"INCR", "text"}}};
  for (const auto& story : others) {
    Story(other_, {{"FLUSHALL"}, {"SET", "k", "1"}, {"SET", "text", "text"}});
    EXPECT_EQ(both_("WATCH", "k"), "+OK");
    Story(other_, story);
    EXPECT_EQ(both_("MULTI"), "+OK");
    EXPECT_EQ(both_("SET", "ran", "1"), "+QUEUED");
    EXPECT_EQ(both_("EXEC"), "[+OK]") << story[0][0];
  }
}

TEST_F(Transaction, AKeyThatExpiresAndAKeyOfAnotherDatabaseAreWatched) {
  EXPECT_EQ(both_("SET", "k", "1", "PX", "30"), "+OK");
  EXPECT_EQ(both_("WATCH", "k"), "+OK");
  ASSERT_TRUE(WaitUntil(
      [&] { return other_.ours("EXISTS", "k") == ":0" && other_.direct("EXISTS", "k") == ":0"; }));
  Story(both_, {{"MULTI"}, {"PING"}});
  EXPECT_EQ(both_("EXEC"), "(nil)");

  Story(both_, {{"SELECT", "3"}, {"SET", "k", "1"}, {"WATCH", "k"}, {"SELECT", "0"}});
  Story(other_, {{"SELECT", "3"}, {"SET", "k", "2"}});
  Story(both_, {{"MULTI"}, {"PING"}});
  EXPECT_EQ(both_("EXEC"), "(nil)");
  EXPECT_EQ(both_("GET", "k"), "(nil)") << "in database 0";
}

TEST_F(Transaction, WatchesEndWithUnwatchDiscardExecAndReset) {
  const std::vector<std::vector<Args>> endings = {
      {{"UNWATCH"}}, {{"MULTI"}, {"DISCARD"}}, {{"MULTI"}, {"EXEC"}}};
  for (const auto& ending : endings) {
    EXPECT_EQ(both_("WATCH", "k"), "+OK");
    Story(both_, ending);
    EXPECT_EQ(other_("SET", "k", "changed"), "+OK");
    Story(both_, {{"MULTI"}, {"PING"}});
    EXPECT_EQ(both_("EXEC"), "[+PONG]");
  }
  // The client's own change counts, too.
  Story(both_, {{"WATCH", "k"}, {"SET", "k", "own"}, {"MULTI"}, {"PING"}});
  EXPECT_EQ(both_("EXEC"), "(nil)");
  // And these do not end it.
  EXPECT_EQ(both_("WATCH", "k"), "+OK");
  both_("EXEC");
  both_("DISCARD");
  EXPECT_EQ(other_("SET", "k", "changed"), "+OK");
  Story(both_, {{"MULTI"}, {"PING"}});
  EXPECT_EQ(both_("EXEC"), "(nil)");
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Transaction, AWatchThatWasLostWithItsConnectionIsTakenForTouched) {
  RespClient client = stage_.Connect();
  EXPECT_EQ(client("WATCH", "k"), "+OK");
  for (const std::string& id : ClientsNamed(stage_.master(), "shacast"))
    stage_.master()("CLIENT", "KILL", "ID", id);
  ASSERT_TRUE(WaitUntil([&] { return LeasesLent(stage_) == 0; }));
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("SET", "k", "v"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "(nil)");
  EXPECT_EQ(client("EXISTS", "k"), ":0");
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("SET", "k", "v"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[+OK]");
}

TEST_F(Transaction, WhoLeavesInTheMiddleHasDoneNothing) {
  for (const bool hard : {false, true}) {
    for (const std::vector<Args>& left :
         {std::vector<Args>{{"MULTI"}, {"SET", "k", "v"}}, std::vector<Args>{{"WATCH", "k"}},
          std::vector<Args>{{"WATCH", "k"}, {"MULTI"}, {"SET", "k", "v"}, {"NONSENSE"}}}) {
      RespClient client = stage_.Connect();
      client.Pipeline(left);
      client.Close(hard);
      EXPECT_TRUE(WaitUntil([&] { return LeasesLent(stage_) == 0; }));
      EXPECT_EQ(both_("EXISTS", "k"), ":0");
    }
  }
  // What was sent whole before the end is done.
  RespClient client = stage_.Connect();
  client.SendRaw(Encode({"MULTI"}) + Encode({"SET", "k", "v"}) + Encode({"EXEC"}));
  client.ShutdownWrite();
  EXPECT_EQ(client.ReadToEnd(), "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
}

TEST_F(Transaction, TheNextBorrowerSeesNothingOfTheFormerOne) {
  const auto ids = [&] { return ClientsNamed(stage_.master(), "shacast"); };
  for (int i = 0; i < 4; ++i) {  // on every worker
    RespClient former = stage_.Connect();
    former.Ask({"HELLO", i % 2 == 0 ? "2" : "3", "SETNAME", "former"});
    former("SELECT", "5");
    former.Pipeline({{"WATCH", "k"}, {"MULTI"}, {"SELECT", "7"}, {"SET", "k", "7"}, {"EXEC"}});
    EXPECT_EQ(former("GET", "k"), "7");
    former.Pipeline({{"SELECT", "5"}, {"MULTI"}, {"SET", "k", "5"}, {"EXEC"}});
    former.Pipeline({{"MULTI"}, {"SET", "k", "never"}, {"DISCARD"}});
    if (i >= 2) former.Pipeline({{"MULTI"}, {"SET", "k", "never"}});
    former.Close();
    for (int j = 0; j < 2; ++j) {
      RespClient next = stage_.Connect();
      const auto answers = next.Pipeline({{"CLIENT", "GETNAME"},
                                          {"MULTI"},
                                          {"GET", "k"},
                                          {"HGETALL", "h"},
                                          {"HSET", "h", "f", "v"},
                                          {"HGETALL", "h"},
                                          {"DEL", "h"},
                                          {"EXEC"},
                                          {"DBSIZE"}});
      EXPECT_EQ(answers[0].Show(), "(nil)");
      EXPECT_EQ(answers[1].Show(), "+OK");
      EXPECT_EQ(answers[7].Show(), "[(nil), [], :1, [f, v], :1]");
      EXPECT_EQ(answers[7].elements[3].type, '*') << "RESP2";
      EXPECT_EQ(answers[8].Show(), ":0");
    }
  }
  EXPECT_TRUE(WaitUntil([&] { return LeasesLent(stage_) == 0; }));
  EXPECT_LE(ids().size(), 20u);
}

TEST_F(Transaction, WhatLeavesStateInTheConnectionIsNotLeftToTheNextBorrower) {
  StageOptions options = OneNode();
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  for (const Args& leaves :
       {Args{"SUBSCRIBE", "c"}, Args{"PSUBSCRIBE", "c*"}, Args{"CLIENT", "SETNAME", "former"},
        Args{"CLIENT", "NO-EVICT", "ON"}, Args{"CLIENT", "TRACKING", "ON"}}) {
    RespClient former = stage.Connect();
    former.Pipeline({{"MULTI"}, leaves, {"EXEC"}});
    former.Close();
    EXPECT_TRUE(WaitUntil([&] {
      return stage.master()("PUBSUB", "NUMSUB", "c") == "[c, :0]" &&
             stage.master()("PUBSUB", "NUMPAT") == ":0";
    })) << leaves[0];
    RespClient next = stage.Connect();
    const auto answers = next.Pipeline({{"MULTI"}, {"CLIENT", "GETNAME"}, {"EXEC"}});
    EXPECT_EQ(answers[0].Show(), "+OK") << leaves[0];
    EXPECT_EQ(answers[2].Show().find("former"), std::string::npos) << leaves[1];
  }
}

TEST_F(Transaction, AThousandByFiftyClientsNeedAHandfulOfConnections) {
  std::vector<RespClient> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(stage_.Connect());
  const int64_t before = stage_.master().InfoNumber("total_connections_received");
  for (int round = 0; round < 20; ++round) {
    for (RespClient& client : clients) {
      const auto answers = client.Pipeline({{"MULTI"}, {"INCR", "n"}, {"INCR", "m"}, {"EXEC"}});
      ASSERT_EQ(answers[3].elements.size(), 2u);
    }
  }
  EXPECT_EQ(stage_.master()("GET", "n"), "1000");
  EXPECT_LE(stage_.master().InfoNumber("total_connections_received") - before, 6);
  // All at once each has one of its own for a moment, and no more than that.
  for (int round = 0; round < 20; ++round) {
    for (RespClient& client : clients)
      client.SendRaw(Encode({"WATCH", "x"}) + Encode({"MULTI"}) + Encode({"INCR", "n"}) +
                     Encode({"EXEC"}));
    for (RespClient& client : clients)
      for (int i = 0; i < 4; ++i) ASSERT_FALSE(client.Receive().is_error());
  }
  EXPECT_EQ(stage_.master()("GET", "n"), "2000");
  EXPECT_LE(stage_.master().InfoNumber("total_connections_received") - before, 56);
  EXPECT_EQ(LeasesLent(stage_), 0);
}

TEST_F(Transaction, ALongOneIsQueuedAndAnsweredWhole) {
  std::vector<Args> commands = {{"MULTI"}};
  for (int i = 0; i < 20'000; ++i) commands.push_back({"RPUSH", "l", std::to_string(i)});
  commands.push_back({"LRANGE", "l", "0", "-1"});
  commands.push_back({"EXEC"});
  const Value answer = both_.ours.Pipeline(commands).back();
  ASSERT_EQ(answer.elements.size(), 20'001u);
  EXPECT_EQ(answer.elements[19'999].Show(), ":20000");
  EXPECT_EQ(answer.elements[20'000].elements.size(), 20'000u);
  both_.direct.Pipeline(commands);
  EXPECT_EQ(both_.ours.last_raw(), both_.direct.last_raw());
}

}  // namespace
