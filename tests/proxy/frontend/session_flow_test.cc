// Large things and slow clients; connections that are one client's for good.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using std::chrono::milliseconds;
using support::Bulk;
using support::Command;
using support::CommandOf;
using support::ShaOf;
using Texts = std::vector<std::string>;

std::string ValueOf(const std::string& key) {
  return Bulk("value of " + key);
}

TEST(SessionFlow, ALargeCommandPassesThroughInPieces) {
  House house;
  const std::string value(8 << 20, 'x');
  Client& client = house.Connect();
  client.Send(Command("GET a") + CommandOf({"SET", "k", value}) + Command("GET b"));
  EXPECT_TRUE(house.Gets(client, ValueOf("a") + "+OK\r\n" + ValueOf("b")));
  const std::string sent = "SET k " + value;
  EXPECT_EQ(house.master().executed(), Texts{sent});
  EXPECT_EQ(house.pool(0).leases_lent(), 0u);
}

TEST(SessionFlow, ALargeCommandThatIsWrongInTheMiddleEndsWithItsClient) {
  House house;
  Client& client = house.Connect();
  client.Send("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n" + Bulk(std::string(3 << 20, 'x')) + "+oops\r\n");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "");
  EXPECT_TRUE(house.master().executed().empty());
  EXPECT_EQ(house.budget.used.load(), 0u);
}

TEST(SessionFlow, ALargeCommandWhoseNodeIsLostIsSwallowedToItsEnd) {
  House house;
  const std::string whole = CommandOf({"SET", "k", std::string(8 << 20, 'x')});
  Client& client = house.Connect();
  client.Send(whole.substr(0, whole.size() / 2));
  ASSERT_TRUE(house.Until([&] { return house.master().accepted() == 1; }));
  house.Turns(50);
  house.master().ResetAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  client.Send(whole.substr(whole.size() / 2) + Command("GET b"));
  ASSERT_TRUE(house.Until([&] { return client.got().ends_with(ValueOf("b")); }));
  EXPECT_TRUE(client.got().starts_with("-UPSTREAMLOST ")) << client.got().substr(0, 100);
  EXPECT_TRUE(house.master().executed().empty());
}

TEST(SessionFlow, ACommandBeyondTheLimitEndsItsClientWithoutAWord) {
  House house;
  house.settings.proxy.client_query_limit = 1000;
  Client& client = house.Connect();
  client.Send(Command("GET a"));
  EXPECT_TRUE(house.Gets(client, ValueOf("a")));
  client.Send("*2\r\n$3\r\nGET\r\n$2000\r\n");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "");
  EXPECT_EQ(house.counters.clients_closed_query.Get(), 1u);
}

TEST(SessionFlow, WhoHasNotSaidAPasswordMayNotSendMuch) {
  House house;
  house.master().password = "secret";
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "GET a", "-NOAUTH Authentication required.\r\n"));
  client.Send("*11\r\n");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "-ERR Protocol error: unauthenticated multibulk length\r\n");
}

TEST(SessionFlow, AClientThatReadsSlowlyHoldsNobodyElseUp) {
  House house;
  const std::string large = Bulk(std::string(32 << 20, 'x'));
  house.master().Answer("GET large", large);
  Client& slow = house.Connect();
  Client& quick = house.Connect();
  slow.StopReading();
  slow.Say("GET large");
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf("GET large") == 1; }));
  house.Turns(200);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(house.Answers(quick, "GET a", ValueOf("a")));
  slow.ReadAgain();
  EXPECT_TRUE(house.Gets(slow, large));
}

TEST(SessionFlow, AClientThatDoesNotReadIsClosedAtItsLimit) {
  House house;
  house.settings.proxy.client_output_limit = 1 << 20;
  house.master().Answer("GET k", Bulk(std::string(100'000, 'x')));
  Client& client = house.Connect();
  client.StopReading();
  for (int i = 0; i < 200; ++i) client.Say("GET k");
  ASSERT_TRUE(house.Until([&] { return house.sessions_open() == 0; }));
  EXPECT_EQ(house.counters.clients_closed_output.Get(), 1u);
  EXPECT_TRUE(house.Answers(house.Connect(), "GET a", ValueOf("a")));
}

TEST(SessionFlow, ManyThatNeverReadTogetherHoldUpTheOneBehindThemForAMomentOnly) {
  House house;
  house.settings.proxy.client_output_limit = 1 << 20;
  house.master().Answer("GET large", Bulk(std::string(3 << 20, 'x')));
  house.master().Hold();
  for (int i = 0; i < 4; ++i) {
    Client& deaf = house.Connect();
    deaf.StopReading();
    deaf.Say("GET large");
  }
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 4; }));
  Client& other = house.Connect();
  other.Say("GET a");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 5; }));
  EXPECT_EQ(house.master().accepted(), 1u) << "they share a lane";
  const auto began = std::chrono::steady_clock::now();
  house.master().Release();
  EXPECT_TRUE(house.Gets(other, ValueOf("a")));
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(2500));
  EXPECT_EQ(house.counters.clients_closed_output.Get(), 4u);
}

TEST(SessionFlow, OneThatTakesSomethingNowAndThenIsNotTakenForOneThatNeverReads) {
  House house;
  house.settings.proxy.client_output_limit = 1 << 20;
  const std::string large = Bulk(std::string(4 << 20, 'x'));
  house.master().Answer("GET large", large);
  house.master().Hold();
  Client& slow = house.Connect();
  Client& other = house.Connect();
  slow.StopReading();
  slow.Say("GET large");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  other.Say("GET a");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 2; }));
  house.master().Release();
  auto next = std::chrono::steady_clock::now();
  EXPECT_TRUE(house.Until([&] {
    const bool now = std::chrono::steady_clock::now() >= next;
    if (now) next += milliseconds(120);
    now ? slow.ReadAgain() : slow.StopReading();
    return slow.got().size() >= large.size() || slow.ended();
  }));
  EXPECT_EQ(slow.got().size(), large.size());
  EXPECT_TRUE(house.Gets(other, ValueOf("a")));
}

TEST(SessionFlow, AClientThatAsksForMuchAndReadsItGetsItAll) {
  House house;
  house.settings.proxy.client_output_limit = 2 << 20;
  const std::string large = Bulk(std::string(16 << 20, 'x'));
  house.master().Answer("GET large", large);
  Client& client = house.Connect();
  client.Say("GET large");
  client.Say("GET a");
  EXPECT_TRUE(house.Gets(client, large + ValueOf("a")));
}

TEST(SessionFlow, AnIdleClientIsClosedWhereThatIsWanted) {
  House house;
  house.settings.proxy.client_idle_timeout = milliseconds(30);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "GET a", ValueOf("a")));
  ASSERT_TRUE(house.Until([&] {
    house.session(0).OnTick();
    return client.ended();
  }));
  EXPECT_EQ(house.counters.clients_closed_idle.Get(), 1u);
}

TEST(SessionFlow, DrainingAnswersWhatWasAskedAndEnds) {
  House house;
  house.master().Hold();
  Client& client = house.Connect();
  client.Say("INCR a");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.session(0).Drain();
  client.Say("INCR a");
  house.Turns();
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), ":1\r\n");
  EXPECT_EQ(house.master().CountOf("INCR"), 1u);
}

// --- A connection of its own for good ------------------------------------------------------------

TEST(SessionFlow, ASubscriberHasItsConnectionAndGetsWhatComes) {
  House house;
  const std::string subscribed = "*3\r\n" + Bulk("subscribe") + Bulk("c") + ":1\r\n";
  const std::string message = "*3\r\n" + Bulk("message") + Bulk("c") + Bulk("hello");
  house.master().Answer("SUBSCRIBE", subscribed);
  Client& client = house.Connect();
  client.Say("GET a");
  client.Say("SUBSCRIBE c");
  EXPECT_TRUE(house.Gets(client, ValueOf("a") + subscribed));
  house.master().Say(1, message + message);
  EXPECT_TRUE(house.Gets(client, message + message));
  EXPECT_TRUE(house.Answers(house.Connect(), "GET b", ValueOf("b")));
  client.Leave();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).leases_lent() == 0; }));
  EXPECT_EQ(house.budget.used.load(), 0u);
}

TEST(SessionFlow, ACommandWithTooFewArgumentsIsRefusedByTheServerAndTheSessionGoesOn) {
  House house;
  const std::string wrong = "-ERR wrong number of arguments\r\n";
  house.master().Answer("SUBSCRIBE", wrong);
  house.master().Answer("BLPOP", wrong);
  house.master().Hold();
  Client& client = house.Connect();
  for (const char* words : {"SUBSCRIBE", "BLPOP k", "INCR a"}) client.Say(words);
  client.HalfClose();
  // It is refused at once, and nothing waits in the server: the replies are owed, as always.
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 3; }));
  house.Turns();
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), wrong + wrong + ":1\r\n");
  EXPECT_EQ(house.counters.leases_taken.Get(), 0u);
}

TEST(SessionFlow, ASubscriberInAnotherDatabaseDoesNotSeeOurHandshake) {
  House house;
  const std::string subscribed = "*3\r\n" + Bulk("subscribe") + Bulk("c") + ":1\r\n";
  house.master().Answer("SUBSCRIBE", subscribed);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "SELECT 5", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(client, "SUBSCRIBE c", subscribed));
}

TEST(SessionFlow, AScriptOnSuchAConnectionGoesWithItsBody) {
  House house;
  house.Hold("return");
  house.master().Answer("CLIENT TRACKING", "+OK\r\n");
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "CLIENT TRACKING ON", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(client, "EVALSHA " + ShaOf("return") + " 0",
                            Bulk("ran " + ShaOf("return").substr(0, 8))));
  EXPECT_EQ(house.master().Commands().back(), "EVAL return 0");
}

TEST(SessionFlow, WhatIsRefusedEverywhereIsRefusedThereToo) {
  House house;
  house.master().Answer("CLIENT TRACKING", "+OK\r\n");
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "CLIENT TRACKING ON", "+OK\r\n"));
  client.Say("SHUTDOWN NOSAVE");
  ASSERT_TRUE(house.Until([&] { return client.got().ends_with("\r\n"); }));
  EXPECT_TRUE(client.Take().starts_with("-ERR SHUTDOWN is refused by shacast"));
  EXPECT_TRUE(house.Answers(client, "GET a", ValueOf("a")));
  EXPECT_EQ(house.master().CountOf("SHUTDOWN"), 0u);
}

TEST(SessionFlow, AReplicaThroughUsIsAnAttachAndItsStreamPassesAsItIs) {
  House house;
  const std::string stream = "+FULLRESYNC abc 0\r\n$5\r\nREDIS" + std::string(300'000, '\0');
  house.master().Answer("PSYNC", stream);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "PSYNC ? -1", stream));
  EXPECT_EQ(house.hub.replicas, 1);
}

TEST(SessionFlow, WhenTheNodeEndsSuchAConnectionTheClientsEndsWithIt) {
  House house;
  house.master().Answer("MONITOR", "+OK\r\n");
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "MONITOR", "+OK\r\n"));
  house.master().Say(0, "+last words\r\n");
  house.master().Step();
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "+last words\r\n");
  EXPECT_EQ(house.sessions_open(), 0u);
}

}  // namespace
}  // namespace frontend
