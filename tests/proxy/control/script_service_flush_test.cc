// SCRIPT FLUSH on all nodes: true when the client reads OK, whatever a node does.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/control/script_service.h"
#include "tests/proxy/control/control_support.h"

namespace control {
namespace {

using Words = std::vector<std::string>;

class FlushTest : public ::testing::Test {
 protected:
  void StartWith(int replicas) {
    house_ = std::make_unique<House>(replicas);
    ASSERT_TRUE(house_->Start());
    ASSERT_TRUE(house_->Quiet());
    house_->crew.notes.clear();
  }
  ModelNode& node(int i) { return house_->node(i); }
  void Flush(bool master_too = false) {
    house_->scripts->FlushEverywhere(master_too, [this] { ++done_; });
  }
  [[nodiscard]] bool UntilDone(int times = 1) {
    return house_->Until([&] { return done_ >= times; });
  }
  size_t Flushes(int i) { return node(i).CountOf("SCRIPT FLUSH"); }
  void Turns() {
    for (int i = 0; i < 30; ++i) {
      support::Turn(house_->loop);
      house_->Step();
    }
  }

  std::unique_ptr<House> house_;
  int done_ = 0;
};

TEST_F(FlushTest, GoesToEveryNodeButTheMasterThatHasDoneItsOwn) {
  StartWith(2);
  Flush();
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(Flushes(0), 0u);
  EXPECT_EQ(Flushes(1), 1u);
  EXPECT_EQ(Flushes(2), 1u);
  EXPECT_EQ(house_->crew.notes, Words{"flush 1"});
}

TEST_F(FlushTest, GoesToTheMasterOnceMoreWhereThatIsAsked) {
  StartWith(1);
  Flush(true);
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(Flushes(0), 1u);
  EXPECT_EQ(Flushes(1), 1u);
}

TEST_F(FlushTest, NoNodeIsFlushedBeforeEveryWorkerHasForgotten) {
  StartWith(1);
  house_->crew.slow = true;
  Flush();
  Turns();
  EXPECT_EQ(Flushes(1), 0u);
  EXPECT_EQ(done_, 0);
  house_->crew.forgetting.front()();
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(Flushes(1), 1u);
}

TEST_F(FlushTest, AWorkerThatCannotForgetHoldsItUpForTwoSecondsOnly) {
  StartWith(1);
  house_->crew.slow = true;
  const uint64_t began = house_->loop.now_ms();
  Flush();
  ASSERT_TRUE(UntilDone());
  EXPECT_GE(house_->loop.now_ms() - began, 1'900u);
  EXPECT_EQ(Flushes(1), 1u);
  house_->crew.forgetting.front()();  // it comes too late, and does no harm
  Turns();
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(Flushes(1), 1u);
}

TEST_F(FlushTest, EveryGenerationIsRaisedBeforeTheNodesAreFlushedAndAfter) {
  StartWith(1);
  node(1).Silent("SCRIPT FLUSH");
  const uint64_t before[] = {house_->GenerationOf(node(0)), house_->GenerationOf(node(1))};
  Flush();
  ASSERT_TRUE(house_->Until([&] { return Flushes(1) == 1; }));
  EXPECT_EQ(house_->GenerationOf(node(0)), before[0] + 1);
  EXPECT_EQ(house_->GenerationOf(node(1)), before[1] + 1);
  node(1).Say(0, "+OK\r\n");
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(house_->GenerationOf(node(0)), before[0] + 2);
  EXPECT_EQ(house_->GenerationOf(node(1)), before[1] + 2);
}

TEST_F(FlushTest, ANodeThatIsDownIsFlushedWhenItComesBackBeforeItIsUsed) {
  StartWith(2);
  house_->settings.upstream.poll_interval = std::chrono::milliseconds(10);
  house_->TakeDown(node(1));
  ASSERT_TRUE(house_->Until([&] { return !house_->InPicture(node(1))->up; }));
  Flush();
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(Flushes(1), 0u);
  EXPECT_EQ(Flushes(2), 1u);
  node(1).ListenAgain();
  ASSERT_TRUE(house_->Until([&] { return house_->InPicture(node(1))->up || Flushes(1) > 1; }));
  EXPECT_EQ(Flushes(1), 1u);
}

TEST_F(FlushTest, ANodeThatIsForgottenWhileItIsAwayOwesTheFlushToo) {
  StartWith(2);
  house_->settings.upstream.poll_interval = std::chrono::milliseconds(10);
  ModelNode& gone = node(2);
  house_->TakeDown(gone);
  ASSERT_TRUE(house_->Until([&] { return !house_->InPicture(gone)->up; }));
  std::erase(node(0).replicas, &gone);
  house_->topology->AskNow();
  ASSERT_TRUE(house_->Until([&] { return house_->InPicture(gone) == nullptr; }));
  Flush();
  ASSERT_TRUE(UntilDone());
  gone.ListenAgain();
  node(0).replicas.push_back(&gone);
  ASSERT_TRUE(house_->Until([&] { return house_->AllUp(); }));
  EXPECT_EQ(Flushes(2), 1u);
}

TEST_F(FlushTest, ABusyNodeIsFlushedAfterItsScript) {
  StartWith(1);
  node(1).busy = true;
  Flush();
  ASSERT_TRUE(UntilDone());
  EXPECT_EQ(node(1).executed(), Words());
  node(1).busy = false;
  const uint64_t generation = house_->GenerationOf(node(1));
  house_->topology->AskNow();
  ASSERT_TRUE(house_->Until([&] { return !node(1).executed().empty(); }));
  EXPECT_EQ(node(1).executed(), Words{"SCRIPT FLUSH"});
  ASSERT_TRUE(house_->Until([&] { return house_->GenerationOf(node(1)) > generation; }))
      << "what it was given meanwhile is gone";
}

TEST_F(FlushTest, ANodeThatIsLostMeanwhileHoldsNobodyUpAndOwesIt) {
  StartWith(1);
  node(1).Silent("SCRIPT FLUSH");
  Flush();
  ASSERT_TRUE(house_->Until([&] { return Flushes(1) == 1; }));
  EXPECT_EQ(done_, 0);
  const size_t next = node(1).accepted();
  node(1).CloseAll();
  node(1).Answer("SCRIPT FLUSH", "+OK\r\n");
  ASSERT_TRUE(UntilDone());
  house_->topology->AskNow();
  ASSERT_TRUE(house_->Until([&] { return Flushes(1) == 2; }));
  ASSERT_EQ(node(1).CommandsOn(next).size(), 2u);
  EXPECT_EQ(node(1).CommandsOn(next)[1], "SCRIPT FLUSH");
}

TEST_F(FlushTest, ANodeThatNeverAnswersHoldsItUpForTwoSecondsOnly) {
  StartWith(2);
  node(1).Silent("SCRIPT FLUSH");
  const uint64_t began = house_->loop.now_ms();
  Flush();
  ASSERT_TRUE(UntilDone());
  EXPECT_GE(house_->loop.now_ms() - began, 1'900u);
  EXPECT_EQ(Flushes(2), 1u);
  // It did it only now, and what it was given meanwhile is gone with the rest.
  const uint64_t generation = house_->GenerationOf(node(1));
  const uint64_t of_others = house_->GenerationOf(node(2));
  node(1).Say(0, "+OK\r\n");
  ASSERT_TRUE(house_->Until([&] { return house_->GenerationOf(node(1)) > generation; }));
  EXPECT_EQ(house_->GenerationOf(node(2)), of_others);
  EXPECT_EQ(done_, 1);
}

TEST_F(FlushTest, OneComesAfterTheOther) {
  StartWith(1);
  node(1).Silent("SCRIPT FLUSH");
  Flush();
  Flush(true);
  Flush();
  ASSERT_TRUE(house_->Until([&] { return Flushes(1) == 1; }));
  Turns();
  EXPECT_EQ(Flushes(1), 1u);
  EXPECT_EQ(house_->crew.notes, Words{"flush 1"});
  node(1).Answer("SCRIPT FLUSH", "+OK\r\n");
  node(1).Say(0, "+OK\r\n");
  ASSERT_TRUE(UntilDone(3));
  EXPECT_EQ(Flushes(0), 1u);
  EXPECT_EQ(Flushes(1), 3u);
  EXPECT_EQ(house_->crew.notes, (Words{"flush 1", "flush 2", "flush 3"}));
}

TEST_F(FlushTest, WithoutAnyNodeItIsDoneAllTheSame) {
  StartWith(0);
  house_->TakeDown(node(0));
  ASSERT_TRUE(house_->Until([&] { return house_->topology->Connection(0) == nullptr; }));
  Flush(true);
  ASSERT_TRUE(UntilDone());
}

TEST_F(FlushTest, AScriptLearnedBeforeItIsNotLearnedAfterIt) {
  StartWith(0);
  const auto script = std::make_shared<const replication::ScriptBody>("return 1");
  Flush();
  ASSERT_TRUE(UntilDone());
  house_->settings.scripts.max_memory = 1;  // if it were kept, it would have to go at once
  house_->scripts->OnLearned(script, 0);
  EXPECT_EQ(house_->crew.notes, Words{"flush 1"});
}

}  // namespace
}  // namespace control
