// Commands that the server keeps state for: SELECT, transactions, blocking, pub/sub, MONITOR.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

Stage Simple(const std::string& reads = "master") {
  StageOptions options;
  options.replicas = 1;
  options.reads = reads;
  return Stage(options);
}

TEST(Select, EachClientHasItsOwnDatabase) {
  Stage stage = Simple();
  std::vector<RespClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(stage.Connect());
    EXPECT_EQ(clients.back()("SELECT", std::to_string(i)), "+OK");
  }
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 8; ++i) EXPECT_EQ(clients[i]("SET", "k", "db" + std::to_string(i)), "+OK");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(clients[i]("GETSET", "k", ""), "db" + std::to_string(i));
  }
  // In one pipeline, too.
  const auto answers = clients[0].Pipeline({{"SET", "p", "0"},
                                            {"SELECT", "9"},
                                            {"SET", "p", "9"},
                                            {"SELECT", "99999"},
                                            {"GETSET", "p", ""},
                                            {"SELECT", "0"},
                                            {"GETSET", "p", ""}});
  EXPECT_EQ(answers[3].code(), "ERR");
  EXPECT_EQ(answers[4].Show(), "9");
  EXPECT_EQ(answers[6].Show(), "0");
  // Scripts run in the client's database, by name as with the body.
  const std::string body = "return redis.call('SET', KEYS[1], 'by script')";
  const std::string sha = clients[3]("SCRIPT", "LOAD", body);
  for (RespClient& client : clients) client("DEL", "k");
  for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  EXPECT_EQ(clients[3]("EVALSHA", sha, "1", "s"), "+OK");
  EXPECT_EQ(clients[4]("EVALSHA", sha, "1", "s"), "+OK");
  for (int i = 1; i < 8; ++i) EXPECT_EQ(clients[i]("DBSIZE"), i == 3 || i == 4 ? ":1" : ":0") << i;
}

TEST(Select, AReplicaIsReadInTheClientsDatabase) {
  Stage stage = Simple("prefer-replica");
  RespClient client = stage.Connect();
  client("SELECT", "3");
  client("SET", "k", "three");
  client("SELECT", "0");
  client("SET", "k", "zero");
  stage.nodes.WaitSynced();
  CommandCounts counts(stage.replica(0));
  EXPECT_EQ(client("GET", "k"), "zero");
  client("SELECT", "3");
  EXPECT_EQ(client("GET", "k"), "three");
  EXPECT_EQ(counts("get"), 2);
}

TEST(Transactions, MultiExecDiscardAndTheirErrorsAreTheServers) {
  Stage stage = Simple();
  RedisProcess oracle;
  RespClient client = stage.Connect();
  RespClient direct = oracle.Connect();
  const std::vector<Args> story = {
      {"MULTI"},     {"SET", "k", "1"}, {"INCR", "k"},   {"EXEC"},        {"EXEC"},
      {"DISCARD"},   {"MULTI"},         {"MULTI"},       {"INCR", "k"},   {"EXEC"},
      {"MULTI"},     {"NOSUCHCOMMAND"}, {"INCR", "k"},   {"EXEC"},        {"MULTI"},
      {"INCR", "k"}, {"DISCARD"},       {"GET", "k"},    {"MULTI"},       {"LPUSH", "k", "x"},
      {"INCR", "k"}, {"EXEC"},          {"MULTI"},       {"EXEC"},        {"MULTI", "x"},
      {"WATCH"},     {"MULTI"},         {"WATCH", "k"},  {"SELECT", "1"}, {"SET", "in1", "x"},
      {"EXEC"},      {"EXISTS", "in1"}, {"SELECT", "0"}, {"UNWATCH"},     {"GET", "k"}};
  for (const Args& command : story) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << command[0];
  }
  EXPECT_EQ(LeasesLent(stage), 0);
}

TEST(Transactions, WatchNoticesTheChangeOfAnotherClient) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  ASSERT_EQ(client("SET", "k", "1"), "+OK");
  EXPECT_EQ(client("WATCH", "k"), "+OK");
  EXPECT_EQ(other("SET", "k", "2"), "+OK");
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("SET", "k", "3"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "(nil)");
  EXPECT_EQ(client.last_raw(), "*-1\r\n");
  // And does not take its own for one.
  EXPECT_EQ(client("WATCH", "k"), "+OK");
  EXPECT_EQ(client("GET", "k"), "2");
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("SET", "k", "4"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[+OK]");
  EXPECT_EQ(client("UNWATCH"), "+OK");
  EXPECT_EQ(LeasesLent(stage), 0);
}

TEST(Transactions, ManyClientsThatWatchOneKeyLoseNoUpdate) {
  Stage stage = Simple();
  constexpr int kClients = 6;
  constexpr int kEach = 40;
  std::vector<std::string> wrong(kClients);
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      try {
        RespClient client = stage.Connect();
        for (int done = 0; done < kEach;) {
          client("WATCH", "n");
          const std::string seen = client("GET", "n");
          const int64_t value = seen == "(nil)" ? 0 : std::stoll(seen);
          const auto answers =
              client.Pipeline({{"MULTI"}, {"SET", "n", std::to_string(value + 1)}, {"EXEC"}});
          if (!answers[2].is_null()) ++done;
        }
      } catch (const std::exception& error) {
        wrong[i] = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<std::string>(kClients));
  EXPECT_EQ(stage.master()("GET", "n"), std::to_string(kClients * kEach));
}

TEST(Transactions, WhatShacastRefusesSpoilsThemAsWhatTheServerRefuses) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  const auto answers = client.Pipeline(
      {{"MULTI"}, {"INCR", "n"}, {"SHUTDOWN", "NOSAVE"}, {"INCR", "n"}, {"EXEC"}, {"GET", "n"}});
  EXPECT_NE(answers[2].Show().find("routing.forward_shutdown"), std::string::npos);
  EXPECT_EQ(answers[4].code(), "EXECABORT");
  EXPECT_TRUE(answers[5].is_null());
}

TEST(Transactions, OneThatABusyScriptKeepsFromItsDatabaseRunsNothing) {
  Stage stage = Simple();
  stage.master()("CONFIG", "SET", "lua-time-limit", "50");
  RespClient client = stage.Connect();
  RespClient endless = stage.Connect();
  client("SELECT", "5");
  endless.Send({"EVAL", "while true do end", "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage.master().Ask({"PING"}).code() == "BUSY"; }));
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client.Ask({"INCR", "n"}).code(), "BUSY");
  EXPECT_EQ(stage.Connect()("SCRIPT", "KILL"), "+OK");
  EXPECT_EQ(client.Ask({"INCR", "n"}).code(), "BUSY");
  EXPECT_EQ(client("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
  EXPECT_TRUE(WaitUntil([&] { return client("EXISTS", "n") == ":0"; }));
}

TEST(Transactions, AConnectionThatBreaksInTheMiddleDiscardsTheTransaction) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  client("MULTI");
  EXPECT_EQ(client("INCR", "n"), "+QUEUED");
  for (const std::string& id : ClientsNamed(stage.master(), "shacast"))
    stage.master()("CLIENT", "KILL", "ID", id);
  const std::string answer = client("EXEC");
  EXPECT_TRUE(answer.starts_with("-EXECABORT")) << answer;
  EXPECT_EQ(client("EXISTS", "n"), ":0");
  EXPECT_EQ(client("INCR", "n"), ":1");
}

TEST(Blocking, APopWaitsForItsElementAndHoldsUpNobody) {
  Stage stage = Simple();
  std::vector<RespClient> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.push_back(stage.Connect());
    waiting.back().Send({"BLPOP", "list" + std::to_string(i), "0"});
  }
  RespClient other = stage.Connect();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(other("INCR", "n"), ":" + std::to_string(i + 1));
    EXPECT_EQ(other("RPUSH", "list" + std::to_string(i), "x"), ":1");
    EXPECT_EQ(waiting[i].Receive().Show(), "[list" + std::to_string(i) + ", x]");
  }
  // With a limit, and in a pipeline with others.
  const auto answers = other.Pipeline({{"SET", "k", "v"},
                                       {"BLPOP", "none", "0.05"},
                                       {"GETSET", "k", "w"},
                                       {"RPUSH", "l", "y"},
                                       {"BLPOP", "l", "1"}});
  EXPECT_EQ(answers[1].Show(), "(nil)");
  EXPECT_EQ(answers[2].Show(), "v");
  EXPECT_EQ(answers[4].Show(), "[l, y]");
  EXPECT_EQ(LeasesLent(stage), 0);
}

TEST(Blocking, AnElementIsNotLostWithAClientThatWentAway) {
  Stage stage = Simple();
  RespClient other = stage.Connect();
  for (int i = 0; i < 10; ++i) {
    RespClient client = stage.Connect();
    client.Send({"BLPOP", "list", "0"});
    ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
    if (i % 2 == 0) {
      client.Close(i % 4 == 0);
    } else {
      client.ShutdownWrite();
    }
    ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 0; }));
    EXPECT_EQ(other("RPUSH", "list", "x"), ":1");
    EXPECT_EQ(other("LPOP", "list"), "x");
  }
}

// printf ... | nc
TEST(Blocking, AClientThatEndsItsWordsGetsWhatTheServerWouldGiveIt) {
  Stage stage = Simple();
  RedisProcess oracle;
  RespClient other = stage.Connect();
  RespClient other_direct = oracle.Connect();
  const std::vector<std::vector<Args>> pipelines = {
      {{"BLPOP", "full", "0"}},
      {{"SET", "k", "v"}, {"BLPOP", "full", "0"}, {"INCR", "n"}},
      {{"INCR", "n"}, {"BLPOP", "empty", "0"}, {"INCR", "n"}},
      {{"BLPOP", "full", "0"}, {"BLPOP", "empty", "0"}},
      {{"MULTI"}, {"BLPOP", "empty", "0"}, {"EXEC"}, {"BLPOP", "full", "0"}}};
  for (const auto& pipeline : pipelines) {
    const auto ask = [&](const Endpoint& endpoint, RespClient& beside) {
      beside("RPUSH", "full", "one");
      RespClient client(endpoint);
      std::string bytes;
      for (const Args& command : pipeline) bytes += Encode(command);
      client.SendRaw(bytes);
      client.ShutdownWrite();
      const std::string answer = client.ReadToEnd();
      return answer + " and left " + beside("LLEN", "full") + " " + beside("GETSET", "n", "0");
    };
    EXPECT_EQ(ask(stage.proxy.endpoint(), other), ask(oracle.endpoint(), other_direct));
    EXPECT_TRUE(WaitUntil([&] { return LeasesLent(stage) == 0; }));
  }
  EXPECT_EQ(other("RPUSH", "empty", "x"), ":1");
  EXPECT_EQ(other("LPOP", "empty"), "x") << "nobody waits for it any more";
  EXPECT_EQ(stage.proxy.Counter("generations_raised"), 0) << "no connection was lost";
}

TEST(Blocking, StreamsAreReadWithAndWithoutBlocking) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  const std::string id = other("XADD", "s", "*", "f", "v");
  EXPECT_EQ(client("XREAD", "STREAMS", "s", "0").find("[[s, [[" + id), 0u);
  client.Send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  const std::string next = other("XADD", "s", "*", "f", "w");
  EXPECT_NE(client.Receive().Show().find(next), std::string::npos);
  EXPECT_EQ(other("XGROUP", "CREATE", "s", "g", "0"), "+OK");
  EXPECT_NE(client("XREADGROUP", "GROUP", "g", "block", "STREAMS", "s", ">").find(id),
            std::string::npos);
}

TEST(Blocking, WaitCountsTheReplicasThatHaveTheClientsWrites) {
  StageOptions options;
  Stage stage(options);
  RespClient client = stage.Connect();
  for (int i = 0; i < 20; ++i) {
    const auto answers = client.Pipeline({{"SET", "k", std::to_string(i)}, {"WAIT", "2", "5000"}});
    ASSERT_EQ(answers[1].Show(), ":2");
    ASSERT_EQ(stage.replica(0)("GET", "k"), std::to_string(i));
    ASSERT_EQ(stage.replica(1)("GET", "k"), std::to_string(i));
  }
}

TEST(PubSub, MessagesReachSubscribersInBothProtocols) {
  Stage stage = Simple();
  RespClient two = stage.Connect();
  RespClient three = stage.Connect();
  RespClient publisher = stage.Connect();
  three.Ask({"HELLO", "3"});
  EXPECT_EQ(two("SUBSCRIBE", "news"), "[subscribe, news, :1]");
  EXPECT_EQ(three("SUBSCRIBE", "news"), ">[subscribe, news, :1]");
  EXPECT_EQ(two("PSUBSCRIBE", "n*"), "[psubscribe, n*, :2]");
  EXPECT_EQ(publisher("PUBLISH", "news", "hello"), ":3");
  EXPECT_EQ(two.Receive().Show(), "[message, news, hello]");
  EXPECT_EQ(two.Receive().Show(), "[pmessage, n*, news, hello]");
  EXPECT_EQ(three.Receive().Show(), ">[message, news, hello]");
  // RESP3: other commands beside; RESP2: only a few.
  EXPECT_EQ(three("INCR", "n"), ":1");
  EXPECT_EQ(two.Ask({"INCR", "n"}).code(), "ERR");
  EXPECT_EQ(two("PING"), "[pong, ]");
  EXPECT_EQ(two("UNSUBSCRIBE"), "[unsubscribe, news, :1]");
  EXPECT_EQ(two("PUNSUBSCRIBE"), "[punsubscribe, n*, :0]");
  EXPECT_EQ(two("INCR", "n"), ":2");
  const std::string large(3 << 20, 'm');
  EXPECT_EQ(publisher("PUBLISH", "news", large), ":1");
  EXPECT_EQ(three.Receive().elements.at(2).text, large);
}

TEST(PubSub, ASubscriberThatLeavesIsGoneFromTheServer) {
  Stage stage = Simple();
  RespClient publisher = stage.Connect();
  {
    RespClient subscriber = stage.Connect();
    EXPECT_EQ(subscriber("SUBSCRIBE", "news"), "[subscribe, news, :1]");
    EXPECT_EQ(publisher("PUBLISH", "news", "x"), ":1");
  }
  EXPECT_TRUE(WaitUntil([&] { return publisher("PUBLISH", "news", "x") == ":0"; }));
}

TEST(PubSub, ManyMessagesKeepTheirOrder) {
  Stage stage = Simple();
  RespClient subscriber = stage.Connect();
  RespClient publisher = stage.Connect();
  subscriber("SUBSCRIBE", "news");
  constexpr int kMessages = 20'000;
  std::vector<Args> messages;
  for (int i = 0; i < kMessages; ++i) messages.push_back({"PUBLISH", "news", std::to_string(i)});
  std::thread sender([&] { publisher.Pipeline(messages); });
  for (int i = 0; i < kMessages; ++i) {
    const std::string message = subscriber.Receive().Show();
    EXPECT_EQ(message, "[message, news, " + std::to_string(i) + "]");
    if (HasFailure()) break;
  }
  sender.join();
}

TEST(PubSub, ASubscriberOutlivesItsNodeAndNeedNotSubscribeAgain) {
  Stage stage = Simple();
  RespClient two = stage.Connect();
  RespClient three = stage.Connect();
  three.Ask({"HELLO", "3"});
  EXPECT_EQ(two("SUBSCRIBE", "news"), "[subscribe, news, :1]");
  EXPECT_EQ(three("PSUBSCRIBE", "n*"), ">[psubscribe, n*, :1]");
  stage.master().Kill();
  stage.master().Start();
  RespClient publisher = stage.Connect();
  ASSERT_TRUE(WaitUntil([&] {
    return publisher("PUBSUB", "NUMSUB", "news") == "[news, :1]" &&
           publisher("PUBSUB", "NUMPAT") == ":1";
  }));
  EXPECT_EQ(publisher("PUBLISH", "news", "again"), ":2");
  EXPECT_EQ(two.Receive().Show(), "[message, news, again]");
  EXPECT_EQ(three.Receive().Show(), ">[pmessage, n*, news, again]");
  EXPECT_EQ(two("UNSUBSCRIBE"), "[unsubscribe, news, :0]");
  EXPECT_EQ(three("PUNSUBSCRIBE"), ">[punsubscribe, n*, :0]");
  EXPECT_TRUE(WaitUntil([&] { return LeasesLent(stage) == 0; }));
}

TEST(PubSub, WhoHasUnsubscribedFromEverythingNeedsNoConnectionOfItsOwn) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  EXPECT_EQ(client("SUBSCRIBE", "a", "b"), "[subscribe, a, :1]");
  EXPECT_EQ(client.Receive().Show(), "[subscribe, b, :2]");
  EXPECT_EQ(client("UNSUBSCRIBE", "a"), "[unsubscribe, a, :1]");
  RespClient other = stage.Connect();
  EXPECT_EQ(LeasesLent(stage), 1);
  EXPECT_EQ(client("UNSUBSCRIBE"), "[unsubscribe, b, :0]");
  EXPECT_EQ(client("UNSUBSCRIBE"), "[unsubscribe, (nil), :0]");
  EXPECT_EQ(client("SET", "k", "v"), "+OK");
  EXPECT_EQ(LeasesLent(stage), 0);
}

TEST(PubSub, SubscribingInsideATransactionIsDoneWithExec) {
  Stage stage = Simple();
  RespClient client = stage.Connect();
  client.Pipeline({{"MULTI"}, {"SUBSCRIBE", "news"}, {"INCR", "n"}});
  EXPECT_EQ(client("EXEC"), "[[subscribe, news, :1], :1]");
  RespClient publisher = stage.Connect();
  EXPECT_EQ(publisher("PUBLISH", "news", "x"), ":1");
  EXPECT_EQ(client.Receive().Show(), "[message, news, x]");
}

TEST(PubSub, AServersLimitForSubscribersThatDoNotReadHolds) {
  Stage stage = Simple();
  stage.master()("CONFIG", "SET", "client-output-buffer-limit", "pubsub 4mb 4mb 1");
  RespClient subscriber = stage.Connect();
  subscriber("SUBSCRIBE", "news");
  RespClient publisher = stage.Connect();
  const std::string text(1 << 20, 'x');
  // The server drops the subscriber, who hears of it as on a direct connection: by the end.
  EXPECT_TRUE(WaitUntil([&] { return publisher("PUBLISH", "news", text) == ":0"; }));
  EXPECT_NE(subscriber.ReadToEnd().size(), 0u);
}

TEST(PubSub, ASubscriberThatTheServerIsToldToCloseIsClosed) {
  Stage stage = Simple();
  RespClient subscriber = stage.Connect();
  subscriber("SUBSCRIBE", "news");
  EXPECT_EQ(stage.master()("CLIENT", "KILL", "TYPE", "pubsub"), ":1");
  EXPECT_TRUE(subscriber.SeesEnd());
}

TEST(MonitorCommand, ShowsWhatTheMasterIsAsked) {
  Stage stage = Simple();
  RespClient monitor = stage.Connect();
  RespClient client = stage.Connect();
  EXPECT_EQ(monitor("MONITOR"), "+OK");
  EXPECT_EQ(client("SET", "monitored", "v"), "+OK");
  EXPECT_TRUE(WaitUntil([&] {
    return monitor.Receive().text.find("\"SET\" \"monitored\" \"v\"") != std::string::npos;
  }));
}

TEST(OwnConnection, ResetEndsEverythingThatAClientHadOpened) {
  if (Server().major < 7) GTEST_SKIP() << Server().version << " has no RESET";
  Stage stage = Simple();
  RespClient client = stage.Connect();
  client.Ask({"HELLO", "3"});
  client("SELECT", "4");
  client("CLIENT", "SETNAME", "me");
  client("WATCH", "k");
  client("MULTI");
  EXPECT_EQ(client("SET", "k", "v"), "+QUEUED");
  EXPECT_EQ(client("RESET"), "+RESET");
  EXPECT_EQ(client("EXISTS", "k"), ":0");
  EXPECT_EQ(client("CLIENT", "GETNAME"), "(nil)");
  EXPECT_EQ(client.last_raw(), "$-1\r\n");
  client("SET", "k", "db0");
  EXPECT_EQ(stage.master()("GET", "k"), "db0");
  EXPECT_EQ(LeasesLent(stage), 0);
}

TEST(OwnConnection, NamesAndIdsOfClientsAreTheirOwn) {
  Stage stage = Simple();
  RespClient one = stage.Connect();
  RespClient other = stage.Connect();
  EXPECT_NE(one("CLIENT", "ID"), other("CLIENT", "ID"));
  EXPECT_EQ(one("CLIENT", "ID"), one("CLIENT", "ID"));
  EXPECT_EQ(one("CLIENT", "SETNAME", "first"), "+OK");
  EXPECT_EQ(one("CLIENT", "GETNAME"), "first");
  EXPECT_EQ(other("CLIENT", "GETNAME"), "(nil)");
  EXPECT_EQ(one.Ask({"CLIENT", "SETNAME", "two words"}).code(), "ERR");
}

TEST(OwnConnection, TooManyAreRefusedAndTheOthersWorkOn) {
  StageOptions options;
  options.replicas = 0;
  options.config.Set("upstream", "max_dedicated", "3");
  Stage stage(options);
  std::vector<RespClient> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(stage.Connect());
    waiting.back().Send({"BLPOP", "list", "0"});
  }
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 3; }));
  RespClient fourth = stage.Connect();
  const std::string answer = fourth("BLPOP", "list", "0");
  EXPECT_NE(answer.find("upstream.max_dedicated"), std::string::npos) << answer;
  EXPECT_EQ(fourth("SET", "k", "v"), "+OK");
  EXPECT_EQ(fourth("RPUSH", "list", "a", "b", "c").substr(0, 1), ":");
  for (auto& client : waiting) EXPECT_EQ(client.Receive().elements.size(), 2u);
  EXPECT_EQ(fourth("BLPOP", "list", "0.01"), "(nil)");
}

}  // namespace
