// The product: EVALSHA reaches nodes that have not seen the script, and the client never hears of
// it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using support::Bulk;
using support::Command;
using support::CommandOf;
using support::FakeNode;
using support::ShaOf;
using Texts = std::vector<std::string>;

const std::string kBody = "return";  // one word, so that commands are easily written
const std::string kSha = ShaOf(kBody);
const std::string kRan = Bulk("ran " + kSha.substr(0, 8));
const std::string kEvalsha = "EVALSHA " + kSha + " 0";
const std::string kEval = "EVAL " + kBody + " 0";
const std::string kExists = "SCRIPT EXISTS " + kSha;

std::string ValueOf(const std::string& key) {
  return Bulk("value of " + key);
}

TEST(SessionScripts, AnEvalTeachesUsTheScriptAndTheNodeIsProvenToHoldIt) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  EXPECT_NE(house.scripts.Find(replication::Sha1::Of(kBody)), nullptr);
  EXPECT_TRUE(house.Knows(0, kBody));
  EXPECT_EQ(house.hub.notes, (Texts{"known on 0 " + kSha, "learned " + kSha + " EVAL"}));
  EXPECT_TRUE(house.Answers(client, kEvalsha, kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, kEvalsha}));
}

TEST(SessionScripts, ANodeThatIsNotProvenToHoldAScriptGetsTheBodyOnce) {
  House house;
  house.Hold(kBody);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEvalsha, kRan));
  EXPECT_TRUE(house.Answers(client, kEvalsha, kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, kEvalsha}));
  EXPECT_EQ(house.counters.evalsha_with_body.Get(), 1u);
  EXPECT_EQ(house.counters.evalsha_as_came.Get(), 1u);
}

TEST(SessionScripts, ABurstOfOneScriptSendsTheBodyOnce) {
  House house;
  house.Hold(kBody);
  Client& client = house.Connect();
  std::string expected;
  Texts commands = {kEval};
  for (int i = 0; i < 10; ++i) {
    client.Say(kEvalsha);
    expected += kRan;
    if (i > 0) commands.push_back(kEvalsha);
  }
  EXPECT_TRUE(house.Gets(client, expected));
  EXPECT_EQ(house.master().Commands(), commands);
}

TEST(SessionScripts, ABurstOfManyClientsSendsTheBodyOnceToo) {
  House house;
  house.Hold(kBody);
  std::vector<Client*> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(&house.Connect());
  for (Client* client : clients) client->Say(kEvalsha);
  for (Client* client : clients) EXPECT_TRUE(house.Gets(*client, kRan));
  EXPECT_EQ(house.master().CountOf("EVAL"), 1u);
  EXPECT_EQ(house.master().CountOf("EVALSHA"), 9u);
}

TEST(SessionScripts, AShaInUpperCaseNamesTheSameScript) {
  House house;
  house.Hold(kBody);
  Client& client = house.Connect();
  std::string upper = kSha;
  for (char& c : upper) c = static_cast<char>(toupper(c));
  EXPECT_TRUE(house.Answers(client, "EVALSHA " + upper + " 0", kRan));
  EXPECT_EQ(house.master().Commands(), Texts{kEval});
}

TEST(SessionScripts, AMissIsRepairedAndNeitherSeenNorOvertaken) {
  House house;
  house.BelieveKnown(0, kBody, false);  // somebody flushed the node behind our back
  Client& client = house.Connect();
  house.master().Hold();
  client.Say("GET one");
  client.Say(kEvalsha);
  client.Say("GET three");
  ASSERT_TRUE(house.Until([&] { return house.master().held() == 2; }));
  house.master().Release(1);
  EXPECT_TRUE(house.Gets(client, ValueOf("one")));
  // The third is not sent before the second is answered: it would see what was before the call.
  house.Turns();
  EXPECT_EQ(house.master().Commands(), (Texts{"GET one", kEvalsha}));
  house.master().Release(1);
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf(kExists) == 1; }));
  house.Turns();
  EXPECT_EQ(client.got(), "") << "NOSCRIPT, or something behind it, went to the client";
  house.master().Release();
  EXPECT_TRUE(house.Gets(client, kRan + ValueOf("three")));
  EXPECT_EQ(house.master().Commands(), (Texts{"GET one", kEvalsha, kExists, kEval, "GET three"}));
  EXPECT_EQ(house.master().executed().size(), 1u);
  EXPECT_EQ(house.counters.noscript_repaired.Get(), 1u);
  EXPECT_TRUE(house.Knows(0, kBody));
}

TEST(SessionScripts, AMissEmptiesWhatWasBelievedOfTheNode) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.BelieveKnown(0, "another", false);
  const uint64_t before = house.generation(0);
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, kRan));
  EXPECT_EQ(house.generation(0), before + 1);
  EXPECT_FALSE(house.Knows(0, "another"));
  EXPECT_TRUE(house.Knows(0, kBody));
}

TEST(SessionScripts, CallsThatMissTogetherAreRepairedTogetherInTheirOrder) {
  House house;
  house.BelieveKnown(0, kBody, false);
  Client& client = house.Connect();
  for (const char* key : {"a", "b", "c"}) client.Say("EVALSHA " + kSha + " 1 " + key);
  EXPECT_TRUE(house.Gets(client, kRan + kRan + kRan));
  EXPECT_EQ(house.master().executed().size(), 3u);
  const Texts commands = house.master().Commands();
  EXPECT_EQ(house.master().CountOf(kExists), 1u) << "one question is enough for all of them";
  // Each has the body with it: what missed once is not exposed again.
  ASSERT_EQ(commands.size(), 7u);
  EXPECT_EQ(Texts(commands.begin() + 4, commands.end()),
            (Texts{"EVAL " + kBody + " 1 a", "EVAL " + kBody + " 1 b", "EVAL " + kBody + " 1 c"}));
}

TEST(SessionScripts, AMissBehindWhichOnlyWeAnsweredIsRepairedToo) {
  House house;
  house.BelieveKnown(0, kBody, false);
  Client& client = house.Connect();
  client.Say(kEvalsha);
  client.Say("CLIENT ID");
  EXPECT_TRUE(house.Gets(client, kRan + ":1\r\n"));
}

TEST(SessionScripts, AMissBeforeQuitIsRepairedToo) {
  House house;
  house.BelieveKnown(0, kBody, false);
  Client& client = house.Connect();
  client.Say(kEvalsha);
  client.Say("QUIT");
  ASSERT_TRUE(house.Until([&] { return client.ended(); }));
  EXPECT_EQ(client.got(), kRan + "+OK\r\n");
}

TEST(SessionScripts, AnUnknownShaIsAnsweredByTheServerUnchanged) {
  House house;
  Client& client = house.Connect();
  const std::string unknown(40, 'a');
  client.Say("EVALSHA " + unknown + " 0");
  client.Say("GET k");
  EXPECT_TRUE(house.Gets(client, std::string(FakeNode::kNoScript) + ValueOf("k")));
  EXPECT_EQ(house.master().Commands(), (Texts{"EVALSHA " + unknown + " 0", "GET k"}));
  EXPECT_EQ(house.counters.noscript_passed_unknown.Get(), 1u);
}

TEST(SessionScripts, AnUnknownShaOnAReplicaIsAskedOfTheMasterFirst) {
  House house(2);
  house.settings.routing.reads = config::Reads::kReplica;
  house.master().scripts.insert(kSha);
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, "EVALSHA_RO " + kSha + " 0", kRan));
  EXPECT_EQ(house.node(1).CountOf("EVALSHA_RO"), 1u);
  EXPECT_EQ(house.node(0).CountOf("EVALSHA_RO"), 1u);
  EXPECT_TRUE(house.Answers(client, "EVALSHA_RO " + std::string(40, 'b') + " 0",
                            std::string(FakeNode::kNoScript)));
}

TEST(SessionScripts, AScriptWhoseOwnWordsAreNoscriptIsNotRunTwice) {
  House house;
  house.BelieveKnown(0, kBody);
  house.master().ScriptReturns(kBody, std::string(FakeNode::kNoScript));
  const uint64_t before = house.generation(0);
  Client& client = house.Connect();
  client.Say(kEvalsha);
  client.Say("GET k");
  EXPECT_TRUE(house.Gets(client, std::string(FakeNode::kNoScript) + ValueOf("k")));
  EXPECT_EQ(house.master().executed().size(), 1u);
  EXPECT_EQ(house.master().Commands(), (Texts{kEvalsha, kExists, "GET k"}));
  EXPECT_EQ(house.counters.noscript_passed_script.Get(), 1u);
  EXPECT_EQ(house.generation(0), before);
}

TEST(SessionScripts, NoscriptToTheRepairItselfIsReturned) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.master().ScriptReturns(kBody, std::string(FakeNode::kNoScript));
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEvalsha, std::string(FakeNode::kNoScript)));
  EXPECT_EQ(house.master().Commands(), (Texts{kEvalsha, kExists, kEval}));
  EXPECT_EQ(house.master().executed().size(), 1u);
}

TEST(SessionScripts, WhereTheNodeCannotBeAskedAWriteIsNotRunASecondTime) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.master().Answer(kExists, "-NOPERM this user has no permissions\r\n");
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, std::string(FakeNode::kNoScript)));
  EXPECT_EQ(house.master().executed().size(), 0u);
  EXPECT_EQ(house.counters.noscript_passed_unsure.Get(), 1u);
}

TEST(SessionScripts, WhereTheNodeIsLostBeforeItAnswersTheQuestionNoscriptIsPassedOn) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.master().Answer(kExists, "");
  Client& client = house.Connect();
  client.Say(kEvalsha);
  ASSERT_TRUE(house.Until([&] { return house.master().CountOf(kExists) == 1; }));
  house.master().CloseAll();
  EXPECT_TRUE(house.Gets(client, std::string(FakeNode::kNoScript)));
}

TEST(SessionScripts, AReadMayBeRepeatedWhoeverSaidNoscript) {
  House house;
  house.BelieveKnown(0, kBody, false);
  house.master().Answer(kExists, "-NOPERM this user has no permissions\r\n");
  EXPECT_TRUE(house.Answers(house.Connect(), "EVALSHA_RO " + kSha + " 0", kRan));
  EXPECT_EQ(house.master().CountOf("EVAL_RO " + kBody), 1u);
}

TEST(SessionScripts, ALostConnectionIsFollowedByTheBody) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  // The process was started anew, without its scripts.
  house.master().scripts.clear();
  house.master().CloseAll();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).lanes_open() == 0; }));
  EXPECT_TRUE(house.Answers(client, kEvalsha, kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, kEval}));
  EXPECT_EQ(house.counters.noscript_repaired.Get(), 0u) << "it needed no repair";
}

TEST(SessionScripts, EachNodeIsGivenTheBodyForItself) {
  House house(3);
  house.settings.routing.reads = config::Reads::kReplica;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(house.Answers(client, "EVALSHA_RO " + kSha + " 0", kRan));
  const Texts expected = {"EVAL_RO " + kBody + " 0", "EVALSHA_RO " + kSha + " 0"};
  EXPECT_EQ(house.node(1).Commands(), expected);
  EXPECT_EQ(house.node(2).Commands(), expected);
}

TEST(SessionScripts, ABodyThatTheServerRefusesIsNotKept) {
  House house;
  house.master().Answer("EVAL", "-ERR Error compiling script (new function): user_script:1: x\r\n");
  Client& client = house.Connect();
  client.Say(kEval);
  ASSERT_TRUE(house.Until([&] { return client.got().ends_with("\n"); }));
  EXPECT_EQ(house.scripts.size(), 0u);
  EXPECT_FALSE(house.Knows(0, kBody));
  EXPECT_TRUE(house.hub.notes.empty());
}

TEST(SessionScripts, AnEvalOfAScriptThatTheNodeHoldsGoesByItsSha) {
  House house;
  Client& client = house.Connect();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, kEvalsha}));
  EXPECT_EQ(house.counters.eval_as_evalsha.Get(), 1u);
  // A miss then is repaired with the body that the client sent.
  house.master().scripts.clear();
  EXPECT_TRUE(house.Answers(client, kEval, kRan));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, kEvalsha, kEvalsha, kExists, kEval}));
}

TEST(SessionScripts, AnEvalWithSomethingBehindItGoesAsItCame) {
  House house;
  house.BelieveKnown(0, kBody);
  Client& client = house.Connect();
  client.Send(Command(kEval) + Command("GET k"));
  EXPECT_TRUE(house.Gets(client, kRan + ValueOf("k")));
  EXPECT_EQ(house.master().Commands(), (Texts{kEval, "GET k"}));
}

TEST(SessionScripts, EvalsGoAsTheyComeWhereThatIsWanted) {
  House house;
  house.settings.scripts.eval_as_evalsha = false;
  house.BelieveKnown(0, kBody);
  EXPECT_TRUE(house.Answers(house.Connect(), kEval, kRan));
  EXPECT_EQ(house.master().Commands(), Texts{kEval});
}

TEST(SessionScripts, AScriptThatCameFromNobodyButRunsIsAskedFor) {
  House house;
  house.master().scripts.insert(kSha);
  EXPECT_TRUE(house.Answers(house.Connect(), kEvalsha, kRan));
  EXPECT_EQ(house.hub.notes, (Texts{"known on 0 " + kSha, "show on 0 " + kSha}));
}

TEST(SessionScripts, ABodyOfAMegabyteIsGivenToANodeThatLacksIt) {
  House house;
  const std::string body = "return --" + std::string(1 << 20, 'x');
  Client& client = house.Connect();
  const std::string ran = Bulk("ran " + ShaOf(body).substr(0, 8));
  client.Send(CommandOf({"EVAL", body, "0"}));
  EXPECT_TRUE(house.Gets(client, ran));
  house.master().CloseAll();
  house.master().scripts.clear();
  ASSERT_TRUE(house.Until([&] { return house.pool(0).lanes_open() == 0; }));
  EXPECT_TRUE(house.Answers(client, "EVALSHA " + ShaOf(body) + " 0", ran));
  EXPECT_EQ(house.master().executed().size(), 2u);
}

}  // namespace
}  // namespace frontend
