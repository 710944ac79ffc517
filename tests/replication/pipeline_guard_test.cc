// Which of one client's commands may be on the wire together.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/script_rewriter.h"

namespace replication {
namespace {

const Sha1 kA = Sha1::Of("return 'a'");
const Sha1 kB = Sha1::Of("return 'b'");

// One command as it would be sent.
struct Command {
  bool is_script = false;
  bool read_only = false;
  ScriptCall call;
  Plan plan;
};

Command Read() {
  return {false, true, {}, {}};
}
Command Write() {
  return {};
}

Command Exposed(const Sha1& sha, uint64_t generation = 1) {
  return {true, false, ScriptCall{sha, true, true}, Plan{Wire::kAsCame, true, false, generation}};
}
Command Riding(const Sha1& sha) {
  return {true, false, ScriptCall{sha, true, true}, Plan{Wire::kAsCame, true, true, 1}};
}
Command WithBody(const Sha1& sha) {
  return {true, false, ScriptCall{sha, true, true}, Plan{Wire::kWithBody, false, false, 1}};
}
Command Eval(const Sha1& sha) {
  return {true, false, ScriptCall{sha, false, true}, Plan{Wire::kAsCame, false, false, 1}};
}
Command EvalAsSha(const Sha1& sha) {
  return {true, false, ScriptCall{sha, false, true}, Plan{Wire::kAsSha, true, false, 1}};
}
Command NoBody(const Sha1& sha) {
  return {true, false, ScriptCall{sha, true, false}, Plan{Wire::kAsCame, false, false, 1}};
}
Command ReadOnly(Command command) {
  command.read_only = command.call.read_only = true;
  return command;
}
Command BadNumkeys(Command command) {
  command.call.well_formed = false;
  return command;
}

bool May(const PipelineGuard& guard, const Command& next, bool evicts) {
  return next.is_script ? guard.MaySend(next.call, next.plan, evicts)
                        : guard.MaySend(PipelineGuard::Command{next.read_only});
}

void Send(PipelineGuard& guard, const Command& command) {
  if (command.is_script) guard.OnSent(command.call, command.plan);
}

struct Row {
  const char* words;
  std::vector<Command> on_the_wire;
  Command next;
  bool may;           // the node keeps what it has, or loses all of it
  bool may_evicting;  // it may lose one script alone
};

void Expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    PipelineGuard guard;
    for (const Command& command : row.on_the_wire) Send(guard, command);
    EXPECT_EQ(May(guard, row.next, false), row.may) << row.words;
    EXPECT_EQ(May(guard, row.next, true), row.may_evicting) << row.words << " (evicting)";
  }
}

TEST(PipelineGuard, LetsEverythingGoBehindWhatCannotMiss) {
  const std::vector<Command> harmless[] = {{},
                                           {Read()},
                                           {Write()},
                                           {WithBody(kA)},
                                           {Eval(kA)},
                                           {NoBody(kA)},
                                           {Write(), Eval(kA), Read()}};
  const Command all[] = {Read(),     Write(),       Exposed(kA),
                         Riding(kA), WithBody(kA),  Eval(kA),
                         NoBody(kA), EvalAsSha(kA), BadNumkeys(Exposed(kA))};
  for (const auto& on_the_wire : harmless)
    for (const Command& next : all)
      Expect({{"behind what cannot miss", on_the_wire, next, true, true}});
}

TEST(PipelineGuard, BehindAnExposedCallGoesOnlyWhatMissesWithItOrCannotBeSeen) {
  Expect({
      {"a write", {Exposed(kA)}, Write(), false, false},
      {"a read", {Exposed(kA)}, Read(), false, false},
      {"the same script", {Exposed(kA)}, Exposed(kA), true, true},
      {"another script", {Exposed(kA)}, Exposed(kB), true, false},
      {"a body", {Exposed(kA)}, WithBody(kA), false, false},
      {"a body of another", {Exposed(kA)}, WithBody(kB), false, false},
      {"an EVAL", {Exposed(kA)}, Eval(kA), false, false},
      {"an EVAL as its sha", {Exposed(kA)}, EvalAsSha(kA), true, true},
      {"an EVAL of another as its sha", {Exposed(kA)}, EvalAsSha(kB), true, false},
      {"what has no body", {Exposed(kA)}, NoBody(kA), false, false},
      {"the same script, believed for another reason", {Exposed(kA)}, Exposed(kA, 2), false, false},
      {"a rider on another script's body", {Exposed(kA)}, Riding(kB), false, false},
      {"a read-only call of the same script", {Exposed(kA)}, ReadOnly(Exposed(kA)), true, true},
      {"a read-only call of another script", {Exposed(kA)}, ReadOnly(Exposed(kB)), true, false},
  });
}

// Somebody flushed the node, and B came back before anybody noticed: A misses, and B does not.
TEST(PipelineGuard, AYoungScriptDoesNotGoBehindOneThatWasNotSeenSince) {
  ScriptCache cache;
  const auto plan_of = [&cache](const Sha1& sha) {
    return PlanCall(cache, 1, ScriptCall{sha, true, true}, true);
  };
  const auto may_follow = [&](const Sha1& first, const Sha1& next) {
    PipelineGuard guard;
    guard.OnSent(ScriptCall{first, true, true}, plan_of(first));
    return guard.MaySend(ScriptCall{next, true, true}, plan_of(next), false);
  };
  cache.MarkKnown(kA, 0, cache.proofs());
  cache.MarkKnown(kB, 0, cache.proofs());
  EXPECT_FALSE(may_follow(kA, kB)) << "A may have been lost before B came";
  EXPECT_TRUE(may_follow(kB, kA)) << "what took B took A";
  const Plan later = plan_of(kA);
  EXPECT_FALSE(Learn(cache, 1, ScriptCall{kA, true, true}, later, Proof::kRan)) << "no news, but";
  EXPECT_TRUE(may_follow(kA, kB)) << "A was there after B had come";
  // What was sent before B came says nothing of it.
  const Sha1 c = Sha1::Of("return 'c'");
  const Plan before = plan_of(kA);
  cache.MarkKnown(c, 0, cache.proofs());
  Learn(cache, 1, ScriptCall{kA, true, true}, before, Proof::kRan);
  EXPECT_FALSE(may_follow(kA, c));
}

TEST(PipelineGuard, TheOldestOfAllThatIsExposedCounts) {
  ScriptCache cache;
  const Sha1 c = Sha1::Of("return 'c'");
  cache.MarkKnown(kA, 0, cache.proofs());
  cache.MarkKnown(kB, 0, cache.proofs());
  cache.MarkKnown(c, 0, cache.proofs());
  const auto call = [](const Sha1& sha) { return ScriptCall{sha, true, true}; };
  const auto plan_of = [&](const Sha1& sha) { return PlanCall(cache, 1, call(sha), true); };
  Learn(cache, 1, call(kB), plan_of(kB), Proof::kRan);
  PipelineGuard guard;
  guard.OnSent(call(kB), plan_of(kB));
  EXPECT_TRUE(guard.MaySend(call(c), plan_of(c), false));
  EXPECT_TRUE(guard.MaySend(call(kA), plan_of(kA), false));
  guard.OnSent(call(kA), plan_of(kA));
  EXPECT_FALSE(guard.MaySend(call(c), plan_of(c), false)) << "A was not seen since C came";
}

TEST(PipelineGuard, BehindARiderGoesOnlyTheSameScript) {
  Expect({
      {"the same script", {Riding(kA)}, Riding(kA), true, true},
      {"another that is known", {Riding(kA)}, Exposed(kB), false, false},
      {"another that rides", {Riding(kA)}, Riding(kB), false, false},
      {"a write", {Riding(kA)}, Write(), false, false},
      {"a read", {Riding(kA)}, Read(), false, false},
  });
}

TEST(PipelineGuard, ReadsPassReadsWhateverMisses) {
  const Command a = ReadOnly(Exposed(kA));
  const Command b = ReadOnly(Exposed(kB));
  const Command rider = ReadOnly(Riding(kB));
  Expect({
      {"a read", {a}, Read(), true, true},
      {"a read-only body", {a}, ReadOnly(WithBody(kB)), true, true},
      {"a read-only call of another script", {a}, b, true, true},
      {"a read-only rider", {a}, rider, true, true},
      {"a read-only call of another generation", {a}, ReadOnly(Exposed(kB, 2)), true, true},
      {"a read-only call without a body", {a}, ReadOnly(NoBody(kB)), true, true},
      {"a read-only EVAL behind a read-only EVAL that went as its sha",
       {ReadOnly(EvalAsSha(kA))},
       ReadOnly(EvalAsSha(kB)),
       true,
       true},
      {"a write", {a}, Write(), false, false},
      {"a writing call of the same script", {a}, Exposed(kA), true, true},
      {"a writing call of another script", {a}, Exposed(kB), true, false},
      {"a read behind the two of them", {a, Exposed(kA)}, Read(), false, false},
      {"a writing call behind two scripts", {a, b}, Exposed(kA), true, false},
      {"a writing call behind a rider", {a, rider}, Exposed(kA), false, false},
  });
}

TEST(PipelineGuard, LooksAtAllThatIsExposedNotOnlyAtTheLast) {
  Expect({
      {"the first script again", {Exposed(kA), Exposed(kB)}, Exposed(kA), true, false},
      {"a third", {Exposed(kA), Exposed(kB)}, Exposed(Sha1::Of("c")), true, false},
      {"a rider behind two", {Exposed(kA), Exposed(kB)}, Riding(kB), false, false},
      {"a read-only call behind a writing one and a read-only one",
       {Exposed(kA), ReadOnly(Exposed(kA))},
       Read(),
       false,
       false},
  });
}

// A server looks at numkeys before it looks for the script: this call would be refused where the
// one before it missed, and nobody could tell for certain that it did nothing.
TEST(PipelineGuard, ABadNumkeysDoesNotMissWithTheOthers) {
  Expect({
      {"the same script", {Exposed(kA)}, BadNumkeys(Exposed(kA)), false, false},
      {"an EVAL", {Exposed(kA)}, BadNumkeys(EvalAsSha(kA)), false, false},
      {"a read-only one behind a read-only one",
       {ReadOnly(Exposed(kA))},
       ReadOnly(BadNumkeys(Exposed(kA))),
       true,
       true},
      {"the same script behind a bad one", {BadNumkeys(Exposed(kA))}, Exposed(kA), true, true},
  });
}

// Somebody may give the script back between two calls that believe the same: then the second runs,
// and the first can no longer be repaired. Who sent EVALSHA is told NOSCRIPT, as by a server; who
// sent EVAL could not make sense of it.
TEST(PipelineGuard, NothingThatCouldBeSeenGoesBehindAnEvalThatWentAsItsSha) {
  Expect({
      {"the same script", {EvalAsSha(kA)}, Exposed(kA), false, false},
      {"the same EVAL", {EvalAsSha(kA)}, EvalAsSha(kA), false, false},
      {"the same EVAL with its body", {EvalAsSha(kA)}, Eval(kA), false, false},
      {"a third behind an EVALSHA and an EVAL",
       {Exposed(kA), EvalAsSha(kA)},
       Exposed(kA),
       false,
       false},
  });
}

TEST(PipelineGuard, OpensWhenEverythingExposedWasAnswered) {
  PipelineGuard guard;
  Send(guard, Exposed(kA));
  Send(guard, Exposed(kA));
  EXPECT_EQ(guard.exposed(), 2u);
  EXPECT_FALSE(May(guard, Write(), false));
  guard.OnAnswered();
  EXPECT_FALSE(May(guard, Write(), false));
  guard.OnAnswered();
  EXPECT_TRUE(May(guard, Write(), false));
  EXPECT_EQ(guard.exposed(), 0u);
  guard.OnAnswered();
  EXPECT_EQ(guard.exposed(), 0u) << "not below";
}

TEST(PipelineGuard, StartsAnewWhenItOpened) {
  for (const bool by_reset : {false, true}) {
    PipelineGuard guard;
    Send(guard, Riding(kA));
    Send(guard, EvalAsSha(kA));
    if (by_reset) {
      guard.Reset();
    } else {
      guard.OnAnswered();
      guard.OnAnswered();
    }
    Send(guard, ReadOnly(Exposed(kB)));
    EXPECT_TRUE(May(guard, Read(), true)) << "all that is exposed now only reads";
    EXPECT_TRUE(May(guard, Exposed(kA), false)) << "nothing of the past is riding, or an EVAL";
  }
}

TEST(PipelineGuard, CountsOnlyWhatIsExposed) {
  PipelineGuard guard;
  for (const Command& command : {Read(), Write(), WithBody(kA), Eval(kA), NoBody(kA)})
    Send(guard, command);
  EXPECT_EQ(guard.exposed(), 0u);
  EXPECT_TRUE(May(guard, Write(), true));
}

}  // namespace
}  // namespace replication
