#include "proxy/control/topology_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/control/control_support.h"

namespace control {
namespace {

using Words = std::vector<std::string>;

// --- The picture ---------------------------------------------------------------------------------

TEST(TopologyService, FindsTheReplicasThatTheMasterNamesAndTellsThePicture) {
  House house(2);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Until([&] {
    return house.InPicture(house.node(1))->readable && house.InPicture(house.node(2))->readable;
  }));
  EXPECT_EQ(house.crew.picture->master, house.IdOf(house.node(0)));
  EXPECT_EQ(house.crew.picture->epoch, house.topology->picture().epoch);
}

TEST(TopologyService, TellsNothingWhereNothingChanged) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Until([&] { return house.InPicture(house.node(1))->readable; }));
  const int told = house.crew.pictures;
  const size_t asked = house.node(0).CountOf("INFO");
  ASSERT_TRUE(house.Until([&] { return house.node(0).CountOf("INFO") > asked + 5; }));
  EXPECT_EQ(house.crew.pictures, told);
  EXPECT_EQ(house.crew.tables, 1);
}

TEST(TopologyService, AskNowAsksEveryNode) {
  House house(2);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Quiet());
  const size_t before[] = {house.node(0).CountOf("INFO"), house.node(1).CountOf("INFO"),
                           house.node(2).CountOf("INFO")};
  house.topology->AskNow();
  ASSERT_TRUE(house.Until([&] {
    return house.node(0).CountOf("INFO") > before[0] && house.node(1).CountOf("INFO") > before[1] &&
           house.node(2).CountOf("INFO") > before[2];
  }));
}

TEST(TopologyService, ANodeThatIsDownCannotBeAskedAndIsFoundAgain) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ModelNode& replica = house.node(1);
  house.TakeDown(replica);
  ASSERT_TRUE(house.Until([&] { return !house.InPicture(replica)->up; }));
  EXPECT_EQ(house.topology->Connection(house.IdOf(replica)), nullptr);
  EXPECT_EQ(house.topology->Connection(12345), nullptr);
  replica.ListenAgain();
  ASSERT_TRUE(house.Until([&] { return house.InPicture(replica)->up; }));
  EXPECT_NE(house.topology->Connection(house.IdOf(replica)), nullptr);
}

TEST(TopologyService, ABusyMasterStaysTheMaster) {
  House house(0);
  ASSERT_TRUE(house.Start());
  const int told = house.crew.pictures;
  const size_t asked = house.node(0).CountOf("INFO");
  house.node(0).busy = true;
  ASSERT_TRUE(house.Until([&] { return house.node(0).CountOf("INFO") > asked + 5; }));
  EXPECT_EQ(house.crew.pictures, told);
  EXPECT_TRUE(house.InPicture(house.node(0))->up);
}

// --- Generations ---------------------------------------------------------------------------------

TEST(TopologyService, AReplicaThatAttachesRaisesEveryGeneration) {
  House house(2);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Quiet());
  const uint64_t before[] = {house.GenerationOf(house.node(0)), house.GenerationOf(house.node(1)),
                             house.GenerationOf(house.node(2))};
  house.node(0).sync_full = 1;
  house.topology->AskNow();
  ASSERT_TRUE(house.Until([&] { return house.GenerationOf(house.node(0)) > before[0]; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(house.GenerationOf(house.node(i)), before[i] + 1) << i;
}

TEST(TopologyService, ALostNodeRaisesItsOwnGenerationOnly) {
  House house(2);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Quiet());
  const uint64_t master = house.GenerationOf(house.node(0));
  const uint64_t replica = house.GenerationOf(house.node(1));
  house.TakeDown(house.node(1));
  ASSERT_TRUE(house.Until([&] { return house.GenerationOf(house.node(1)) > replica; }));
  EXPECT_EQ(house.GenerationOf(house.node(0)), master);
}

TEST(TopologyService, AnotherProcessHasLostWhatTheOldOneHeld) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Quiet());
  const uint64_t before = house.GenerationOf(house.node(1));
  house.node(1).run_id = std::string(40, 'e');
  house.topology->AskNow();
  ASSERT_TRUE(house.Until([&] { return house.GenerationOf(house.node(1)) > before; }));
  EXPECT_EQ(house.topology->shared()[house.IdOf(house.node(1))]->lost_in.load(), before);
}

TEST(TopologyService, AFlushThatANodeOwedRaisesItsGenerationWhenItIsDone) {
  // A script that it was given meanwhile is gone with the others.
  House house(1);
  ASSERT_TRUE(house.Start());
  ASSERT_TRUE(house.Quiet());
  ModelNode& replica = house.node(1);
  house.topology->OweFlush(house.IdOf(replica));
  const uint64_t before = house.GenerationOf(replica);
  house.topology->AskNow();
  ASSERT_TRUE(house.Until([&] { return house.GenerationOf(replica) > before; }));
  EXPECT_EQ(replica.executed(), Words{"SCRIPT FLUSH"});
  EXPECT_EQ(house.topology->shared()[house.IdOf(replica)]->lost_in.load(), before)
      << "NOSCRIPT for something sent before is the server's own word";
}

// --- The commands of the master ------------------------------------------------------------------

TEST(TopologyService, ANewMasterIsAskedForItsCommands) {
  House house(1);
  ASSERT_TRUE(house.Start());
  EXPECT_EQ(house.node(0).CountOf("COMMAND"), 1u);
  EXPECT_EQ(house.node(1).CountOf("COMMAND"), 0u);
  // The replica takes over.
  house.node(1).master = nullptr;
  house.node(1).replicas = {&house.node(0)};
  house.node(0).master = &house.node(1);
  house.node(0).replicas.clear();
  ASSERT_TRUE(house.Until([&] { return house.crew.tables == 2; }));
  EXPECT_EQ(house.node(1).CountOf("COMMAND"), 1u);
}

TEST(TopologyService, AMasterThatDidNotTellItsCommandsIsAskedAgain) {
  House house(0);
  house.node(0).AnswerOnce("COMMAND", "-LOADING Redis is loading the dataset in memory\r\n");
  ASSERT_TRUE(house.Start()) << "nothing else in the picture changes";
  EXPECT_EQ(house.node(0).CountOf("COMMAND"), 2u);
}

TEST(TopologyService, WhatAnOldMasterTellsTooLateIsNotTaken) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ModelNode& old = house.node(0);
  // Another process there, which does not tell yet.
  old.Silent("COMMAND");
  old.run_id = std::string(40, 'e');
  ASSERT_TRUE(house.Until([&] { return old.CountOf("COMMAND") == 2; }));
  house.node(1).master = nullptr;
  house.node(1).replicas = {&old};
  old.Answer("INFO", "");  // it says nothing more, but for this
  ASSERT_TRUE(house.Until(
      [&] { return house.InPicture(house.node(1))->role == replication::Role::kMaster; }));
  old.CloseAll();
  old.StopListening();
  ASSERT_TRUE(house.Until([&] { return house.crew.tables == 2; }));
  EXPECT_EQ(house.node(1).CountOf("COMMAND"), 1u) << "the lost question is not the new master's";
}

TEST(ParseCommands, TakesTheFlagsAlsoOfSubcommands) {
  const auto text = [](const char* words) {
    return ReplyTree{ReplyTree::Type::kText, words, 0, {}};
  };
  const auto list = [](std::vector<ReplyTree> elements) {
    return ReplyTree{ReplyTree::Type::kArray, "", 0, std::move(elements)};
  };
  const ReplyTree none;
  const auto row = [&](const char* name, std::vector<ReplyTree> flags,
                       std::vector<ReplyTree> subcommands) {
    return list({text(name), none, list(std::move(flags)), none, none, none, none, none, none,
                 list(std::move(subcommands))});
  };
  const auto commands = ParseCommands(list({
      row("get", {text("readonly"), text("fast")}, {}),
      row("blpop", {text("write"), text("blocking")}, {}),
      row("script", {}, {row("script|exists", {text("noscript")}, {})}),
      list({text("short")}),
      none,
  }));
  ASSERT_EQ(commands.size(), 4u);
  EXPECT_EQ(commands[0].name, "get");
  EXPECT_TRUE(commands[0].read_only);
  EXPECT_FALSE(commands[0].blocking);
  EXPECT_FALSE(commands[0].writes);
  EXPECT_TRUE(commands[1].blocking);
  EXPECT_TRUE(commands[1].writes);
  EXPECT_EQ(commands[3].name, "script|exists");
  EXPECT_FALSE(commands[3].writes);
  EXPECT_TRUE(ParseCommands(ReplyTree()).empty());
}

// --- Nodes that are no longer watched ------------------------------------------------------------

// A replica goes away, and then nobody names it any more.
void Forget(House& house, ModelNode& gone) {
  house.TakeDown(gone);
  ASSERT_TRUE(house.Until([&] { return !house.InPicture(gone)->up; }));
  std::erase(house.node(0).replicas, &gone);
  ASSERT_TRUE(house.Until([&] { return house.InPicture(gone) == nullptr; }));
}

TEST(TopologyService, ANodeThatNobodyNamesIsForgottenAndFoundAgain) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ModelNode& replica = house.node(1);
  const auto id = house.IdOf(replica);
  ASSERT_NO_FATAL_FAILURE(Forget(house, replica));
  EXPECT_EQ(house.topology->Connection(id), nullptr);
  replica.ListenAgain();
  house.node(0).replicas = {&replica};
  ASSERT_TRUE(house.Until([&] { return house.AllUp(); }));
  EXPECT_EQ(house.IdOf(replica), id) << "an address keeps its number";
}

TEST(TopologyService, WhatANodeOwesIsNotForgottenWithIt) {
  House house(1);
  ASSERT_TRUE(house.Start());
  ModelNode& replica = house.node(1);
  const auto id = house.IdOf(replica);
  ASSERT_NO_FATAL_FAILURE(Forget(house, replica));
  house.topology->OweFlush(id);
  const size_t first = replica.accepted();
  replica.ListenAgain();
  house.node(0).replicas = {&replica};
  ASSERT_TRUE(house.Until([&] { return house.AllUp(); }));
  ASSERT_GT(replica.CommandsOn(first).size(), 1u);
  EXPECT_EQ(replica.CommandsOn(first)[1], "SCRIPT FLUSH");
}

TEST(TopologyService, ANodeIsForgottenSafelyWhileItsAnswerComesIn) {
  House house(2);
  ASSERT_TRUE(house.Start());
  ModelNode& gone = house.node(1);
  ModelNode& other = house.node(2);
  house.TakeDown(gone);
  ASSERT_TRUE(house.Until([&] { return !house.InPicture(gone)->up; }));
  // It is back and has been asked who it is, but nobody names it any more, and it is down still.
  gone.Silent("INFO");
  gone.Silent("CLIENT LIST");
  gone.Silent("PING");
  gone.ListenAgain();
  ASSERT_TRUE(house.Until([&] { return house.topology->Connection(house.IdOf(gone)) != nullptr; }));
  const auto id = house.IdOf(gone);
  house.node(0).replicas = {&other};
  const size_t asked = house.node(0).CountOf("INFO");
  ASSERT_TRUE(house.Until([&] { return house.node(0).CountOf("INFO") > asked + 2; }));
  ASSERT_NE(house.topology->picture().Find(id), nullptr);
  bool told = false;
  house.topology->Connection(id)->Ask({"PING"}, [&](const ReplyTree* answer) {
    EXPECT_EQ(answer, nullptr);
    told = true;
  });
  // In one turn: another node is lost, at which strays are forgotten, and bytes from this one.
  other.ResetAll();
  gone.Say(gone.accepted() - 1, "$9\r\nrun_id:12");
  gone.Step();
  support::Turn(house.loop);
  EXPECT_EQ(house.topology->picture().Find(id), nullptr);
  ASSERT_TRUE(house.Until([&] { return told; })) << "whoever waits for an answer is not left alone";
  other.StopListening();
}

}  // namespace
}  // namespace control
