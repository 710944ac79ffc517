// Did a new replica attach? Every trigger of the contract, each alone, and nothing else. Case 17.
#include "replication/attach_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace replication {
namespace {

NodeFacts Master() {
  NodeFacts facts;
  facts.run_id = "aaaaaaaaaaaa";
  facts.role = Role::kMaster;
  facts.replid = "r1";
  facts.offset = 100;
  facts.sync_full = 3;
  facts.sync_partial_ok = 5;
  facts.replicas = {{{"10.0.0.1", 6379}, "online", 90, 0}, {{"10.0.0.2", 6379}, "online", 90, 1}};
  facts.replica_clients = std::vector<uint64_t>{4, 9};
  return facts;
}

using Change = std::function<void(NodeFacts&)>;

// What a watch that has seen Master() says to Master() with `change`.
std::string Seen(const Change& change) {
  AttachWatch watch;
  watch.Observe(Master());
  EXPECT_FALSE(watch.Observe(Master())) << "nothing changed yet";
  NodeFacts facts = Master();
  change(facts);
  const auto why = watch.Observe(facts);
  EXPECT_FALSE(watch.Observe(facts)) << "an attach is told once";
  return why.value_or("");
}

TEST(AttachWatch, TheFirstPollCounts) {
  AttachWatch watch;
  EXPECT_EQ(watch.Observe(Master()), "first look at the master");
  EXPECT_FALSE(watch.Observe(Master()));
}

TEST(AttachWatch, TheFirstPollAfterAFailedOneCounts) {
  AttachWatch watch;
  watch.Observe(Master());
  watch.Missed();
  watch.Missed();
  EXPECT_EQ(watch.Observe(Master()), "first look at the master after one that failed");
  EXPECT_FALSE(watch.Observe(Master()));
}

TEST(AttachWatch, AFailedPollBeforeTheFirstIsNoMore) {
  AttachWatch watch;
  watch.Missed();
  EXPECT_TRUE(watch.Observe(Master()));
  EXPECT_FALSE(watch.Observe(Master()));
}

// Case 17
TEST(AttachWatch, Case17_EachTraceAloneIsEnough) {
  struct Row {
    const char* words;
    Change change;
    const char* why;
  };
  const Row rows[] = {
      {"another process behind the address", [](NodeFacts& f) { f.run_id = "bbbb"; },
       "the master is another process"},
      {"a master that is a replica now", [](NodeFacts& f) { f.role = Role::kReplica; },
       "the master's role changed"},
      {"a new replication id", [](NodeFacts& f) { f.replid = "r2"; },
       "the master's replication id changed"},
      {"a replica more",
       [](NodeFacts& f) {
         f.replicas.push_back({{"10.0.0.3", 6379}, "wait_bgsave", {}, {}});
       },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now "
       "[10.0.0.1:6379, 10.0.0.2:6379, 10.0.0.3:6379]"},
      {"a replica less", [](NodeFacts& f) { f.replicas.pop_back(); },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now [10.0.0.1:6379]"},
      {"a replica swapped between two polls",
       [](NodeFacts& f) {
         f.replicas[1].address = {"10.0.0.9", 6379};
       },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now [10.0.0.1:6379, 10.0.0.9:6379]"},
      {"another port", [](NodeFacts& f) { f.replicas[1].address.port = 6380; },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now [10.0.0.1:6379, 10.0.0.2:6380]"},
      {"somebody without a port: redis-cli --rdb",
       [](NodeFacts& f) {
         f.replicas.push_back({{"10.0.0.1", 0}, "online", {}, {}});
       },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now "
       "[10.0.0.1:0, 10.0.0.1:6379, 10.0.0.2:6379]"},
      {"two behind one address", [](NodeFacts& f) { f.replicas.push_back(f.replicas[0]); },
       "the replicas were [10.0.0.1:6379, 10.0.0.2:6379], now "
       "[10.0.0.1:6379, 10.0.0.1:6379, 10.0.0.2:6379]"},
      {"the same addresses, a new link: a flap, or a restart",
       [](NodeFacts& f) {
         f.replica_clients = std::vector<uint64_t>{4, 12};
       },
       "a replica's link with the new client id 12"},
      {"a link more",
       [](NodeFacts& f) {
         f.replica_clients = std::vector<uint64_t>{4, 9, 12};
       },
       "a replica's link with the new client id 12"},
      {"all links new, with lower ids",
       [](NodeFacts& f) {
         f.replica_clients = std::vector<uint64_t>{1, 2};
       },
       "a replica's link with the new client id 1"},
      {"a full sync", [](NodeFacts& f) { f.sync_full = 4; }, "sync_full went from 3 to 4"},
      {"a partial sync", [](NodeFacts& f) { f.sync_partial_ok = 6; },
       "sync_partial_ok went from 5 to 6"},
      {"CONFIG RESETSTAT, and nothing else to be seen", [](NodeFacts& f) { f.sync_full = 0; },
       "sync_full went from 3 to 0"},
      {"... and then a partial sync", [](NodeFacts& f) { f.sync_partial_ok = 1; },
       "sync_partial_ok went from 5 to 1"},
  };
  for (const Row& row : rows) EXPECT_EQ(Seen(row.change), row.why) << row.words;
}

// Case 17
TEST(AttachWatch, Case17_WhatMovesWithoutAnAttachIsNone) {
  struct Row {
    const char* words;
    Change change;
  };
  const Row rows[] = {
      {"nothing", [](NodeFacts&) {}},
      {"the offset", [](NodeFacts& f) { f.offset = 5000; }},
      {"the replicas' offsets and lag",
       [](NodeFacts& f) {
         f.replicas[0].offset = 5000;
         f.replicas[1].lag_seconds = 30;
       }},
      {"a replica's state", [](NodeFacts& f) { f.replicas[1].state = "online"; }},
      {"their order in the list", [](NodeFacts& f) { std::swap(f.replicas[0], f.replicas[1]); }},
      {"a link that is gone", [](NodeFacts& f) { f.replica_clients = std::vector<uint64_t>{4}; }},
      {"all links gone", [](NodeFacts& f) { f.replica_clients = std::vector<uint64_t>{}; }},
      {"CLIENT LIST was forbidden", [](NodeFacts& f) { f.replica_clients.reset(); }},
      {"scripts", [](NodeFacts& f) { f.cached_scripts = 99; }},
  };
  for (const Row& row : rows) EXPECT_EQ(Seen(row.change), "") << row.words;
}

// Case 17
TEST(AttachWatch, Case17_WhereClientListIsForbiddenTheCountersTell) {
  AttachWatch watch;
  NodeFacts facts = Master();
  facts.replica_clients.reset();
  watch.Observe(facts);
  EXPECT_FALSE(watch.Observe(facts));
  facts.sync_partial_ok = 6;
  EXPECT_TRUE(watch.Observe(facts));
}

// Case 17
TEST(AttachWatch, Case17_WhereTheCountersWereResetBetweenTwoPollsTheIdsTell) {
  AttachWatch watch;
  NodeFacts facts = Master();
  facts.sync_full = facts.sync_partial_ok = 0;
  watch.Observe(facts);
  // An attach, and CONFIG RESETSTAT behind it.
  facts.replica_clients = std::vector<uint64_t>{4, 10};
  EXPECT_EQ(watch.Observe(facts), "a replica's link with the new client id 10");
}

// Case 17
TEST(AttachWatch, Case17_AFlapThatIsOverBetweenTwoPollsIsSeen) {
  AttachWatch watch;
  NodeFacts facts = Master();
  watch.Observe(facts);
  uint64_t id = 20;
  for (int flap = 0; flap < 10; ++flap) {
    facts.replica_clients = std::vector<uint64_t>{4, ++id};
    ++facts.sync_partial_ok;
    EXPECT_TRUE(watch.Observe(facts));
    EXPECT_FALSE(watch.Observe(facts));
  }
}

TEST(AttachWatch, ComparesEachPollWithTheOneBeforeNotWithTheFirst) {
  AttachWatch watch;
  NodeFacts one = Master();
  NodeFacts two = Master();
  two.replicas.pop_back();
  watch.Observe(one);
  EXPECT_TRUE(watch.Observe(two));
  EXPECT_FALSE(watch.Observe(two));
  EXPECT_TRUE(watch.Observe(one)) << "it came back";
}

TEST(AttachWatch, AMasterThatFailsOverAndBackIsSeenEachTime) {
  AttachWatch watch;
  NodeFacts one = Master();
  NodeFacts other = Master();
  other.run_id = "bbbbbbbbbbbb";
  watch.Observe(one);
  EXPECT_TRUE(watch.Observe(other));
  EXPECT_TRUE(watch.Observe(one));
  EXPECT_TRUE(watch.Observe(other));
}

}  // namespace
}  // namespace replication
