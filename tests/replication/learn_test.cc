// What an answer teaches the dict of a node. Cases 4 to 9 of the list of test cases.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/script_rewriter.h"

namespace replication {
namespace {

using State = ScriptCache::State;

constexpr LaneId kLane = 1;
constexpr LaneId kOtherLane = 2;

const Sha1 kA = Sha1::Of("return 'a'");
const Sha1 kB = Sha1::Of("return 'b'");

const ScriptCall kEvalSha{kA, true, true};
const ScriptCall kEval{kA, false, true};
const ScriptCall kEvalShaNoBody{kA, true, false};

// Sends `call` and answers it.
bool Answer(ScriptCache& cache, const ScriptCall& call, const std::string& error,
            bool convert_eval = true) {
  const Plan plan = PlanCall(cache, kLane, call, convert_eval);
  Sent(cache, kLane, call, plan);
  return Learn(cache, kLane, call, plan, Judge(error, call.sha));
}

constexpr const char* kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

TEST(Learn, AValueMakesTheScriptKnownHoweverItWasCalled) {
  for (const ScriptCall& call : {kEvalSha, kEval, kEvalShaNoBody}) {
    ScriptCache cache;
    EXPECT_TRUE(Answer(cache, call, ""));
    EXPECT_EQ(cache.Of(kA, kOtherLane), State::kKnown);
    EXPECT_FALSE(Answer(cache, call, "")) << "no news";
  }
}

// Case 4
TEST(Learn, Case04_NoErrorBeforeTheScriptRanMarksIt) {
  const std::vector<std::string> errors = {
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
      "ERR value is not an integer or out of range",
      "ERR Number of keys can't be negative",
      "LOADING Redis is loading the dataset in memory",
      "BUSY Redis is busy running a script.",
      "READONLY You can't write against a read only replica.",
      "NOPERM User alice has no permissions to run the 'eval' command",
      "MASTERDOWN Link with MASTER is down",
      "MY own words",
  };
  for (const ScriptCall& call : {kEvalSha, kEval}) {
    for (const auto& error : errors) {
      ScriptCache cache;
      EXPECT_FALSE(Answer(cache, call, error)) << error;
      EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown) << error << ": nor is it ridden on any more";
      EXPECT_EQ(cache.size(), 0u) << error;
    }
  }
}

// Case 4
TEST(Learn, Case04_AnErrorOfTheRunningScriptMarksIt) {
  const std::string sha = kA.ToString();
  for (const auto& error :
       {"ERR value is not an integer or out of range script: " + sha + ", on @user_script:1.",
        "READONLY You can't write against a read only replica. script: " + sha +
            ", on @user_script:1.",
        std::string("ERR user_script:1: boom script: on @user_script:1."),
        "ERR Error running script (call to f_" + sha + "): @user_script:1: boom"}) {
    ScriptCache cache;
    EXPECT_TRUE(Answer(cache, kEval, error)) << error;
    EXPECT_EQ(cache.Of(kA, kOtherLane), State::kKnown) << error;
  }
}

// Case 4
TEST(Learn, Case04_ARefusedCallOfAKnownScriptLeavesItKnown) {
  for (const ScriptCall& call : {kEvalSha, kEval}) {
    ScriptCache cache;
    cache.MarkKnown(kA, 0);
    EXPECT_FALSE(Answer(cache, call, "BUSY Redis is busy running a script."));
    EXPECT_EQ(cache.Of(kA, kLane), State::kKnown);
    EXPECT_FALSE(Answer(cache, call, "ERR own words"));
    EXPECT_EQ(cache.Of(kA, kLane), State::kKnown);
  }
}

// Case 5
TEST(Learn, Case05_ReplyAfterGenerationBumpMarksNothing) {
  for (const ScriptCall& call : {kEvalSha, kEval, kEvalShaNoBody}) {
    ScriptCache cache;
    const Plan plan = PlanCall(cache, kLane, call, true);
    Sent(cache, kLane, call, plan);
    cache.Enter(1);
    EXPECT_FALSE(Learn(cache, kLane, call, plan, Proof::kRan));
    EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
    EXPECT_EQ(PlanCall(cache, kLane, kEvalSha, true).wire, Wire::kWithBody);
  }
}

// Case 5
TEST(Learn, Case05_ReplyOfAnOldGenerationTakesNothingFromTheNewOneEither) {
  ScriptCache cache;
  cache.MarkKnown(kA, 0);
  const Plan exposed = PlanCall(cache, kLane, kEvalSha, true);
  const Plan body = {Wire::kWithBody, false, false, 0};
  cache.Enter(1);
  cache.MarkKnown(kA, 1);
  Learn(cache, kLane, kEvalSha, exposed, Proof::kNoScript);
  EXPECT_EQ(cache.Of(kA, kLane), State::kKnown) << "it missed in the past";
  cache.Enter(2);
  cache.BeginLoading(kA, kLane);
  Learn(cache, kLane, kEvalSha, body, Proof::kRefused);
  EXPECT_EQ(cache.Of(kA, kLane), State::kRiding) << "that was another body";
}

// Case 6
TEST(Learn, Case06_AConnectionLostBetweenSendAndReplyLeavesNothingKnown) {
  ScriptCache cache;
  cache.MarkKnown(kB, 0);
  const Plan plan = PlanCall(cache, kLane, kEvalSha, true);
  Sent(cache, kLane, kEvalSha, plan);
  cache.Enter(1);  // the loss raised the node's generation; the reply never comes
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
  EXPECT_EQ(cache.Of(kB, kLane), State::kUnknown);
  EXPECT_EQ(cache.size(), 0u);
  // Something of the old connection that was read late is no proof.
  EXPECT_FALSE(Learn(cache, kLane, kEvalSha, plan, Proof::kRan));
  EXPECT_EQ(cache.size(), 0u);
}

// Case 7
TEST(Learn, Case07_ARefusedBodyOnOneLaneDoesNotStopTheRidersOfAnother) {
  ScriptCache cache;
  const Plan here = PlanCall(cache, kLane, kEvalSha, true);
  Sent(cache, kLane, kEvalSha, here);
  const Plan there = PlanCall(cache, kOtherLane, kEvalSha, true);
  Sent(cache, kOtherLane, kEvalSha, there);
  EXPECT_FALSE(Learn(cache, kOtherLane, kEvalSha, there, Proof::kRefused));
  EXPECT_EQ(cache.Of(kA, kLane), State::kRiding);
  EXPECT_TRUE(Learn(cache, kLane, kEvalSha, here, Proof::kRan));
}

// Case 8: the node's whole set goes by its generation, once the node has confirmed the miss. Until
// then nobody gives the script back, or others that missed it could not be told from its own words.
TEST(Learn, Case08_AMissTakesNothingAwayBeforeTheNodeHasConfirmedIt) {
  ScriptCache cache;
  cache.MarkKnown(kA, 0);
  cache.MarkKnown(kB, 0);
  EXPECT_FALSE(Answer(cache, kEvalSha, kNoScript));
  EXPECT_EQ(PlanCall(cache, kLane, kEvalSha, true).wire, Wire::kAsCame);
  cache.Enter(1);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(PlanCall(cache, kLane, kEvalSha, true).wire, Wire::kWithBody);
}

// Case 8
TEST(Learn, Case08_NoScriptToACallThatCarriedItsBodyIsTheScriptsOwnWord) {
  for (const ScriptCall& call : {kEvalSha, kEval}) {
    ScriptCache cache;
    EXPECT_TRUE(Answer(cache, call, kNoScript)) << "it ran, to be able to say so";
    EXPECT_EQ(cache.Of(kA, kLane), State::kKnown);
  }
}

// Case 8
TEST(Learn, Case08_AMissOfAnEvalThatWentAsItsShaIsAMiss) {
  ScriptCache cache;
  cache.MarkKnown(kA, 0);
  EXPECT_EQ(PlanCall(cache, kLane, kEval, true).wire, Wire::kAsSha);
  EXPECT_FALSE(Answer(cache, kEval, kNoScript));
}

// Case 8
TEST(Learn, Case08_ARiderThatMissedEndsTheRide) {
  ScriptCache cache;
  const Plan carrier = PlanCall(cache, kLane, kEvalSha, true);
  Sent(cache, kLane, kEvalSha, carrier);
  const Plan rider = PlanCall(cache, kLane, kEvalSha, true);
  EXPECT_TRUE(rider.riding);
  Sent(cache, kLane, kEvalSha, rider);
  EXPECT_FALSE(Learn(cache, kLane, kEvalSha, carrier, Proof::kRefused));
  EXPECT_FALSE(Learn(cache, kLane, kEvalSha, rider, Proof::kNoScript));
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
}

// Case 9
TEST(Learn, Case09_NoScriptWithoutABodyChangesNothing) {
  ScriptCache cache;
  cache.MarkKnown(kB, 0);
  EXPECT_FALSE(Answer(cache, kEvalShaNoBody, kNoScript));
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
  EXPECT_EQ(cache.Of(kB, kLane), State::kKnown);
}

// All there is: every call, belief, answer and generation, held against the rules in words.
TEST(Learn, IsItsRulesInEveryCase) {
  int cases = 0;
  for (int bits = 0; bits < 1 << 9; ++bits) {
    const auto bit = [bits](int i) { return ((bits >> i) & 1) != 0; };
    const ScriptCall call{kA, bit(0), true};
    const Plan plan{bit(1) ? Wire::kWithBody : Wire::kAsCame, bit(2), false, bit(3) ? 1u : 0u};
    if (plan.wire == Wire::kWithBody && (plan.exposed || !call.by_sha)) continue;  // not planned
    const auto proof = static_cast<Proof>((bits >> 4) & 3);
    const bool was_known = bit(6);
    const bool was_loading = bit(7) && !was_known;
    const LaneId loading_on = bit(8) ? kLane : kOtherLane;

    ScriptCache cache;
    cache.Enter(1);
    if (was_known) cache.MarkKnown(kA, 1);
    if (was_loading) cache.BeginLoading(kA, loading_on);
    const bool news = Learn(cache, kLane, call, plan, proof);

    const bool body_went = plan.wire == Wire::kWithBody || (!call.by_sha && !plan.exposed);
    const bool ran = proof == Proof::kRan || (proof == Proof::kNoScript && body_went);
    bool known = was_known;
    bool loading = was_loading;
    if (plan.generation == 1) {
      if (ran) {
        known = true;
      } else if (body_went && loading_on == kLane) {
        loading = false;
      }
    }
    EXPECT_EQ(news, known && !was_known) << bits;
    const State at = known ? State::kKnown : loading ? State::kRiding : State::kUnknown;
    EXPECT_EQ(cache.Of(kA, loading_on), at) << bits;
    ++cases;
  }
  EXPECT_GT(cases, 250);
}

}  // namespace
}  // namespace replication
