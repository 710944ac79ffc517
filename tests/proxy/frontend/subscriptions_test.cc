#include "proxy/frontend/subscriptions.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_node.h"

namespace frontend {
namespace {

using Kind = Subscriptions::Kind;

std::string Confirmed(const std::string& word, const std::string& name, char type = '*') {
  return std::string(1, type) + "3\r\n" + support::Bulk(word) + support::Bulk(name) + ":1\r\n";
}

TEST(Subscriptions, TheServersConfirmationsAreFollowedInBothProtocols) {
  Subscriptions subscriptions;
  subscriptions.OnConfirmed(Confirmed("subscribe", "a") + Confirmed("subscribe", "b"));
  subscriptions.OnConfirmed(Confirmed("psubscribe", "a*", '>'));
  subscriptions.OnConfirmed(Confirmed("ssubscribe", "s"));
  EXPECT_EQ(subscriptions.size(), 4u);
  EXPECT_TRUE(subscriptions.Of(Kind::kChannels).contains("b"));
  EXPECT_TRUE(subscriptions.Of(Kind::kPatterns).contains("a*"));
  EXPECT_TRUE(subscriptions.Of(Kind::kShards).contains("s"));
  subscriptions.OnConfirmed(Confirmed("subscribe", "a"));
  EXPECT_EQ(subscriptions.size(), 4u) << "twice is once";
  subscriptions.OnConfirmed(Confirmed("unsubscribe", "a") + Confirmed("sunsubscribe", "s", '>'));
  subscriptions.OnConfirmed(Confirmed("unsubscribe", "never"));
  EXPECT_EQ(subscriptions.size(), 2u);
}

TEST(Subscriptions, WhatConfirmsNothingChangesNothing) {
  Subscriptions subscriptions;
  for (const char* reply :
       {"-NOPERM no\r\n", "+QUEUED\r\n", "", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"})
    subscriptions.OnConfirmed(reply);
  EXPECT_TRUE(subscriptions.empty());
}

TEST(Subscriptions, NamesMayHoldAnyBytes) {
  Subscriptions subscriptions;
  const std::string name("line\r\nend\0$3\r\n", 15);
  subscriptions.OnConfirmed(Confirmed("subscribe", name) + Confirmed("subscribe", ""));
  EXPECT_TRUE(subscriptions.Of(Kind::kChannels).contains(name));
  EXPECT_TRUE(subscriptions.Of(Kind::kChannels).contains(""));
}

TEST(Subscriptions, EveryCommandsKindIsToldByItsName) {
  EXPECT_EQ(Subscriptions::KindOf("SUBSCRIBE"), Kind::kChannels);
  EXPECT_EQ(Subscriptions::KindOf("unsubscribe"), Kind::kChannels);
  EXPECT_EQ(Subscriptions::KindOf("PSubscribe"), Kind::kPatterns);
  EXPECT_EQ(Subscriptions::KindOf("punsubscribe"), Kind::kPatterns);
  EXPECT_EQ(Subscriptions::KindOf("SSUBSCRIBE"), Kind::kShards);
  EXPECT_EQ(Subscriptions::KindOf("sunsubscribe"), Kind::kShards);
}

TEST(Subscriptions, TheNextConnectionIsToldOfAllInCommandsOfModerateSize) {
  Subscriptions subscriptions;
  for (int i = 0; i < 2500; ++i)
    subscriptions.OnConfirmed(Confirmed("subscribe", "c" + std::to_string(i)));
  subscriptions.OnConfirmed(Confirmed("psubscribe", "p*"));
  const auto commands = subscriptions.ToSubscribeAgain();
  ASSERT_EQ(commands.size(), 4u);
  EXPECT_EQ(commands[0].confirmations + commands[1].confirmations + commands[2].confirmations,
            2500u);
  EXPECT_EQ(commands[3].request, support::Command("PSUBSCRIBE p*"));
  EXPECT_EQ(commands[3].confirmations, 1u);
}

}  // namespace
}  // namespace frontend
