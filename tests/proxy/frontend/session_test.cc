// A client's commands and their replies, in order, whatever the client sends.
#include "proxy/frontend/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using support::Bulk;
using support::Command;
using support::CommandOf;
using Texts = std::vector<std::string>;

std::string ValueOf(const std::string& key) {
  return Bulk("value of " + key);
}

TEST(Session, APipelineIsAnsweredInItsOrder) {
  House house;
  Client& client = house.Connect();
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    client.Say("GET k" + std::to_string(i));
    expected += ValueOf("k" + std::to_string(i));
  }
  EXPECT_TRUE(house.Gets(client, expected));
  EXPECT_EQ(house.master().accepted(), 1u);
  EXPECT_EQ(house.counters.commands.Get(), 3000u);
}

TEST(Session, CommandsReachTheNodeInTheirOrderAlsoWhereOneMustWait) {
  House house;
  Client& client = house.Connect();
  for (const char* words : {"INCR a", "GET a", "SELECT 2", "INCR a", "SELECT 0", "INCR a", "MULTI",
                            "INCR b", "EXEC", "INCR a", "WAIT 0 1", "GET a"})
    client.Say(words);
  EXPECT_TRUE(house.Gets(client, ":1\r\n" + ValueOf("a") + "+OK\r\n:2\r\n+OK\r\n:3\r\n+OK\r\n" +
                                     "+QUEUED\r\n*1\r\n:1\r\n:4\r\n:0\r\n" + ValueOf("a")));
  EXPECT_EQ(house.master().executed(), (Texts{"INCR a", "INCR a", "INCR a", "INCR b", "INCR a"}));
}

TEST(Session, ACommandInSingleBytesIsACommand) {
  House house;
  Client& client = house.Connect();
  const std::string bytes = Command("GET k") + "PING\r\n" + Command("GET l");
  for (const char c : bytes) {
    client.Send(std::string_view(&c, 1));
    house.Turn();
  }
  EXPECT_TRUE(house.Gets(client, ValueOf("k") + "+PONG\r\n" + ValueOf("l")));
}

TEST(Session, InlineCommandsAreWrittenAnewForTheNode) {
  House house;
  Client& client = house.Connect();
  client.Send("\r\n  \r\nPING\r\nGET \"k \\x41\"\n*0\r\nGET 'it\\'s'\r\n");
  EXPECT_TRUE(house.Gets(client, "+PONG\r\n" + ValueOf("k A") + ValueOf("it's")));
}

TEST(Session, ACommandWithOtherLineEndsIsWrittenAnew) {
  // Its bytes would make the node read another client's command from the wrong place.
  House house;
  Client& client = house.Connect();
  client.Send("*2\rX$3\r\nGET\r\n$1\r\nkXX" + Command("GET l"));
  EXPECT_TRUE(house.Gets(client, ValueOf("k") + ValueOf("l")));
}

TEST(Session, AProtocolErrorIsToldAfterTheRepliesBeforeItAndThenItEnds) {
  House house;
  Client& client = house.Connect();
  house.master().Hold();
  client.Send(Command("GET k") + "*1\r\n+oops\r\n" + Command("INCR never"));
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  house.Turns();
  EXPECT_EQ(client.got(), "");
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), ValueOf("k") + "-ERR Protocol error: expected '$', got '+'\r\n");
  EXPECT_EQ(house.master().CountOf("INCR"), 0u);
  EXPECT_EQ(house.counters.protocol_errors.Get(), 1u);
  EXPECT_EQ(house.sessions_open(), 0u);
}

TEST(Session, UnbalancedQuotesAreAProtocolError) {
  House house;
  Client& client = house.Connect();
  client.Send("GET \"k\r\n");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "-ERR Protocol error: unbalanced quotes in request\r\n");
}

TEST(Session, QuitIsAnsweredInItsTurnAndWhatIsBehindItIsNot) {
  House house;
  Client& client = house.Connect();
  client.Send(Command("INCR a") + Command("QUIT") + Command("INCR a"));
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), ":1\r\n+OK\r\n");
  EXPECT_EQ(house.master().executed().size(), 1u);
}

TEST(Session, ABrowserIsClosedWithoutAWord) {
  House house;
  Client& client = house.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nINCR a\r\n");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "");
  EXPECT_EQ(house.master().CountOf("INCR"), 0u);
}

TEST(Session, AClientThatWillSendNoMoreGetsItsReplies) {
  House house;
  Client& client = house.Connect();
  house.master().Hold();
  client.Say("GET a");
  client.Say("GET b");
  client.HalfClose();
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 2; }));
  house.Turns();
  EXPECT_FALSE(client.ended());
  house.master().Release();
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), ValueOf("a") + ValueOf("b"));
  EXPECT_EQ(house.sessions_open(), 0u);
}

TEST(Session, AClientThatWaitsInTheServerAndGoesTakesItsConnectionWithIt) {
  House house;
  Client& client = house.Connect();
  client.Say("BLPOP k 0");
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf("BLPOP") == 1; }));
  EXPECT_EQ(house.master().open(), 1u);
  client.HalfClose();
  ASSERT_TRUE(house.Until([&] { return house.master().open() == 0; }));
  ASSERT_TRUE(house.Until([&] { return house.sessions_open() == 0; }));
  EXPECT_EQ(house.budget.used.load(), 0u);
  EXPECT_EQ(house.generation(0), 1u) << "no connection was lost";
}

TEST(Session, ClientsShareOneConnectionAndOneThatLeavesTakesNothingFromTheOthers) {
  House house;
  Client& one = house.Connect();
  Client& two = house.Connect();
  house.master().Hold();
  one.Say("GET a");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 1; }));
  two.Say("GET b");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 2; }));
  EXPECT_EQ(house.master().accepted(), 1u);
  one.Leave();
  house.session(0).Close();
  house.master().Release();
  EXPECT_TRUE(house.Gets(two, ValueOf("b")));
}

TEST(Session, AClientMayLeaveWithAnythingUnderway) {
  for (const std::string words : {"GET a", "BLPOP k 0", "MULTI", "SUBSCRIBE c", "SELECT 3",
                                  "HELLO 3", "AUTH wrong", "SCRIPT FLUSH", "SCRIPT KILL",
                                  "SCRIPT LOAD body", "EVAL body 0", "WAIT 0 0", "PSYNC ? -1"}) {
    for (int turns = 0; turns < 8; ++turns) {
      House house;
      house.hub.Hold();
      house.BelieveKnown(0, "body", false);
      Client& client = house.Connect();
      client.Say("GET before");
      client.Say("EVALSHA " + support::ShaOf("body") + " 0");
      client.Say(words);
      client.Say("GET behind");
      house.Turns(turns);
      client.Leave();
      ASSERT_TRUE(house.Until([&] { return house.sessions_open() == 0; })) << words;
      house.hub.Release();
      house.Turns(5);
      // The house is in order: another client is served.
      EXPECT_TRUE(house.Answers(house.Connect(), "GET k", ValueOf("k"))) << words << turns;
      EXPECT_EQ(house.budget.used.load(), house.pool(0).leases_open());
    }
  }
}

TEST(Session, AnotherDatabaseIsAnotherConnection) {
  House house;
  Client& one = house.Connect();
  Client& two = house.Connect();
  EXPECT_TRUE(house.Answers(one, "SELECT 3", "+OK\r\n"));
  EXPECT_TRUE(house.Answers(one, "GET a", ValueOf("a")));
  EXPECT_TRUE(house.Answers(two, "GET b", ValueOf("b")));
  EXPECT_EQ(house.master().CommandsOn(0),
            (Texts{"CLIENT SETNAME shacast", "SELECT 3", "INFO server", "SELECT 3", "GET a"}));
  EXPECT_EQ(house.master().CommandsOn(1),
            (Texts{"CLIENT SETNAME shacast", "INFO server", "GET b"}));
}

TEST(Session, ARefusedSelectLeavesTheDatabaseAsItWas) {
  House house;
  house.master().Answer("SELECT 99", "-ERR DB index is out of range\r\n");
  Client& client = house.Connect();
  client.Say("SELECT 99");
  client.Say("GET a");
  EXPECT_TRUE(house.Gets(client, "-ERR DB index is out of range\r\n" + ValueOf("a")));
  EXPECT_EQ(house.session(0).state().key.db, 0);
}

TEST(Session, HelloSwitchesTheProtocolAndHasTheClientsOwnId) {
  House house;
  house.Connect();
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "HELLO 3",
                            "%2\r\n" + Bulk("server") + Bulk("redis") + Bulk("id") + ":2\r\n"));
  EXPECT_TRUE(house.Answers(client, "CLIENT GETNAME", "_\r\n"));
  EXPECT_TRUE(house.Answers(client, "GET a", ValueOf("a")));
  EXPECT_EQ(house.session(1).state().key.protocol, 3);
  EXPECT_TRUE(house.Answers(client, "HELLO 2 SETNAME me",
                            "*4\r\n" + Bulk("server") + Bulk("redis") + Bulk("id") + ":2\r\n"));
  EXPECT_TRUE(house.Answers(client, "CLIENT GETNAME", Bulk("me")));
}

TEST(Session, WhoSaysARightPasswordIsThatUserFromThenOn) {
  House house;
  house.master().password = "secret";
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "GET a", "-NOAUTH Authentication required.\r\n"));
  EXPECT_TRUE(house.Answers(client, "AUTH wrong",
                            "-WRONGPASS invalid username-password pair or user is disabled.\r\n"));
  EXPECT_TRUE(house.Answers(client, "GET a", "-NOAUTH Authentication required.\r\n"));
  client.Say("AUTH secret");
  client.Say("GET a");
  EXPECT_TRUE(house.Gets(client, "+OK\r\n" + ValueOf("a")));
  // Somebody else is still nobody.
  EXPECT_TRUE(house.Answers(house.Connect(), "GET a", "-NOAUTH Authentication required.\r\n"));
}

TEST(Session, ResetBeginsAnew) {
  House house;
  Client& client = house.Connect();
  for (const char* words :
       {"CLIENT SETNAME me", "SELECT 3", "MULTI", "INCR a", "RESET", "CLIENT GETNAME", "GET a"})
    client.Say(words);
  EXPECT_TRUE(
      house.Gets(client, "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n+RESET\r\n$-1\r\n" + ValueOf("a")));
  EXPECT_EQ(house.session(0).state().key.db, 0);
  EXPECT_TRUE(house.master().executed().empty());
  EXPECT_EQ(house.budget.used.load(), 0u) << "the lease had a transaction in it";
}

TEST(Session, ReadsGoToReplicasWhereTheyMay) {
  House house(3);
  house.settings.routing.reads = config::Reads::kPreferReplica;
  Client& client = house.Connect();
  for (int i = 0; i < 10; ++i) {
    const std::string key = "k" + std::to_string(i);
    EXPECT_TRUE(house.Answers(client, "GET " + key, ValueOf(key)));
  }
  EXPECT_TRUE(house.Answers(client, "INCR a", ":1\r\n"));
  EXPECT_EQ(house.node(1).CountOf("GET"), 5u);
  EXPECT_EQ(house.node(2).CountOf("GET"), 5u);
  EXPECT_EQ(house.node(0).Commands(), Texts{"INCR a"});
}

TEST(Session, AWriteWaitsForTheReadsOnAReplicaBeforeIt) {
  House house(2);
  house.settings.routing.reads = config::Reads::kReplica;
  Client& client = house.Connect();
  house.node(1).Hold();
  client.Say("GET a");
  client.Say("INCR a");
  ASSERT_TRUE(house.Until([&] { return house.node(1).held() == 1; }));
  house.Turns();
  EXPECT_EQ(house.node(0).CountOf("INCR"), 0u) << "it would overtake the read";
  house.node(1).Release();
  EXPECT_TRUE(house.Gets(client, ValueOf("a") + ":1\r\n"));
}

TEST(Session, AReadThatAReplicaCannotServeGoesToTheMaster) {
  for (const char* words : {"-LOADING Redis is loading the dataset in memory\r\n",
                            "-MASTERDOWN Link with MASTER is down\r\n"}) {
    House house(2);
    house.settings.routing.reads = config::Reads::kReplica;
    house.node(1).Answer("GET", words);
    Client& client = house.Connect();
    client.Say("GET a");
    client.Say("PING");
    EXPECT_TRUE(house.Gets(client, ValueOf("a") + "+PONG\r\n"));
    EXPECT_GT(house.hub.asked, 0) << "the picture is out of date";
  }
}

}  // namespace
}  // namespace frontend
