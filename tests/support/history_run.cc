#include "history_run.h"

#include <algorithm>
#include <utility>

namespace history {
namespace {

using Kind = Step::Kind;

struct Weight {
  Kind kind;
  uint32_t weight;
};

std::vector<Weight> WeightsOf(const Scenario& scenario) {
  std::vector<Weight> weights = {
      {Kind::kClientSends, 70}, {Kind::kRead, 90},       {Kind::kUp, 260},
      {Kind::kDown, 260},       {Kind::kMail, 40},       {Kind::kControlMail, 40},
      {Kind::kPoll, 24},        {Kind::kTick, 24},       {Kind::kRetire, 2},
      {Kind::kAttach, 6},       {Kind::kClientLeaves, 1}};
  if (scenario.strangers) weights.push_back({Kind::kStrangerFlush, 16});
  if (scenario.strangers) weights.push_back({Kind::kStrangerEval, 12});
  if (scenario.cuts) weights.push_back({Kind::kCut, 5});
  if (scenario.restarts) weights.push_back({Kind::kRestart, 4});
  if (scenario.restarts) weights.push_back({Kind::kBoot, 16});
  if (scenario.busy) weights.push_back({Kind::kBusy, 12});
  if (scenario.failovers) weights.push_back({Kind::kFailover, 4});
  return weights;
}

// The promise that a violation is about: "P3".
std::string PromiseOf(const std::string& violation) {
  return violation.substr(0, 2);
}

bool Breaks(const History& history, const Policy& policy, const std::string& promise) {
  return PromiseOf(Play(history, policy).violation) == promise;
}

std::string WordsOf(const Scenario& scenario) {
  std::string words = std::to_string(scenario.nodes) + " nodes, " +
                      std::to_string(scenario.workers) + " workers, " +
                      std::to_string(scenario.sessions) + " sessions, " +
                      std::to_string(scenario.lanes) + " lanes";
  if (scenario.evicts) words += scenario.pins ? ", evicting and pinning" : ", evicting";
  if (scenario.convert_eval) words += ", EVAL as EVALSHA";
  if (scenario.read_replicas) words += ", reads from replicas";
  return words;
}

}  // namespace

Scenario ScenarioOf(uint64_t seed) {
  Random random(seed * 2 + 1);
  Scenario scenario;
  scenario.nodes = 1 + static_cast<int>(random.Below(3));
  scenario.workers = 1 + static_cast<int>(random.Below(3));
  scenario.sessions = scenario.workers * (1 + static_cast<int>(random.Below(3)));
  scenario.lanes = 1 + static_cast<int>(random.Below(2));
  scenario.evicts = random.Chance(40);
  scenario.pins = random.Chance(50);
  scenario.convert_eval = random.Chance(75);
  scenario.read_replicas = scenario.nodes > 1 && random.Chance(60);
  scenario.imitators = random.Chance(30);
  scenario.flushes = random.Chance(60);
  scenario.strangers = random.Chance(70);
  scenario.restarts = random.Chance(50);
  scenario.cuts = random.Chance(50);
  scenario.failovers = scenario.nodes > 1 && random.Chance(30);
  scenario.busy = random.Chance(50);
  return scenario;
}

History Make(uint64_t seed, const Scenario& scenario, size_t steps) {
  Random random(seed * 2);
  const auto weights = WeightsOf(scenario);
  uint32_t sum = 0;
  for (const Weight& weight : weights) sum += weight.weight;
  History history{scenario, {}};
  history.steps.reserve(steps);
  for (size_t i = 0; i < steps; ++i) {
    uint32_t dice = random.Below(sum);
    size_t at = 0;
    while (dice >= weights[at].weight) dice -= weights[at++].weight;
    const auto most = static_cast<uint8_t>(1 + random.Below(random.Chance(25) ? 7 : 3));
    history.steps.push_back({weights[at].kind, random.Next(), random.Next(), most});
  }
  return history;
}

Outcome Play(const History& history, const Policy& policy, std::string* trace) {
  World world(history.scenario, policy, trace);
  for (const Step& step : history.steps) {
    if (!world.judge().violation().empty()) break;
    world.Do(step);
  }
  if (world.judge().violation().empty()) world.Finish();
  return {world.judge().violation(), world.judge().tally()};
}

History Shrink(History history, const Policy& policy) {
  const std::string promise = PromiseOf(Play(history, policy).violation);
  if (promise.empty()) return history;
  for (size_t piece = std::max<size_t>(1, history.steps.size() / 2); piece > 0;) {
    bool shorter = false;
    for (size_t at = 0; at < history.steps.size();) {
      History less = history;
      const auto begin = less.steps.begin() + static_cast<std::ptrdiff_t>(at);
      less.steps.erase(
          begin, begin + static_cast<std::ptrdiff_t>(std::min(piece, less.steps.size() - at)));
      if (Breaks(less, policy, promise)) {
        history = std::move(less);
        shorter = true;
      } else {
        at += piece;
      }
    }
    if (!shorter || piece > 1) piece /= 2;
  }
  for (Step& step : history.steps) {
    while (step.n > 1) {
      --step.n;
      if (Breaks(history, policy, promise)) continue;
      ++step.n;
      break;
    }
  }
  return history;
}

std::string Report(uint64_t seed, const History& history, const Policy& policy) {
  const History least = Shrink(history, policy);
  std::string trace;
  const Outcome outcome = Play(least, policy, &trace);
  return "seed " + std::to_string(seed) + " (SHACAST_SEED=" + std::to_string(seed) +
         " runs it alone)\n" + outcome.violation + "\n" + WordsOf(least.scenario) + "; " +
         std::to_string(least.steps.size()) + " of " + std::to_string(history.steps.size()) +
         " steps are left:\n" + trace;
}

}  // namespace history
