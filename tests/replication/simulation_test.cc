// Thousands of random histories, held against the promises.
//
// SHACAST_SEED=n runs the history of one seed, and prints what happens in it.
// SHACAST_HISTORIES=n runs more of them, or fewer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "history_run.h"

namespace history {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, KeepsThePromisesInEveryHistory) {
  const uint64_t one = FromEnvironment("SHACAST_SEED", 0);
  const uint64_t count = FromEnvironment("SHACAST_HISTORIES", 20'000);
  Tally tally;
  for (uint64_t seed = one == 0 ? 1 : one; seed <= (one == 0 ? count : one); ++seed) {
    const History history = Make(seed, ScenarioOf(seed));
    std::string trace;
    const Outcome outcome = Play(history, Policy(), one == 0 ? nullptr : &trace);
    tally.Add(outcome.tally);
    if (one != 0) std::cout << trace;
    ASSERT_EQ(outcome.violation, "") << Report(seed, history, Policy());
  }
  std::cout << tally.Words() << "\n";
}

// A simulation that deserves its name notices a rule that is left out. Those of history_policy.h
// that are not here are covered by another rule, or chance hardly gets there: unit tests hold them.
struct Mutation {
  const char* rule;
  bool Policy::*member;
};

std::ostream& operator<<(std::ostream& out, const Mutation& mutation) {
  return out << mutation.rule;
}

class WithoutARule : public testing::TestWithParam<Mutation> {};

TEST_P(WithoutARule, APromiseIsBrokenInSomeHistory) {
  Policy policy;
  policy.*GetParam().member = false;
  constexpr uint64_t kMost = 60'000;
  for (uint64_t seed = 1; seed <= kMost; ++seed) {
    const Outcome outcome = Play(Make(seed, ScenarioOf(seed)), policy);
    if (outcome.violation.empty()) continue;
    std::cout << "seed " << seed << ": " << outcome.violation << "\n";
    return;
  }
  FAIL() << "no history in " << kMost << " notices";
}

#define RULE(name)       \
  Mutation {             \
#name, &Policy::name \
  }
INSTANTIATE_TEST_SUITE_P(Rules, WithoutARule,
                         testing::Values(RULE(guard), RULE(guard_sees_age), RULE(repair_in_order),
                                         RULE(learn_by_generation), RULE(mark_by_answer),
                                         RULE(keep_ro), RULE(raise_on_attach), RULE(body_in_multi),
                                         RULE(drain_before_read), RULE(flush_waits_for_bodies),
                                         RULE(flush_nodes), RULE(resend_forgets_body_at_flush),
                                         RULE(lease_bodies_count),
                                         RULE(only_replicas_reads_go_to_master),
                                         RULE(unsure_eval_is_lost), RULE(imitators_carry_bodies)),
                         [](const auto& rule) { return std::string(rule.param.rule); });
#undef RULE

}  // namespace
}  // namespace history
