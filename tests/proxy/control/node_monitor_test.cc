#include "proxy/control/node_monitor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/control/control_support.h"

namespace control {
namespace {

using Words = std::vector<std::string>;
using std::chrono::milliseconds;

class NodeMonitorTest : public ::testing::Test {
 protected:
  NodeMonitorTest() {
    settings_.poll_interval = milliseconds(5);
    settings_.connect_timeout = milliseconds(20'000);
  }

  std::unique_ptr<NodeMonitor> Watch(const config::Address& address, Words& notes) {
    shared_ = std::make_shared<backend::NodeShared>(0, address);
    return std::make_unique<NodeMonitor>(
        loop_, address, settings_, shared_,
        NodeMonitor::Reports{
            [this, &notes](replication::NodeFacts facts) {
              facts_ = std::move(facts);
              notes.push_back("facts");
            },
            [&notes] { notes.push_back("busy"); },
            [&notes](const std::string& why) { notes.push_back("failed: " + why); },
            [&notes] { notes.push_back("flushed"); }},
        plain_);
  }
  void Watch() { monitor_ = Watch(node_.address(), notes_); }
  void WatchOnce() {
    settings_.poll_interval = std::chrono::minutes(1);
    Watch();
    ASSERT_TRUE(UntilNoted("facts"));
    ASSERT_EQ(notes_, Words{"facts"});
    notes_.clear();
  }
  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition, [&] { node_.Step(); });
  }
  [[nodiscard]] bool UntilNoted(const std::string& note, std::ptrdiff_t times = 1) {
    return Until([&] { return std::count(notes_.begin(), notes_.end(), note) >= times; });
  }
  // What it was asked on one of its connections, without our name.
  Words AskedOn(size_t connection) const {
    Words asked = node_.CommandsOn(connection);
    std::erase(asked, "CLIENT SETNAME shacast-control");
    return asked;
  }

  net::Loop loop_;
  ModelNode node_{'1'};
  config::UpstreamSettings settings_;
  Words notes_;
  replication::NodeFacts facts_;
  backend::NodeSharedRef shared_;
  const net::TlsRef plain_;
  std::unique_ptr<NodeMonitor> monitor_;
};

// --- Polls ---------------------------------------------------------------------------------------

TEST_F(NodeMonitorTest, AsksAtOnceAndReportsWhatTheNodeSaysOfItself) {
  node_.Answer("CLIENT LIST TYPE replica",
               support::Bulk("id=9 addr=127.0.0.1:1 flags=S\nid=4 addr=127.0.0.1:2 flags=S\n"));
  WatchOnce();
  EXPECT_EQ(AskedOn(0), (Words{"INFO", "CLIENT LIST TYPE replica"}));
  EXPECT_EQ(facts_.run_id, node_.run_id);
  EXPECT_EQ(facts_.role, replication::Role::kMaster);
  EXPECT_EQ(facts_.replica_clients, (std::vector<uint64_t>{4, 9}));
}

TEST_F(NodeMonitorTest, AsksAgainAndAgain) {
  Watch();
  ASSERT_TRUE(UntilNoted("facts", 4));
  EXPECT_EQ(node_.accepted(), 1u);
}

TEST_F(NodeMonitorTest, AsksBeforeItsTimeWhenItIsTold) {
  WatchOnce();
  monitor_->PollNow();
  ASSERT_TRUE(UntilNoted("facts"));
}

TEST_F(NodeMonitorTest, ToldWhileAnAnswerIsOnItsWayItAsksOnceMore) {
  WatchOnce();
  node_.Hold();
  monitor_->PollNow();
  ASSERT_TRUE(Until([&] { return node_.CountOf("INFO") == 2; }));
  monitor_->PollNow();  // what is answered now may have been true before this
  monitor_->PollNow();
  node_.Release();
  ASSERT_TRUE(UntilNoted("facts", 2));
  EXPECT_EQ(node_.CountOf("INFO"), 3u);
}

TEST_F(NodeMonitorTest, WhereClientListIsForbiddenTheRestIsReported) {
  node_.Answer("CLIENT LIST", "-NOPERM this user has no permissions\r\n");
  WatchOnce();
  EXPECT_EQ(facts_.replica_clients, std::nullopt);
}

TEST_F(NodeMonitorTest, ANodeThatRunsAScriptIsBusyAndNotLost) {
  WatchOnce();
  settings_.poll_interval = milliseconds(5);
  node_.busy = true;
  monitor_->PollNow();
  ASSERT_TRUE(UntilNoted("busy", 3));
  EXPECT_NE(monitor_->connection(), nullptr) << "SCRIPT KILL goes there";
  node_.busy = false;
  ASSERT_TRUE(UntilNoted("facts"));
  EXPECT_EQ(node_.accepted(), 1u);
  for (const auto& note : notes_) EXPECT_FALSE(note.starts_with("failed")) << note;
}

TEST_F(NodeMonitorTest, WhatIsNoNodeIsReportedWithTheReasonAndTriedAgain) {
  for (const auto& [reply, why] :
       {std::pair{support::Bulk("role:master\r\n"), "its INFO has no run_id"},
        {std::string(":1\r\n"), "its answer to INFO is no text"},
        {std::string("-NOPERM no\r\n"), "NOPERM no"}}) {
    notes_.clear();
    node_.Answer("INFO", reply);
    Watch();
    ASSERT_TRUE(UntilNoted(std::string("failed: ") + why, 2));
    EXPECT_EQ(notes_, Words(notes_.size(), std::string("failed: ") + why));
  }
}

TEST_F(NodeMonitorTest, ANodeThatComesLaterIsFound) {
  node_.StopListening();
  Watch();
  ASSERT_TRUE(UntilNoted("failed: Connection refused", 2));
  EXPECT_EQ(monitor_->connection(), nullptr);
  node_.ListenAgain();
  ASSERT_TRUE(UntilNoted("facts"));
}

TEST_F(NodeMonitorTest, ALostConnectionIsReportedOnceAndOpenedAnew) {
  WatchOnce();
  settings_.poll_interval = milliseconds(5);
  node_.CloseAll();
  ASSERT_TRUE(UntilNoted("facts"));
  EXPECT_EQ(notes_, (Words{"failed: it closed the connection", "facts"}));
}

// Both at once, because each takes the ten seconds.
TEST_F(NodeMonitorTest, SilenceIsGivenUpAfterTenSecondsAlsoThatBeforeThePasswordIsAnswered) {
  node_.Silent("INFO");
  node_.Silent("CLIENT LIST");
  Watch();
  ModelNode other('2');
  other.Silent("AUTH");
  config::UpstreamSettings with_password = settings_;
  with_password.password = "p";
  Words of_other;
  const NodeMonitor at_other(
      loop_, other.address(), with_password,
      std::make_shared<backend::NodeShared>(1, other.address()),
      NodeMonitor::Reports{[](replication::NodeFacts) {}, [] {},
                           [&](const std::string& why) { of_other.push_back(why); }, [] {}},
      plain_);
  const uint64_t began = loop_.now_ms();
  ASSERT_TRUE(Until([&] {
    other.Step();
    return !notes_.empty() && !of_other.empty();
  }));
  EXPECT_EQ(notes_, Words{"failed: no answer for 10 s"});
  EXPECT_EQ(of_other, Words{"no answer for 10 s"});
  EXPECT_GE(loop_.now_ms() - began, 9'000u);
  // ... and a new connection is tried.
  ASSERT_TRUE(Until([&] {
    other.Step();
    return node_.accepted() == 2 && other.accepted() == 2;
  }));
}

// --- What it owes --------------------------------------------------------------------------------

TEST_F(NodeMonitorTest, ANodeThatOwesAFlushIsFlushedBeforeItIsAskedAnythingElse) {
  node_.StopListening();
  Watch();
  ASSERT_TRUE(UntilNoted("failed: Connection refused"));
  shared_->owes_flush = true;
  settings_.poll_interval = std::chrono::minutes(1);
  node_.ListenAgain();
  monitor_->PollNow();
  ASSERT_TRUE(UntilNoted("facts"));
  EXPECT_EQ(AskedOn(0), (Words{"SCRIPT FLUSH", "INFO", "CLIENT LIST TYPE replica"}));
  notes_.erase(notes_.begin(), std::find(notes_.begin(), notes_.end(), "flushed"));
  EXPECT_EQ(notes_, (Words{"flushed", "facts"})) << "its facts are told when it is clean";
  // Once is enough.
  monitor_->PollNow();
  ASSERT_TRUE(UntilNoted("facts", 2));
  EXPECT_EQ(node_.CountOf("SCRIPT FLUSH"), 1u);
}

TEST_F(NodeMonitorTest, NothingIsAskedUntilTheFlushIsAnswered) {
  node_.Silent("SCRIPT FLUSH");
  WatchOnce();
  shared_->owes_flush = true;
  monitor_->PollNow();
  ASSERT_TRUE(Until([&] { return node_.CountOf("SCRIPT FLUSH") == 1; }));
  for (int i = 0; i < 50; ++i) {
    support::Turn(loop_);
    node_.Step();
  }
  EXPECT_EQ(node_.CountOf("INFO"), 1u);
  node_.Say(0, "+OK\r\n");
  ASSERT_TRUE(UntilNoted("facts"));
}

TEST_F(NodeMonitorTest, AFlushThatWasRefusedIsOwedUntilItIsDone) {
  WatchOnce();
  node_.busy = true;
  shared_->owes_flush = true;
  settings_.poll_interval = milliseconds(5);
  monitor_->PollNow();
  ASSERT_TRUE(Until([&] { return node_.CountOf("SCRIPT FLUSH") >= 3; }));
  ASSERT_TRUE(UntilNoted("busy")) << "it is alive all the same";
  EXPECT_EQ(std::count(notes_.begin(), notes_.end(), "flushed"), 0);
  node_.busy = false;
  ASSERT_TRUE(UntilNoted("flushed"));
  ASSERT_TRUE(UntilNoted("facts"));
  EXPECT_EQ(node_.executed(), Words{"SCRIPT FLUSH"});
}

TEST_F(NodeMonitorTest, AFlushThatWasLostOnTheWayIsOwedStill) {
  node_.Silent("SCRIPT FLUSH");
  WatchOnce();
  settings_.poll_interval = milliseconds(5);
  shared_->owes_flush = true;
  monitor_->PollNow();
  ASSERT_TRUE(Until([&] { return node_.CountOf("SCRIPT FLUSH") == 1; }));
  node_.Answer("SCRIPT FLUSH", "+OK\r\n");
  node_.CloseAll();
  ASSERT_TRUE(UntilNoted("facts"));
  EXPECT_EQ(AskedOn(1)[0], "SCRIPT FLUSH");
}

TEST_F(NodeMonitorTest, AFlushIsToldWhenItIsDoneAndNothingIsOwedThen) {
  WatchOnce();
  std::vector<bool> done;
  monitor_->Flush([&](bool flushed) { done.push_back(flushed); });
  EXPECT_TRUE(shared_->owes_flush.load()) << "until it has answered";
  ASSERT_TRUE(Until([&] { return !done.empty(); }));
  EXPECT_EQ(done, std::vector<bool>{true});
  EXPECT_FALSE(shared_->owes_flush.load());
}

TEST_F(NodeMonitorTest, AFlushThatCannotBeSentIsOwed) {
  node_.StopListening();
  Watch();
  ASSERT_TRUE(UntilNoted("failed: Connection refused"));
  std::vector<bool> done;
  monitor_->Flush([&](bool flushed) { done.push_back(flushed); });
  EXPECT_EQ(done, std::vector<bool>{false});
  EXPECT_TRUE(shared_->owes_flush.load());
}

TEST_F(NodeMonitorTest, AnAnswerPaysForTheFlushesBeforeItOnly) {
  WatchOnce();
  node_.Hold();
  std::vector<bool> done;
  for (int i = 0; i < 2; ++i) monitor_->Flush([&](bool flushed) { done.push_back(flushed); });
  ASSERT_TRUE(Until([&] { return node_.held() == 2; }));
  node_.Release(1);
  ASSERT_TRUE(Until([&] { return done.size() == 1; }));
  EXPECT_TRUE(shared_->owes_flush.load());
  node_.Release();
  ASSERT_TRUE(Until([&] { return done.size() == 2; }));
  EXPECT_FALSE(shared_->owes_flush.load());
}

TEST_F(NodeMonitorTest, NoLongerWatchedItTellsWhoWaitsAndReportsNothingMore) {
  WatchOnce();
  node_.Hold();
  std::vector<bool> done;
  monitor_->Flush([&](bool flushed) { done.push_back(flushed); });
  monitor_->PollNow();
  ASSERT_TRUE(Until([&] { return node_.held() == 3; }));
  monitor_->End();
  EXPECT_EQ(done, std::vector<bool>{false});
  monitor_->PollNow();
  node_.Release();
  ASSERT_TRUE(Until([&] { return node_.open() == 0; }));
  EXPECT_EQ(notes_, Words());
  EXPECT_EQ(node_.accepted(), 1u);
}

}  // namespace
}  // namespace control
