#include <gtest/gtest.h>

#include <string>

#include "tests/proxy/backend/pool_support.h"

namespace backend {
namespace {

TEST_F(NodePoolTest, ALeaseIsSharedWithNobody) {
  Connection* const one = ReadyLease(key_);
  Connection* const two = ReadyLease(key_);
  EXPECT_NE(one, two);
  EXPECT_NE(pool_->Lane(key_), one);
  EXPECT_EQ(pool_->leases_lent(), 2u);
  EXPECT_EQ(budget_.used.load(), 2u);
  EXPECT_EQ(counters_.leases_taken.Get(), 2u);
}

TEST_F(NodePoolTest, ALeaseDoesNotAskWhichProcessItLeadsTo) {
  ReadyLease(key_);
  EXPECT_EQ(node_.CommandsOn(0), (std::vector<std::string>{"CLIENT SETNAME shacast", "CLIENT ID"}));
  EXPECT_EQ(generation(), 1u);
}

TEST_F(NodePoolTest, ALeaseThatComesBackCleanIsLentAgain) {
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, true);
  EXPECT_EQ(pool_->leases_lent(), 0u);
  EXPECT_EQ(pool_->leases_open(), 1u);
  EXPECT_EQ(budget_.used.load(), 1u) << "it is open still";
  EXPECT_EQ(pool_->TakeLease(key_, holder_), lease);
  EXPECT_EQ(budget_.used.load(), 1u);
  EXPECT_EQ(node_.accepted(), 1u);
}

TEST_F(NodePoolTest, ALeaseOfAnotherKeyIsNotLentForIt) {
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, true);
  EXPECT_NE(pool_->TakeLease(InDatabase(1), holder_), lease);
  EXPECT_NE(pool_->TakeLease({key_.identity, 0, 3}, holder_), lease);
  EXPECT_EQ(pool_->TakeLease(key_, holder_), lease);
}

TEST_F(NodePoolTest, ALeaseThatIsNotCleanIsClosed) {
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, false);
  EXPECT_EQ(pool_->leases_open(), 0u);
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_TRUE(Until([&] { return node_.open() == 0; }));
  EXPECT_EQ(generation(), 1u);
}

TEST_F(NodePoolTest, ALeaseThatSomethingIsStillExpectedOfIsNotClean) {
  Connection* const lease = ReadyLease(key_);
  node_.Hold();
  NotedCall& call = Send(*lease, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  pool_->ReturnLease(*lease, true);
  EXPECT_TRUE(call.lost);
  EXPECT_EQ(pool_->leases_open(), 0u);
}

TEST_F(NodePoolTest, NoMoreLeasesAreLentThanAreAllowed) {
  settings_.max_dedicated = 2;
  Connection* const one = ReadyLease(key_);
  ReadyLease(key_);
  EXPECT_EQ(pool_->TakeLease(key_, holder_), nullptr);
  EXPECT_FALSE(pool_->connect_blocked());
  EXPECT_EQ(budget_.used.load(), 2u);
  pool_->ReturnLease(*one, false);
  EXPECT_NE(pool_->TakeLease(key_, holder_), nullptr);
}

TEST_F(NodePoolTest, TheAllowanceIsThatOfTheWholeProcess) {
  settings_.max_dedicated = 3;
  budget_.used = 3;  // by other workers
  EXPECT_EQ(pool_->TakeLease(key_, holder_), nullptr);
  EXPECT_EQ(budget_.used.load(), 3u);
  budget_.used = 2;
  EXPECT_NE(pool_->TakeLease(key_, holder_), nullptr);
}

TEST_F(NodePoolTest, AnIdleLeaseMakesRoomForOneOfAnotherKey) {
  settings_.max_dedicated = 1;
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, true);
  Connection* const other = pool_->TakeLease(InDatabase(1), holder_);
  ASSERT_NE(other, nullptr);
  EXPECT_NE(other, lease);
  EXPECT_EQ(budget_.used.load(), 1u);
  EXPECT_EQ(pool_->leases_open(), 1u);
  EXPECT_TRUE(Until([&] { return node_.accepted() == 2 && node_.open() == 1; }));
}

TEST_F(NodePoolTest, ALeaseThatNobodyWantsIsClosedAfterAWhile) {
  settings_.dedicated_idle_timeout = std::chrono::milliseconds(50);
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, true);
  Turns(3);
  EXPECT_EQ(pool_->leases_open(), 1u);
  ASSERT_TRUE(Until([&] { return pool_->leases_open() == 0; }));
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(generation(), 1u);
  ASSERT_TRUE(Until([&] { return node_.open() == 0; }));
}

TEST_F(NodePoolTest, WithoutAnIdleTimeALeaseStaysOpen) {
  settings_.dedicated_idle_timeout = std::chrono::milliseconds(0);
  pool_->ReturnLease(*ReadyLease(key_), true);
  const uint64_t start = loop_.now_ms();
  ASSERT_TRUE(Until([&] { return loop_.now_ms() > start + 30; }));
  EXPECT_EQ(pool_->leases_open(), 1u);
}

TEST_F(NodePoolTest, ALeaseThatIsLostIsToldToItsHolderAndRaisesTheGeneration) {
  Connection* const lease = ReadyLease(key_);
  node_.Hold();
  NotedCall& call = Send(*lease, "GET a");
  ASSERT_TRUE(Until([&] { return node_.held() == 1; }));
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return !holder_.lost.empty(); }));
  EXPECT_EQ(holder_.lost, std::vector<Connection*>{lease});
  EXPECT_EQ(holder_.why, "the node closed the connection");
  EXPECT_TRUE(call.lost);
  EXPECT_EQ(pool_->leases_lent(), 0u);
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(generation(), 2u);
  pool_->ReturnLease(*lease, true);  // a holder that gives it back all the same does no harm
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(pool_->leases_open(), 0u);
}

TEST_F(NodePoolTest, AnIdleLeaseThatIsLostRaisesTheGenerationAndIsNotLentAgain) {
  Connection* const lease = ReadyLease(key_);
  pool_->ReturnLease(*lease, true);
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return pool_->leases_open() == 0; }));
  EXPECT_TRUE(holder_.lost.empty());
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(generation(), 2u);
}

TEST_F(NodePoolTest, ALeaseThatCannotBeConnectedIsToldToItsHolder) {
  node_.StopListening();
  Connection* const lease = pool_->TakeLease(key_, holder_);
  ASSERT_NE(lease, nullptr);
  NotedCall& call = Send(*lease, "MULTI");
  ASSERT_TRUE(Until([&] { return !holder_.lost.empty(); }));
  EXPECT_TRUE(call.lost);
  EXPECT_FALSE(call.sent);
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_TRUE(pool_->connect_blocked());
  EXPECT_EQ(generation(), 1u);
}

TEST_F(NodePoolTest, AHolderHearsWhenItsNodeTakesMore) {
  Connection* const lease = ReadyLease(key_);
  node_.StopReading();
  calls_.emplace_back();
  calls_.back().sink = &sink_;
  lease->Send(calls_.back(),
              base::CopySlice(support::CommandOf({"SET", "k", std::string(16 << 20, 'x')})));
  Turns();
  ASSERT_GT(lease->unsent(), 0u);
  node_.ReadAgain();
  ASSERT_TRUE(Until([&] { return calls_.back().done; }));
  EXPECT_GT(holder_.progress, 0);
}

TEST_F(NodePoolTest, WhenThePoolIsClosedEveryHolderIsTold) {
  Connection* const one = ReadyLease(key_);
  Connection* const two = ReadyLease(key_);
  pool_->ReturnLease(*ReadyLease(InDatabase(1)), true);
  pool_->CloseAll();
  EXPECT_EQ(holder_.lost.size(), 2u);
  EXPECT_TRUE(one->closed());
  EXPECT_TRUE(two->closed());
  EXPECT_EQ(budget_.used.load(), 0u);
  EXPECT_EQ(pool_->leases_open(), 0u);
  EXPECT_EQ(generation(), 1u);
  EXPECT_TRUE(Until([&] { return node_.open() == 0; }));
}

}  // namespace
}  // namespace backend
