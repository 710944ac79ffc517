// Discovery, failover and what becomes of the knowledge of scripts, told as stories.
#include "replication/topology_tracker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "topology_steps.h"

namespace replication {
namespace {

constexpr const char* kFirstLook = "RAISE ALL: first look at the master";
constexpr const char* kNextLook = "RAISE ALL: first look at the master after one that failed";

TEST(TopologyTracker, KnowsNobodyBeforeTheFirstPoll) {
  Story story({"a:1", "b:1"});
  EXPECT_EQ(story.Watched(), "a:1 b:1");
  EXPECT_EQ(story.Picture(), " NONE: ");
  EXPECT_EQ(story.tracker().picture()->epoch, 0u);
  EXPECT_EQ(story.tracker().AddressOf(1), "b:1");
  EXPECT_EQ(story.tracker().AddressOf(7), "?");
}

TEST(TopologyTracker, FindsTheReplicasThroughTheMaster) {
  Story story({"a:1"});
  story.Tell({
      {"the master names its replicas",
       Says("a:1", MasterFacts("ra", {"b:1", "c:1"})),
       {"up a:1", "found b:1", "found c:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet) | -c:1 unknown (not asked yet)"},
      {"one answers",
       Says("b:1", ReplicaOf("rb", "a:1")),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r | -c:1 unknown (not asked yet)"},
      {"the other answers",
       Says("c:1", ReplicaOf("rc", "a:1")),
       {"up c:1", "readable c:1"},
       "a:1 master* | b:1 replica r | c:1 replica r"},
  });
  EXPECT_EQ(story.Watched(), "a:1 b:1 c:1");
  story.TellAgain(Says("a:1", MasterFacts("ra", {"b:1", "c:1"})));
  story.TellAgain(Says("b:1", ReplicaOf("rb", "a:1")));
}

TEST(TopologyTracker, FindsTheMasterThroughAReplica) {
  Story story({"b:1"});
  story.Tell({
      {"a replica names its master",
       Says("b:1", ReplicaOf("rb", "a:1")),
       {"up b:1", "found a:1", "no master: no node says that it is a master"},
       "b:1 replica (there is no master) | -a:1 unknown (not asked yet) NONE: no node says that it "
       "is a master"},
      {"the master answers and names another",
       Says("a:1", MasterFacts("ra", {"b:1", "c:1"})),
       {"up a:1", "found c:1", "master a:1", "readable b:1", kFirstLook},
       "b:1 replica r | a:1 master* | -c:1 unknown (not asked yet)"},
  });
}

TEST(TopologyTracker, WatchesNobodyWhoHasNoAddress) {
  Story story({"a:1"});
  NodeFacts facts = MasterFacts("ra", {"b:0"});
  facts.replicas.push_back({{"?", 6379}, "online", {}, {}});
  facts.replicas.push_back({{"", 6379}, "online", {}, {}});
  story.Tell({{"redis-cli --rdb and what NAT makes of a replica",
               Says("a:1", facts),
               {"up a:1", "master a:1", kFirstLook},
               "a:1 master*"}});
  EXPECT_EQ(story.Watched(), "a:1");
}

TEST(TopologyTracker, StaticWatchesNobodyElse) {
  Story story({"a:1", "b:1"}, config::Discovery::kStatic);
  story.Tell({
      {"the master",
       Says("a:1", MasterFacts("ra", {"b:1", "c:1"})),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"its replica",
       Says("b:1", ReplicaOf("rb", "x:1")),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r"},
      {"a second node that says it is a master is none",
       Says("b:1", MasterFacts("rb", {}, 999)),
       {"raise b:1: its role went from replica to master", "unreadable b:1: it is no replica"},
       "a:1 master* | b:1 master (it is no replica)"},
  });
  EXPECT_EQ(story.Watched(), "a:1 b:1");
}

TEST(TopologyTracker, StaticHasNoMasterWhereTheFirstNodeSaysThatItIsNone) {
  Story story({"a:1", "b:1"}, config::Discovery::kStatic);
  const std::string why = "a:1 is configured as the master, but says that it is a replica";
  story.Tell({
      {"it is a replica",
       Says("a:1", ReplicaOf("ra", "b:1")),
       {"up a:1", "no master: " + why},
       "a:1 replica (there is no master) | -b:1 unknown (not asked yet) NONE: " + why},
      {"its master",
       Says("b:1", MasterFacts("rb")),
       {"up b:1"},
       "a:1 replica (there is no master) | b:1 master (it is no replica) NONE: " + why},
  });
}

TEST(TopologyTracker, WithoutAMasterItSaysWhyEachNodeIsNone) {
  Story story({"a:1", "b:1"});
  story.Tell({
      {"one cannot be reached",
       Fails("a:1"),
       {"down a:1: refused", "no master: a:1: refused"},
       "-a:1 unknown (refused) | -b:1 unknown (not asked yet) NONE: a:1: refused"},
      {"nor the other",
       Fails("b:1", "timed out"),
       {"down b:1: timed out", "no master: a:1: refused; b:1: timed out"},
       "-a:1 unknown (refused) | -b:1 unknown (timed out) NONE: a:1: refused; b:1: timed out"},
      {"still",
       Fails("b:1", "timed out"),
       {},
       "-a:1 unknown (refused) | -b:1 unknown (timed out) NONE: a:1: refused; b:1: timed out"},
      {"for another reason",
       Fails("b:1", "NOAUTH"),
       {"down b:1: NOAUTH", "no master: a:1: refused; b:1: NOAUTH"},
       "-a:1 unknown (refused) | -b:1 unknown (NOAUTH) NONE: a:1: refused; b:1: NOAUTH"},
  });
}

TEST(TopologyTracker, AMasterThatIsLostAndComesBackIsLookedAtAsANewOne) {
  Story story({"a:1", "b:1"});
  story.Tell({
      {"up",
       Says("a:1", MasterFacts("ra")),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"lost",
       Fails("a:1", "reset"),
       {"down a:1: reset", "raise a:1: lost: reset", "no master: a:1: reset"},
       "-a:1 master (reset) | -b:1 unknown (not asked yet) NONE: a:1: reset"},
      {"back, the same process",
       Says("a:1", MasterFacts("ra")),
       {"up a:1", "master a:1", kNextLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"lost again",
       Fails("a:1", "reset"),
       {"down a:1: reset", "raise a:1: lost: reset", "no master: a:1: reset"},
       "-a:1 master (reset) | -b:1 unknown (not asked yet) NONE: a:1: reset"},
      {"back as another process",
       Says("a:1", MasterFacts("rx")),
       {"up a:1", "raise a:1: another process: run id ra became rx", "master a:1", kNextLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
  });
}

TEST(TopologyTracker, AProcessSwappedBehindAnAddressBetweenTwoPollsIsSeen) {
  Story story({"a:1", "b:1"});
  story.Tell({
      {"the master",
       Says("a:1", MasterFacts("ra", {"b:1"})),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"the replica",
       Says("b:1", ReplicaOf("rb", "a:1")),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r"},
      {"another replica process",
       Says("b:1", ReplicaOf("rx", "a:1")),
       {"raise b:1: another process: run id rb became rx"},
       "a:1 master* | b:1 replica r"},
      {"another master process",
       Says("a:1", MasterFacts("ry", {"b:1"})),
       {"raise a:1: another process: run id ra became ry",
        "RAISE ALL: the master is another process"},
       "a:1 master* | b:1 replica r"},
  });
}

TEST(TopologyTracker, ARestartThatOnlyTheCountersShowIsAnAttach) {
  Story story({"a:1"});
  NodeFacts facts = MasterFacts("ra", {"b:1"});
  story.Tell({
      {"up",
       Says("a:1", facts),
       {"up a:1", "found b:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"partial resync",
       Says("a:1", With(facts, [](NodeFacts& f) { f.sync_partial_ok = 1; })),
       {"RAISE ALL: sync_partial_ok went from 0 to 1"},
       "a:1 master* | -b:1 unknown (not asked yet)"},
  });
}

TEST(TopologyTracker, WhatAReplicasOwnReplicasDoIsNoAttach) {
  Story story({"a:1", "b:1"});
  NodeFacts replica = ReplicaOf("rb", "a:1");
  story.Tell({
      {"the master",
       Says("a:1", MasterFacts("ra", {"b:1"})),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"the replica",
       Says("b:1", replica),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r"},
      {"a replica of the replica attaches",
       Says("b:1", With(replica,
                        [](NodeFacts& f) {
                          f.sync_full = 1;
                          f.replicas.push_back({At("c:1"), "online", 1, 0});
                        })),
       {"found c:1"},
       "a:1 master* | b:1 replica r | -c:1 unknown (not asked yet)"},
      {"it shares the master's data",
       Says("c:1", ReplicaOf("rc", "b:1")),
       {"up c:1", "readable c:1"},
       "a:1 master* | b:1 replica r | c:1 replica r"},
  });
}

TEST(TopologyTracker, RolesMaySwap) {
  Story story({"a:1", "b:1"});
  story.Tell({
      {"the master",
       Says("a:1", MasterFacts("ra", {"b:1"})),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"the replica",
       Says("b:1", ReplicaOf("rb", "a:1")),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r"},
      {"the master is a replica now",
       Says("a:1", ReplicaOf("ra", "b:1")),
       {"raise a:1: its role went from master to replica",
        "no master: no node says that it is a master", "unreadable b:1: there is no master"},
       "a:1 replica (there is no master) | b:1 replica (there is no master) NONE: no node says "
       "that it is a master"},
      {"the replica is the master now",
       Says("b:1", MasterFacts("rb", {"a:1"}, 120, "set")),
       {"raise b:1: its role went from replica to master", "master b:1", "readable a:1",
        "RAISE ALL: the master is another process"},
       "a:1 replica r | b:1 master*"},
      {"nothing more", Says("a:1", ReplicaOf("ra", "b:1")), {}, "a:1 replica r | b:1 master*"},
  });
}

TEST(TopologyTracker, OfTwoMastersItTakesTheOneThatIsAheadAndSaysSoOnce) {
  Story story({"a:1", "b:1"});
  const std::string taking_a =
      "two masters: a:1, b:1 all say that they are masters; taking a:1, whose replication offset "
      "is higher";
  story.Tell({
      {"the first",
       Says("a:1", MasterFacts("ra", {}, 100)),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"a second, behind",
       Says("b:1", MasterFacts("rb", {}, 50, "other")),
       {"up b:1", taking_a},
       "a:1 master* | b:1 master (it is no replica)"},
      {"still",
       Says("b:1", MasterFacts("rb", {}, 60, "other")),
       {},
       "a:1 master* | b:1 master (it is no replica)"},
      {"as far as the first: the one that we have stays",
       Says("b:1", MasterFacts("rb", {}, 100, "other")),
       {},
       "a:1 master* | b:1 master (it is no replica)"},
      {"ahead",
       Says("b:1", MasterFacts("rb", {}, 200, "other")),
       {"master b:1", "RAISE ALL: the master is another process"},
       "a:1 master (it is no replica) | b:1 master*"},
      {"the first gives up",
       Says("a:1", ReplicaOf("ra", "b:1", "other")),
       {"raise a:1: its role went from master to replica", "readable a:1"},
       "a:1 replica r | b:1 master*"},
      {"and claims it again",
       Says("a:1", MasterFacts("ra", {}, 300)),
       {"raise a:1: its role went from replica to master",
        "two masters: a:1, b:1 all say that they are masters; taking a:1, whose replication offset "
        "is higher",
        "master a:1", "RAISE ALL: the master is another process"},
       "a:1 master* | b:1 master (it is no replica)"},
  });
}

TEST(TopologyTracker, AMasterThatIsLoadingIsNone) {
  Story story({"a:1", "b:1"});
  const NodeFacts loading = With(MasterFacts("ra"), [](NodeFacts& f) { f.loading = true; });
  story.Tell({
      {"loading",
       Says("a:1", loading),
       {"up a:1", "no master: a:1 is loading its dataset"},
       "a:1 master (it is no replica) | -b:1 unknown (not asked yet) NONE: a:1 is loading its "
       "dataset"},
      {"loaded",
       Says("a:1", MasterFacts("ra")),
       {"master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
  });
}

TEST(TopologyTracker, AMasterThatRestartsFasterThanThePollAndLoadsIsSeenTwice) {
  Story story({"a:1"});
  const NodeFacts loading = With(MasterFacts("rx"), [](NodeFacts& f) { f.loading = true; });
  story.Tell({
      {"up", Says("a:1", MasterFacts("ra")), {"up a:1", "master a:1", kFirstLook}, "a:1 master*"},
      {"another process, loading",
       Says("a:1", loading),
       {"raise a:1: another process: run id ra became rx", "no master: a:1 is loading its dataset"},
       "a:1 master (it is no replica) NONE: a:1 is loading its dataset"},
      {"loaded",
       Says("a:1", MasterFacts("rx")),
       {"master a:1", "RAISE ALL: the master is another process"},
       "a:1 master*"},
  });
}

TEST(TopologyTracker, KnowledgeIsVoidWhenANodeHoldsFewerScripts) {
  Story story({"a:1"});
  const auto holds = [](uint64_t cached, uint64_t evicted) {
    return With(MasterFacts("ra"), [=](NodeFacts& f) {
      f.cached_scripts = cached;
      f.evicted_scripts = evicted;
    });
  };
  story.Tell({
      {"up", Says("a:1", holds(10, 0)), {"up a:1", "master a:1", kFirstLook}, "a:1 master*"},
      {"more", Says("a:1", holds(12, 0)), {}, "a:1 master*"},
      {"fewer: flushed behind our back",
       Says("a:1", holds(3, 0)),
       {"raise a:1: it holds fewer scripts than before"},
       "a:1 master*"},
      {"as many", Says("a:1", holds(3, 0)), {}, "a:1 master*"},
      {"evicted some", Says("a:1", holds(3, 2)), {"raise a:1: it evicted scripts"}, "a:1 master*"},
      {"CONFIG RESETSTAT", Says("a:1", holds(3, 0)), {}, "a:1 master*"},
      {"does not tell any more", Says("a:1", MasterFacts("ra")), {}, "a:1 master*"},
  });
}

}  // namespace
}  // namespace replication
