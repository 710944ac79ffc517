// Who is in the picture at all, and which replicas may be read.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/topology_tracker.h"
#include "topology_steps.h"

namespace replication {
namespace {

constexpr const char* kFirstLook = "RAISE ALL: first look at the master";

// A story that begins with master a:1 and its replica b:1, both asked.
Story Begun(const std::vector<std::string>& replicas = {"b:1"},
            std::chrono::milliseconds max_lag = std::chrono::seconds(10)) {
  Story story({"a:1"}, config::Discovery::kReplication, max_lag);
  story.tracker().OnFacts(0, MasterFacts("ra", replicas));
  for (NodeId id = 1; id <= replicas.size(); ++id)
    story.tracker().OnFacts(id, ReplicaOf("r" + replicas[id - 1].substr(0, 1), "a:1"));
  return story;
}

TEST(TopologyTracker, AReplicaIsReadOnlyWhileItIsFit) {
  Story story = Begun();
  const NodeFacts fit = ReplicaOf("rb", "a:1");
  const auto but = [&](const std::function<void(NodeFacts&)>& change) {
    return Says("b:1", With(fit, change));
  };
  story.Tell({
      {"fit", Says("b:1", fit), {}, "a:1 master* | b:1 replica r"},
      {"loading",
       but([](NodeFacts& f) { f.loading = true; }),
       {"unreadable b:1: it is loading its dataset"},
       "a:1 master* | b:1 replica (it is loading its dataset)"},
      {"fit", Says("b:1", fit), {"readable b:1"}, "a:1 master* | b:1 replica r"},
      {"link down",
       but([](NodeFacts& f) { f.link_up = false; }),
       {"unreadable b:1: its link to the master is down"},
       "a:1 master* | b:1 replica (its link to the master is down)"},
      {"of another master",
       but([](NodeFacts& f) { f.replid = "elsewhere"; }),
       {},
       "a:1 master* | b:1 replica (it replicates another master)"},
      {"of a version without replication ids",
       but([](NodeFacts& f) { f.replid.clear(); }),
       {"readable b:1"},
       "a:1 master* | b:1 replica r"},
      {"lost",
       Fails("b:1", "reset"),
       {"down b:1: reset", "raise b:1: lost: reset", "unreadable b:1: reset"},
       "a:1 master* | -b:1 replica (reset)"},
      {"back", Says("b:1", fit), {"up b:1", "readable b:1"}, "a:1 master* | b:1 replica r"},
  });
}

TEST(TopologyTracker, AReplicaThatFallsBehindIsNotRead) {
  Story story = Begun();
  const auto lag = [](int64_t seconds) {
    return Says("a:1", With(MasterFacts("ra", {"b:1"}),
                            [=](NodeFacts& f) { f.replicas[0].lag_seconds = seconds; }));
  };
  story.Tell({
      {"at the limit", lag(10), {}, "a:1 master* | b:1 replica r"},
      {"beyond it",
       lag(11),
       {"unreadable b:1: the master last heard of it 11 s ago"},
       "a:1 master* | b:1 replica (the master last heard of it 11 s ago)"},
      {"further", lag(12), {}, "a:1 master* | b:1 replica (the master last heard of it 12 s ago)"},
      {"caught up", lag(0), {"readable b:1"}, "a:1 master* | b:1 replica r"},
      {"never heard of", lag(-1), {}, "a:1 master* | b:1 replica r"},
  });
  Story unlimited = Begun({"b:1"}, std::chrono::milliseconds(0));
  unlimited.Tell({{"no limit", lag(99999), {}, "a:1 master* | b:1 replica r"}});
}

TEST(TopologyTracker, TheLagLimitFollowsAReplicaThatTheMasterNamesOtherwise) {
  Story story({"a:1", "localhost:1"});
  NodeFacts master = MasterFacts("ra", {"127.0.0.1:1"});
  story.Tell({
      {"the master names it by number",
       Says("a:1", master),
       {"up a:1", "found 127.0.0.1:1", "master a:1", kFirstLook},
       "a:1 master* | -localhost:1 unknown (not asked yet) | -127.0.0.1:1 unknown (not asked yet)"},
      {"asked by the name",
       Says("localhost:1", ReplicaOf("rb", "a:1")),
       {"up localhost:1", "readable localhost:1"},
       "a:1 master* | localhost:1 replica r | -127.0.0.1:1 unknown (not asked yet)"},
      {"asked by the number: the same process",
       Says("127.0.0.1:1", ReplicaOf("rb", "a:1")),
       {"up 127.0.0.1:1"},
       "a:1 master* | localhost:1 replica r"},
      {"it falls behind",
       Says("a:1", With(master, [](NodeFacts& f) { f.replicas[0].lag_seconds = 60; })),
       {"unreadable localhost:1: the master last heard of it 60 s ago"},
       "a:1 master* | localhost:1 replica (the master last heard of it 60 s ago)"},
  });
}

TEST(TopologyTracker, OneProcessWithTwoAddressesIsOneNode) {
  Story story({"localhost:1"});
  story.Tell({
      {"the master by its name",
       Says("localhost:1", MasterFacts("ra", {"b:1"})),
       {"up localhost:1", "found b:1", "master localhost:1", kFirstLook},
       "localhost:1 master* | -b:1 unknown (not asked yet)"},
      {"its replica knows it by its number",
       Says("b:1", ReplicaOf("rb", "127.0.0.1:1")),
       {"up b:1", "found 127.0.0.1:1", "readable b:1"},
       "localhost:1 master* | b:1 replica r | -127.0.0.1:1 unknown (not asked yet)"},
      {"no second master",
       Says("127.0.0.1:1", MasterFacts("ra", {"b:1"})),
       {"up 127.0.0.1:1"},
       "localhost:1 master* | b:1 replica r"},
      {"the name cannot be reached any more: the number serves",
       Fails("localhost:1"),
       {
           "down localhost:1: refused",
           "raise localhost:1: lost: refused",
           "master 127.0.0.1:1",
       },
       "-localhost:1 master (refused) | b:1 replica r | 127.0.0.1:1 master*"},
      {"the next poll of it",
       Says("127.0.0.1:1", MasterFacts("ra", {"b:1"})),
       {"RAISE ALL: first look at the master after one that failed"},
       "-localhost:1 master (refused) | b:1 replica r | 127.0.0.1:1 master*"},
      {"the name is back",
       Says("localhost:1", MasterFacts("ra", {"b:1"})),
       {"up localhost:1", "master localhost:1"},
       "localhost:1 master* | b:1 replica r"},
  });
}

TEST(TopologyTracker, OfTwoAddressesTheConfiguredOneCountsElseTheFirst) {
  Story configured({"b:1"});
  configured.Tell({
      {"a replica names its master",
       Says("b:1", ReplicaOf("rb", "x:1")),
       {"up b:1", "found x:1", "no master: no node says that it is a master"},
       "b:1 replica (there is no master) | -x:1 unknown (not asked yet) NONE: no node says that it "
       "is a master"},
      {"the master calls its replica by another address",
       Says("x:1", MasterFacts("ra", {"c:1", "d:1"})),
       {"up x:1", "found c:1", "found d:1", "master x:1", "readable b:1", kFirstLook},
       "b:1 replica r | x:1 master* | -c:1 unknown (not asked yet) | -d:1 unknown (not asked yet)"},
      {"which is the one that is configured",
       Says("c:1", ReplicaOf("rb", "x:1")),
       {"up c:1"},
       "b:1 replica r | x:1 master* | -d:1 unknown (not asked yet)"},
      {"another",
       Says("d:1", ReplicaOf("rd", "y:1")),
       {"up d:1", "found y:1", "readable d:1"},
       "b:1 replica r | x:1 master* | d:1 replica r | -y:1 unknown (not asked yet)"},
      {"which knows the master by another address",
       Says("y:1", MasterFacts("ra", {"c:1", "d:1"})),
       {"up y:1"},
       "b:1 replica r | x:1 master* | d:1 replica r"},
  });
}

TEST(TopologyTracker, ABusyNodeIsAliveAndAsItWas) {
  Story story = Begun();
  story.Tell({
      {"the master is busy", IsBusy("a:1"), {}, "a:1 master* | b:1 replica r"},
      {"the replica is busy", IsBusy("b:1"), {}, "a:1 master* | b:1 replica r"},
      {"not busy any more: nothing happened meanwhile",
       Says("a:1", MasterFacts("ra", {"b:1"})),
       {},
       "a:1 master* | b:1 replica r"},
      {"busy again", IsBusy("a:1"), {}, "a:1 master* | b:1 replica r"},
      {"a replica attached meanwhile",
       Says("a:1", With(MasterFacts("ra", {"b:1"}), [](NodeFacts& f) { f.sync_partial_ok = 1; })),
       {"RAISE ALL: sync_partial_ok went from 0 to 1"},
       "a:1 master* | b:1 replica r"},
  });
}

TEST(TopologyTracker, ANodeThatIsBusyBeforeItSaidWhoItIsIsNotUpYet) {
  Story story({"a:1"});
  const std::string why = "busy with a script, and not known yet";
  story.Tell({
      {"busy",
       IsBusy("a:1"),
       {"down a:1: " + why, "no master: a:1: " + why},
       "-a:1 unknown (" + why + ") NONE: a:1: " + why},
      {"still busy", IsBusy("a:1"), {}, "-a:1 unknown (" + why + ") NONE: a:1: " + why},
      {"answers",
       Says("a:1", MasterFacts("ra")),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master*"},
  });
}

TEST(TopologyTracker, ForgetsWhoIsGoneAndNamedByNobody) {
  Story story = Begun();
  story.Tell({
      {"the replica is lost, and the master still names it",
       Fails("b:1"),
       {"down b:1: refused", "raise b:1: lost: refused", "unreadable b:1: refused"},
       "a:1 master* | -b:1 replica (refused)"},
      {"the master does not name it any more",
       Says("a:1", MasterFacts("ra")),
       {"RAISE ALL: the replicas were [b:1], now []"},
       "a:1 master* | -b:1 replica (refused)"},
      {"so it is forgotten at the next attempt", Fails("b:1"), {"forgotten b:1"}, "a:1 master*"},
  });
  EXPECT_EQ(story.Watched(), "a:1");
  EXPECT_EQ(story.tracker().AddressOf(1), "b:1") << "its number stays its own";
  story.Tell({
      {"named again",
       Says("a:1", MasterFacts("ra", {"b:1"})),
       {"found b:1", "RAISE ALL: the replicas were [], now [b:1]"},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"back",
       Says("b:1", ReplicaOf("rx", "a:1")),
       {"up b:1", "readable b:1"},
       "a:1 master* | b:1 replica r"},
  });
  EXPECT_EQ(story.tracker().Watched().size(), 2u);
  EXPECT_EQ(story.tracker().Watched()[1].id, 1u) << "an address keeps its number";
}

TEST(TopologyTracker, ForgetsNobodyWhoIsConfiguredOrWhileThereIsNoMaster) {
  Story configured({"a:1", "b:1"});
  configured.Tell({
      {"up",
       Says("a:1", MasterFacts("ra")),
       {"up a:1", "master a:1", kFirstLook},
       "a:1 master* | -b:1 unknown (not asked yet)"},
      {"a configured node that was never there",
       Fails("b:1"),
       {"down b:1: refused"},
       "a:1 master* | -b:1 unknown (refused)"},
      {"still", Fails("b:1"), {}, "a:1 master* | -b:1 unknown (refused)"},
  });
  Story story = Begun({"b:1", "c:1"});
  story.Tell({
      {"the master dies",
       Fails("a:1"),
       {"down a:1: refused", "raise a:1: lost: refused", "no master: a:1: refused",
        "unreadable b:1: there is no master", "unreadable c:1: there is no master"},
       "-a:1 master (refused) | b:1 replica (there is no master) | c:1 replica (there is no "
       "master) NONE: a:1: refused"},
      {"a replica closes its connections: it may just be made the master, and its sibling would "
       "not name it",
       Fails("b:1"),
       {"down b:1: refused", "raise b:1: lost: refused", "no master: a:1: refused; b:1: refused"},
       "-a:1 master (refused) | -b:1 replica (refused) | c:1 replica (there is no master) NONE: "
       "a:1: refused; b:1: refused"},
      {"it is",
       Says("b:1", MasterFacts("rb", {}, 100, "next")),
       {"up b:1", "raise b:1: its role went from replica to master", "master b:1",
        "RAISE ALL: first look at the master after one that failed"},
       "-a:1 master (refused) | b:1 master* | c:1 replica (it replicates another master)"},
      {"its sibling dies before it follows: the new master does not name it",
       Fails("c:1"),
       {"down c:1: refused", "raise c:1: lost: refused", "forgotten c:1"},
       "-a:1 master (refused) | b:1 master*"},
  });
  EXPECT_EQ(story.Watched(), "a:1 b:1");
}

TEST(TopologyTracker, ForgetsNobodyWhileNobodyAnswers) {
  Story story = Begun();
  story.Tell({
      {"the master dies",
       Fails("a:1"),
       {"down a:1: refused", "raise a:1: lost: refused", "no master: a:1: refused",
        "unreadable b:1: there is no master"},
       "-a:1 master (refused) | b:1 replica (there is no master) NONE: a:1: refused"},
      {"and its replica",
       Fails("b:1"),
       {"down b:1: refused", "raise b:1: lost: refused", "no master: a:1: refused; b:1: refused"},
       "-a:1 master (refused) | -b:1 replica (refused) NONE: a:1: refused; b:1: refused"},
      {"for long",
       Fails("b:1"),
       {},
       "-a:1 master (refused) | -b:1 replica (refused) NONE: a:1: refused; b:1: refused"},
  });
}

TEST(TopologyTracker, WatchesNoMoreThanItsLimitWhateverANodeNames) {
  Story story({"a:1"});
  NodeFacts liar = MasterFacts("ra");
  for (int i = 0; i < 1000; ++i)
    liar.replicas.push_back({{"h" + std::to_string(i), 1}, "online", {}, {}});
  story.tracker().OnFacts(0, liar);
  EXPECT_EQ(story.tracker().Watched().size(), 128u);
  // Each poll may name others; those who are gone make room, and the numbers go on.
  for (int poll = 0; poll < 3; ++poll) {
    for (ReplicaFacts& replica : liar.replicas) replica.address.host += "x";
    story.tracker().OnFacts(0, liar);
    EXPECT_EQ(story.tracker().Watched().size(), 128u);
    for (const auto& watch : story.tracker().Watched())
      if (watch.id != 0) story.tracker().OnFailed(watch.id, "no such host");
    EXPECT_LE(story.tracker().Watched().size(), 128u);
  }
}

TEST(TopologyTracker, PollsOfAddressesThatItDoesNotWatchSayNothing) {
  Story story = Begun();
  const auto before = story.tracker().picture();
  EXPECT_TRUE(story.tracker().OnFacts(99, MasterFacts("rz")).empty());
  EXPECT_TRUE(story.tracker().OnBusy(99).empty());
  EXPECT_TRUE(story.tracker().OnFailed(99, "x").empty());
  EXPECT_EQ(story.tracker().picture(), before);
}

TEST(TopologyTracker, ThePictureSaysWhichProcessAndVersionEachNodeIs) {
  Story story({"a:1"});
  NodeFacts facts = MasterFacts("ra");
  facts.version = "valkey 8.1.1";
  story.tracker().OnFacts(0, facts);
  EXPECT_FALSE(story.tracker().picture()->Master()->evicts);
  facts.evicted_scripts = 0;
  story.tracker().OnFacts(0, facts);
  const Node* master = story.tracker().picture()->Master();
  ASSERT_NE(master, nullptr);
  EXPECT_EQ(master->run_id, "ra");
  EXPECT_EQ(master->version, "valkey 8.1.1");
  EXPECT_TRUE(master->evicts);
  EXPECT_EQ(story.tracker().picture()->Find(0), master);
  EXPECT_EQ(story.tracker().picture()->Find(5), nullptr);
}

}  // namespace
}  // namespace replication
