// Users who may name a script and not send one.
#include "proxy/frontend/eval_rights.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using support::Bulk;
using support::FakeNode;
using support::ShaOf;
using Texts = std::vector<std::string>;

const std::string kBody = "body";
const std::string kCall = "EVALSHA " + ShaOf(kBody) + " 0";
const std::string kRan = Bulk("ran " + ShaOf(kBody).substr(0, 8));
const std::string kQuestion = "EVAL  x";
const std::string kNoPerm = "-NOPERM User c has no permissions to run the 'eval' command\r\n";

// A node with users; `may`: they have EVAL and EVAL_RO.
void HasUsers(FakeNode& node, const bool& may) {
  node.password = "secret";
  node.AddRule([&may](const FakeNode::Args& args) -> std::optional<std::string> {
    if ((args[0] != "EVAL" && args[0] != "EVAL_RO") || args.size() < 3) return std::nullopt;
    if (!may) return kNoPerm;
    if (args[2] == "x") return "-ERR value is not an integer or out of range\r\n";
    return std::nullopt;
  });
}

Client& LogIn(House& house) {
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "AUTH secret", "+OK\r\n"));
  return client;
}

TEST(EvalRights, AUserWithoutEvalRunsByNameWhatTheNodeHolds) {
  House house;
  const bool may = false;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  house.master().scripts.insert(ShaOf(kBody));
  Client& client = LogIn(house);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(house.Answers(client, kCall, kRan));
  EXPECT_TRUE(house.Answers(LogIn(house), kCall, kRan));
  EXPECT_EQ(house.master().CountOf("EVAL"), 1u) << "the question";
  EXPECT_EQ(house.master().CountOf(kQuestion), 1u);
}

TEST(EvalRights, WhatIsBehindTheQuestionKeepsItsOrder) {
  House house;
  const bool may = false;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  house.master().scripts.insert(ShaOf(kBody));
  Client& client = LogIn(house);
  for (const std::string& words : {std::string("INCR a"), kCall, std::string("INCR a"), kCall})
    client.Say(words);
  EXPECT_TRUE(house.Gets(client, ":1\r\n" + kRan + ":2\r\n" + kRan));
  const std::string ran = "script " + ShaOf(kBody).substr(0, 8);
  EXPECT_EQ(house.master().executed(), (Texts{"INCR a", ran, "INCR a", ran}));
}

TEST(EvalRights, InATransactionTooItIsKnownBefore) {
  House house;
  const bool may = false;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  house.master().scripts.insert(ShaOf(kBody));
  Client& client = LogIn(house);
  for (const std::string& words : {std::string("MULTI"), kCall, std::string("EXEC")})
    client.Say(words);
  EXPECT_TRUE(house.Gets(client, "+OK\r\n+QUEUED\r\n*1\r\n" + kRan));
}

TEST(EvalRights, WhatTheNodeDoesNotHoldIsAnErrorAndNoLoop) {
  House house;
  const bool may = false;
  HasUsers(house.master(), may);
  house.BelieveKnown(0, kBody, false);
  Client& client = LogIn(house);
  EXPECT_TRUE(house.Answers(client, kCall, std::string(FakeNode::kNoScript)));
  EXPECT_TRUE(house.Answers(client, kCall, std::string(FakeNode::kNoScript)));
  EXPECT_EQ(house.master().CountOf("EVAL"), 1u);
  EXPECT_TRUE(house.master().executed().empty());
}

TEST(EvalRights, AUserWhoHasItIsAskedAboutOnce) {
  House house;
  const bool may = true;
  HasUsers(house.master(), may);
  for (const std::string& body : {kBody, std::string("other")}) {
    house.Hold(body);
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(house.Answers(LogIn(house), "EVALSHA " + ShaOf(body) + " 0",
                                Bulk("ran " + ShaOf(body).substr(0, 8))));
  }
  EXPECT_EQ(house.master().CountOf(kQuestion), 1u);
  EXPECT_EQ(house.master().CountOf("EVAL"), 3u) << "and each body once";
}

TEST(EvalRights, TheReadOnlyFormIsARightOfItsOwn) {
  House house;
  const bool may = true;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  Client& client = LogIn(house);
  EXPECT_TRUE(house.Answers(client, "EVALSHA_RO " + ShaOf(kBody) + " 0", kRan));
  EXPECT_EQ(house.master().CountOf("EVAL_RO  x"), 1u);
  EXPECT_EQ(house.master().CountOf(kQuestion), 0u);
}

TEST(EvalRights, ARefusalCastsDoubtOnWhatIsBelieved) {
  House house;
  bool may = true;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  house.Hold("other");
  Client& client = LogIn(house);
  EXPECT_TRUE(house.Answers(client, kCall, kRan));
  may = false;
  house.master().scripts.insert(ShaOf("other"));
  const std::string other = "EVALSHA " + ShaOf("other") + " 0";
  // What the client gets is what was said; from the next one on it is known.
  EXPECT_TRUE(house.Answers(client, other, kNoPerm));
  EXPECT_TRUE(house.Answers(client, other, Bulk("ran " + ShaOf("other").substr(0, 8))));
}

TEST(EvalRights, TheDefaultUserIsAskedAboutAfterARefusalOnly) {
  House house;
  const bool may = false;
  HasUsers(house.master(), may);
  house.master().password = "";
  house.Hold(kBody);
  house.master().scripts.insert(ShaOf(kBody));
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kCall, kNoPerm));
  EXPECT_EQ(house.master().CountOf(kQuestion), 0u);
  EXPECT_TRUE(house.Answers(client, kCall, kRan));
  EXPECT_EQ(house.master().CountOf(kQuestion), 1u);
}

TEST(EvalRights, ANodeThatIsLostOverTheQuestionIsAskedNoMore) {
  House house;
  const bool may = true;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  Client& client = LogIn(house);
  EXPECT_TRUE(house.Answers(client, "GET a", Bulk("value of a")));
  house.master().Hold();
  client.Say(kCall);
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf(kQuestion) == 1; }));
  house.master().CloseAll();
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, kRan));
  EXPECT_EQ(house.master().CountOf(kQuestion), 1u);
}

TEST(EvalRights, AClientMayLeaveWhileItIsAsked) {
  House house;
  const bool may = true;
  HasUsers(house.master(), may);
  house.Hold(kBody);
  Client& client = LogIn(house);
  EXPECT_TRUE(house.Answers(client, "GET a", Bulk("value of a")));
  house.master().Hold();
  client.Say(kCall);
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf(kQuestion) == 1; }));
  house.session(0).Close();
  house.Turns();
  house.master().Release();
  EXPECT_TRUE(house.Answers(LogIn(house), kCall, kRan));
}

}  // namespace
}  // namespace frontend
