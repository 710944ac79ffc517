// Question 1 of script_rewriter.h: what goes over the wire?
#include <gtest/gtest.h>

#include <string>

#include "replication/script_rewriter.h"

namespace replication {
namespace {

constexpr LaneId kLane = 1;
constexpr LaneId kOtherLane = 2;
constexpr uint64_t kGeneration = 5;

const Sha1 kA = Sha1::Of("return 'a'");

enum class Belief { kUnknown, kOnItsWayHere, kOnItsWayElsewhere, kKnown };

ScriptCache Believing(Belief belief) {
  ScriptCache cache;
  cache.Enter(kGeneration);
  if (belief == Belief::kOnItsWayHere) cache.BeginLoading(kA, kLane);
  if (belief == Belief::kOnItsWayElsewhere) cache.BeginLoading(kA, kOtherLane);
  if (belief == Belief::kKnown) cache.MarkKnown(kA, kGeneration);
  return cache;
}

struct Row {
  const char* words;
  bool by_sha;
  bool has_body;
  Belief belief;
  bool convert_eval;
  Wire wire;
  bool exposed;
  bool riding;
};

// Every row of the comment in the header, and those that it leaves to be understood.
const Row kRows[] = {
    {"EVALSHA, known", true, true, Belief::kKnown, false, Wire::kAsCame, true, false},
    {"EVALSHA, known, conversion on", true, true, Belief::kKnown, true, Wire::kAsCame, true, false},
    {"EVALSHA, body ahead on this lane", true, true, Belief::kOnItsWayHere, false, Wire::kAsCame,
     true, true},
    {"EVALSHA, body ahead on this lane, conversion on", true, true, Belief::kOnItsWayHere, true,
     Wire::kAsCame, true, true},
    {"EVALSHA, body on another lane", true, true, Belief::kOnItsWayElsewhere, false,
     Wire::kWithBody, false, false},
    {"EVALSHA, not known, body in hand", true, true, Belief::kUnknown, false, Wire::kWithBody,
     false, false},
    {"EVALSHA, not known, body in hand, conversion on", true, true, Belief::kUnknown, true,
     Wire::kWithBody, false, false},
    {"EVALSHA, no body", true, false, Belief::kUnknown, false, Wire::kAsCame, false, false},
    {"EVALSHA, no body, though the node has it", true, false, Belief::kKnown, false, Wire::kAsCame,
     false, false},
    {"EVALSHA, no body, though one is on its way", true, false, Belief::kOnItsWayHere, true,
     Wire::kAsCame, false, false},
    {"EVAL, known, conversion on", false, true, Belief::kKnown, true, Wire::kAsSha, true, false},
    {"EVAL, body ahead on this lane, conversion on", false, true, Belief::kOnItsWayHere, true,
     Wire::kAsSha, true, true},
    {"EVAL, body on another lane, conversion on", false, true, Belief::kOnItsWayElsewhere, true,
     Wire::kAsCame, false, false},
    {"EVAL, not known, conversion on", false, true, Belief::kUnknown, true, Wire::kAsCame, false,
     false},
    {"EVAL, known, conversion off", false, true, Belief::kKnown, false, Wire::kAsCame, false,
     false},
    {"EVAL, not known, conversion off", false, true, Belief::kUnknown, false, Wire::kAsCame, false,
     false},
    {"EVAL, body ahead, conversion off", false, true, Belief::kOnItsWayHere, false, Wire::kAsCame,
     false, false},
};

TEST(PlanCall, IsTheTableInTheHeader) {
  for (const Row& row : kRows) {
    // Neither _RO nor a bad numkeys changes what is sent.
    for (const bool read_only : {false, true}) {
      for (const bool well_formed : {false, true}) {
        const ScriptCache cache = Believing(row.belief);
        const ScriptCall call{kA, row.by_sha, row.has_body, read_only, well_formed};
        const Plan plan = PlanCall(cache, kLane, call, row.convert_eval);
        EXPECT_EQ(plan.wire, row.wire) << row.words;
        EXPECT_EQ(plan.exposed, row.exposed) << row.words;
        EXPECT_EQ(plan.riding, row.riding) << row.words;
        EXPECT_EQ(plan.generation, kGeneration) << row.words;
      }
    }
  }
}

// It may answer NOSCRIPT after it has written, and a flush before we ask would make that look like
// the server's word.
TEST(PlanCall, WhatMayImitateTheServersNoScriptAlwaysGoesWithItsBody) {
  for (const Row& row : kRows) {
    const ScriptCache cache = Believing(row.belief);
    const ScriptCall call{kA, row.by_sha, row.has_body, false, true, true};
    const Plan plan = PlanCall(cache, kLane, call, row.convert_eval);
    EXPECT_FALSE(plan.exposed) << row.words;
    EXPECT_EQ(plan.wire, row.by_sha && row.has_body ? Wire::kWithBody : Wire::kAsCame) << row.words;
  }
}

TEST(PlanCall, ChangesNothingBeforeTheCallIsSent) {
  ScriptCache cache = Believing(Belief::kUnknown);
  const ScriptCall call{kA, true, true};
  static_cast<void>(PlanCall(cache, kLane, call, true));
  EXPECT_EQ(cache.Of(kA, kLane), ScriptCache::State::kUnknown);
  EXPECT_EQ(PlanCall(cache, kLane, call, true).wire, Wire::kWithBody);
}

TEST(PlanCall, OnlyWhatCouldMissIsExposed) {
  for (const Row& row : kRows) {
    if (!row.exposed) continue;
    EXPECT_NE(row.wire, Wire::kWithBody) << row.words;
    EXPECT_TRUE(row.by_sha || row.wire == Wire::kAsSha) << row.words;
    EXPECT_TRUE(row.has_body) << row.words << ": what misses must be repairable";
  }
}

TEST(Sent, ABodyIsRiddenOnFromThenOn) {
  for (const bool by_sha : {true, false}) {
    ScriptCache cache = Believing(Belief::kUnknown);
    const ScriptCall call{kA, by_sha, true};
    Sent(cache, kLane, call, PlanCall(cache, kLane, call, true));
    EXPECT_EQ(cache.Of(kA, kLane), ScriptCache::State::kRiding);
    EXPECT_EQ(cache.Of(kA, kOtherLane), ScriptCache::State::kUnknown);
    const ScriptCall next{kA, true, true};
    EXPECT_EQ(PlanCall(cache, kLane, next, true).wire, Wire::kAsCame);
    EXPECT_EQ(PlanCall(cache, kOtherLane, next, true).wire, Wire::kWithBody);
  }
}

TEST(Sent, AnEvalThatWentAsItCameCarriesItsBodyWhateverIsConfigured) {
  ScriptCache cache = Believing(Belief::kUnknown);
  const ScriptCall call{kA, false, true};
  Sent(cache, kLane, call, PlanCall(cache, kLane, call, false));
  EXPECT_EQ(cache.Of(kA, kLane), ScriptCache::State::kRiding);
}

TEST(Sent, WhatCarriesNoBodyIsNotRiddenOn) {
  struct Case {
    const char* words;
    ScriptCall call;
    Belief belief;
  };
  const Case cases[] = {
      {"EVALSHA without a body", {kA, true, false}, Belief::kUnknown},
      {"a body with a bad numkeys: no server gets as far as the script",
       {kA, true, true, false, false},
       Belief::kUnknown},
      {"EVAL with a bad numkeys", {kA, false, true, false, false}, Belief::kUnknown},
  };
  for (const Case& row : cases) {
    ScriptCache cache = Believing(row.belief);
    Sent(cache, kLane, row.call, PlanCall(cache, kLane, row.call, true));
    EXPECT_EQ(cache.Of(kA, kLane), ScriptCache::State::kUnknown) << row.words;
  }
  // A call that rides makes nothing ridden on another lane, and nothing known.
  ScriptCache cache = Believing(Belief::kOnItsWayHere);
  const ScriptCall rider{kA, true, true};
  Sent(cache, kLane, rider, PlanCall(cache, kLane, rider, true));
  EXPECT_EQ(cache.Of(kA, kOtherLane), ScriptCache::State::kUnknown);
  EXPECT_EQ(cache.size(), 0u);
}

// Case 3
TEST(PlanCall, Case03_EachNodeGetsTheBodyOnceAndTheShaFromThenOn) {
  ScriptCache nodes[2];
  const ScriptCall call{kA, true, true};
  for (ScriptCache& node : nodes) {
    const Plan first = PlanCall(node, kLane, call, true);
    EXPECT_EQ(first.wire, Wire::kWithBody);
    Sent(node, kLane, call, first);
    EXPECT_TRUE(Learn(node, kLane, call, first, Proof::kRan));
  }
  for (ScriptCache& node : nodes)
    for (const LaneId lane : {kLane, kOtherLane})
      EXPECT_EQ(PlanCall(node, lane, call, true).wire, Wire::kAsCame);
}

// Case 7
TEST(PlanCall, Case07_OfTwoLanesThatUseAScriptForTheFirstTimeEachSendsTheBody) {
  ScriptCache cache;
  const ScriptCall call{kA, true, true};
  const Plan here = PlanCall(cache, kLane, call, true);
  Sent(cache, kLane, call, here);
  const Plan there = PlanCall(cache, kOtherLane, call, true);
  Sent(cache, kOtherLane, call, there);
  EXPECT_EQ(here.wire, Wire::kWithBody);
  EXPECT_EQ(there.wire, Wire::kWithBody) << "no EVALSHA before the load is confirmed";
  // The load is confirmed on the second lane first: that is good for both.
  EXPECT_TRUE(Learn(cache, kOtherLane, call, there, Proof::kRan));
  EXPECT_EQ(PlanCall(cache, kLane, call, true).wire, Wire::kAsCame);
  EXPECT_FALSE(PlanCall(cache, kLane, call, true).riding);
}

// A burst of one script costs one body for each lane.
TEST(PlanCall, ABurstOfOneScriptSendsItsBodyOnce) {
  ScriptCache cache;
  const ScriptCall call{kA, true, true};
  int bodies = 0;
  for (int i = 0; i < 100; ++i) {
    const Plan plan = PlanCall(cache, kLane, call, true);
    Sent(cache, kLane, call, plan);
    bodies += plan.wire == Wire::kWithBody ? 1 : 0;
  }
  EXPECT_EQ(bodies, 1);
}

// Case 9
TEST(PlanCall, Case09_WithoutABodyACallGoesAsItCameAndItsMissIsNoSurprise) {
  for (const Belief belief : {Belief::kUnknown, Belief::kKnown, Belief::kOnItsWayHere}) {
    const ScriptCache cache = Believing(belief);
    const Plan plan = PlanCall(cache, kLane, ScriptCall{kA, true, false}, true);
    EXPECT_EQ(plan.wire, Wire::kAsCame);
    EXPECT_FALSE(plan.exposed);
  }
}

}  // namespace
}  // namespace replication
