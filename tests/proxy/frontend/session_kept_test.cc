// What a server keeps for a connection: subscriptions, tracking, CLIENT REPLY.
#include <gtest/gtest.h>

#include <string>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using support::Bulk;
using support::Command;

std::string Confirmed(const std::string& word, const std::string& name, int count) {
  return "*3\r\n" + Bulk(word) + Bulk(name) + ":" + std::to_string(count) + "\r\n";
}

std::string Message(const std::string& channel, const std::string& text) {
  return "*3\r\n" + Bulk("message") + Bulk(channel) + Bulk(text);
}

class SessionKept : public ::testing::Test {
 protected:
  SessionKept() {
    house_.master().Answer("SUBSCRIBE a", Confirmed("subscribe", "a", 1));
    house_.master().Answer("UNSUBSCRIBE", Confirmed("unsubscribe", "a", 0));
    house_.master().Answer("CLIENT REPLY", "+OK\r\n");
    house_.master().Answer("CLIENT TRACKING", "+OK\r\n");
    house_.master().Answer("CLIENT NO-TOUCH", "+OK\r\n");
  }
  size_t Executed(const std::string& words) { return house_.master().CountOf(words); }
  // The node says `bytes` to whoever is on its newest connection.
  void Say(std::string_view bytes) { house_.master().Say(house_.master().accepted() - 1, bytes); }

  House house_;
};

TEST_F(SessionKept, MessagesComeBetweenRepliesOnTheConnectionThatStays) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "SUBSCRIBE a", Confirmed("subscribe", "a", 1)));
  Say(Message("a", "one"));
  EXPECT_TRUE(house_.Gets(client, Message("a", "one")));
  EXPECT_TRUE(house_.Answers(client, "GET k", Bulk("value of k")));
  Say(Message("a", "two") + Message("a", "three"));
  EXPECT_TRUE(house_.Gets(client, Message("a", "two") + Message("a", "three")));
  EXPECT_EQ(house_.pool(0).leases_lent(), 1u);
  // Unsubscribed, it is a client like any other, and the connection is lent again.
  EXPECT_TRUE(house_.Answers(client, "UNSUBSCRIBE", Confirmed("unsubscribe", "a", 0)));
  EXPECT_EQ(house_.pool(0).leases_lent(), 0u);
}

TEST_F(SessionKept, ACommandForManyChannelsIsAnsweredOnceForEach) {
  house_.master().Answer("SUBSCRIBE x y",
                         Confirmed("subscribe", "x", 1) + Confirmed("subscribe", "y", 2));
  Client& client = house_.Connect();
  client.Say("SUBSCRIBE x y");
  client.Say("GET k");
  EXPECT_TRUE(house_.Gets(client, Confirmed("subscribe", "x", 1) + Confirmed("subscribe", "y", 2) +
                                      Bulk("value of k")));
}

TEST_F(SessionKept, AnArrayThatLooksLikeAMessageIsAReplyWhereNobodyIsSubscribed) {
  house_.master().Answer("LRANGE l 0 -1", Message("a", "no message"));
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "CLIENT NO-TOUCH ON", "+OK\r\n"));
  EXPECT_EQ(house_.pool(0).leases_lent(), 1u);
  EXPECT_TRUE(house_.Answers(client, "LRANGE l 0 -1", Message("a", "no message")));
}

TEST_F(SessionKept, ASubscriberWhoseConnectionBreaksIsSubscribedAgainWithoutItsDoing) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "SUBSCRIBE a", Confirmed("subscribe", "a", 1)));
  house_.master().run_id = std::string(40, '2');
  house_.master().ResetAll();
  ASSERT_TRUE(house_.Until([&] { return Executed("SUBSCRIBE a") == 2; }));
  Say(Message("a", "after"));
  EXPECT_TRUE(house_.Gets(client, Message("a", "after"))) << "no second confirmation";
  EXPECT_TRUE(house_.Answers(client, "GET k", Bulk("value of k")));
}

TEST_F(SessionKept, ASubscriberWhoseRunningServerClosesTheConnectionIsClosed) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "SUBSCRIBE a", Confirmed("subscribe", "a", 1)));
  house_.master().ResetAll();
  EXPECT_TRUE(house_.Until([&] { return client.ended(); }));
}

TEST_F(SessionKept, AServerThatRefusesTheSubscriptionNowEndsTheClient) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "SUBSCRIBE a", Confirmed("subscribe", "a", 1)));
  house_.master().Answer("SUBSCRIBE a", "-NOPERM no\r\n");
  house_.master().run_id = std::string(40, '2');
  house_.master().ResetAll();
  EXPECT_TRUE(house_.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), "");
}

TEST_F(SessionKept, AClientWhoseTrackingIsLostIsClosedAsItsServerWouldCloseIt) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "CLIENT TRACKING ON", "+OK\r\n"));
  house_.master().ResetAll();
  EXPECT_TRUE(house_.Until([&] { return client.ended(); }));
}

TEST_F(SessionKept, TrackingSwitchedOffGivesTheConnectionBack) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "CLIENT TRACKING ON", "+OK\r\n"));
  Say(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
  EXPECT_TRUE(house_.Gets(client, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"));
  ASSERT_TRUE(house_.Answers(client, "CLIENT TRACKING OFF", "+OK\r\n"));
  EXPECT_EQ(house_.pool(0).leases_lent(), 0u);
}

TEST_F(SessionKept, ClientReplyIsObeyedWithoutAConnectionOfItsOwn) {
  Client& client = house_.Connect();
  client.Say("CLIENT REPLY OFF");
  client.Say("GET a");
  client.Say("CLIENT REPLY SKIP");
  client.Say("CLIENT REPLY ON");
  client.Say("GET b");
  client.Say("CLIENT REPLY SKIP");
  client.Say("GET c");
  client.Say("GET d");
  EXPECT_TRUE(house_.Gets(client, "+OK\r\n" + Bulk("value of b") + Bulk("value of d")));
  EXPECT_EQ(Executed("GET a") + Executed("GET c"), 2u);
  EXPECT_EQ(house_.pool(0).leases_lent(), 0u);
}

TEST_F(SessionKept, AClientThatMayNotSayClientReplyHearsSoAndGetsItsReplies) {
  house_.master().Answer("CLIENT REPLY", "-NOPERM no\r\n");
  Client& client = house_.Connect();
  client.Say("CLIENT REPLY OFF");
  client.Say("GET a");
  EXPECT_TRUE(house_.Gets(client, "-NOPERM no\r\n" + Bulk("value of a")));
}

TEST_F(SessionKept, ResetEndsSubscriptionsAndSilence) {
  Client& client = house_.Connect();
  ASSERT_TRUE(house_.Answers(client, "SUBSCRIBE a", Confirmed("subscribe", "a", 1)));
  client.Say("CLIENT REPLY OFF");
  client.Say("RESET");
  client.Say("GET k");
  EXPECT_TRUE(house_.Gets(client, "+RESET\r\n" + Bulk("value of k")));
  EXPECT_EQ(house_.pool(0).leases_lent(), 0u);
}

}  // namespace
}  // namespace frontend
