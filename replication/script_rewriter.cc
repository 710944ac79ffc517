#include "replication/script_rewriter.h"

#include <algorithm>
#include <array>
#include <string>

namespace replication {
namespace {

// Both of the server's sentences begin so: "No matching script. Please use EVAL." (Redis) and
// "No matching script." (Valkey 8 and later). A script can imitate it, which is why a NOSCRIPT is
// confirmed with SCRIPT EXISTS before anything is sent again.
constexpr std::string_view kServersNoScript = "NOSCRIPT No matching script";

// Codes with which a server refuses a command before any script runs.
constexpr std::array<std::string_view, 14> kRefusals = {
    "BUSY",    "LOADING",    "MASTERDOWN", "NOAUTH", "NOPERM",      "READONLY",  "OOM",
    "MISCONF", "NOREPLICAS", "MOVED",      "ASK",    "CLUSTERDOWN", "EXECABORT", "NOPROTO"};

// Sentences after "ERR " with which EVAL and EVALSHA are refused before the script runs. The first
// ones quote what the client sent, so nothing behind them is to be believed; the others are also
// what a command inside a script may say, with the mark of a running script behind it.
constexpr std::array<std::string_view, 8> kErrRefusalsThatQuote = {
    "Error compiling script",           "Invalid script shebang",
    "Invalid engine in script shebang", "Unexpected engine in script shebang",
    "Could not find scripting engine",  "Unexpected flag in script shebang",
    "Unknown lua shebang option",       "unknown command"};
constexpr std::array<std::string_view, 3> kErrRefusals = {"value is not an integer or out of range",
                                                          "Number of keys can't be",
                                                          "wrong number of arguments"};

// Does the error carry the mark of a running script? Redis 7 and later: "... script: SHA, on
// @user_script:LINE."; Valkey 9.1: "script: on @user_script:"; before: "(call to f_SHA)".
bool HasRunningMark(std::string_view error, const Sha1& sha) {
  const std::string digits = sha.ToString();
  return error.find("script: " + digits + ", on @user_script:") != std::string_view::npos ||
         error.find("script: on @user_script:") != std::string_view::npos ||
         error.find("(call to f_" + digits + ")") != std::string_view::npos;
}

}  // namespace

Plan PlanCall(const ScriptCache& cache, LaneId lane, const ScriptCall& call, bool convert_eval) {
  Plan plan;
  plan.generation = cache.generation();
  plan.sent_at = cache.proofs();
  if (!call.by_sha && !convert_eval) return plan;
  if (call.by_sha && !call.has_body) return plan;
  // Its own NOSCRIPT after a write, and a flush before we asked, would look like the server's.
  const auto belief = call.may_imitate ? ScriptCache::Belief() : cache.About(call.sha, lane);
  switch (belief.state) {
    case ScriptCache::State::kKnown:
      plan.exposed = true;
      plan.loaded_at = belief.loaded_at;
      plan.present_at = belief.present_at;
      break;
    case ScriptCache::State::kRiding:
      plan.exposed = plan.riding = true;
      break;
    case ScriptCache::State::kUnknown:
      break;
  }
  if (plan.exposed) {
    plan.wire = call.by_sha ? Wire::kAsCame : Wire::kAsSha;
  } else {
    plan.wire = call.by_sha ? Wire::kWithBody : Wire::kAsCame;
  }
  return plan;
}

void Sent(ScriptCache& cache, LaneId lane, const ScriptCall& call, const Plan& plan) {
  if (!CarriesBody(call, plan)) return;
  cache.BodySent(call.sha);
  if (call.well_formed) cache.BeginLoading(call.sha, lane);
}

void Answered(ScriptCache& cache, const ScriptCall& call, const Plan& plan) {
  if (CarriesBody(call, plan)) cache.BodyAnswered(call.sha);
}

Proof Judge(std::string_view error, const Sha1& sha) {
  if (error.empty()) return Proof::kRan;
  if (error.starts_with(kServersNoScript)) return Proof::kNoScript;
  const std::string_view code = error.substr(0, error.find(' '));
  const std::string_view sentence =
      code == "ERR" ? error.substr(std::min<size_t>(4, error.size())) : std::string_view();
  for (const auto refusal : kErrRefusalsThatQuote)
    if (sentence.starts_with(refusal)) return Proof::kRefused;
  if (HasRunningMark(error, sha)) return Proof::kRan;
  for (const auto refusal : kErrRefusals)
    if (sentence.starts_with(refusal)) return Proof::kRefused;
  for (const auto refusal : kRefusals)
    if (code == refusal) return Proof::kRefused;
  return Proof::kDoubtful;
}

bool Learn(ScriptCache& cache, LaneId lane, const ScriptCall& call, const Plan& plan, Proof proof) {
  const bool carried_body = CarriesBody(call, plan);
  // A call that had its body with it cannot miss: NOSCRIPT is then what the script itself said.
  if (proof == Proof::kRan || (proof == Proof::kNoScript && carried_body))
    return cache.MarkKnown(call.sha, plan.generation, plan.sent_at, carried_body);
  // A miss takes nothing away yet: the node is asked first, and then its generation is raised.
  // Until then other calls must not give the script back, or nobody can tell any more who missed
  // what.
  if (carried_body && plan.generation == cache.generation()) cache.EndLoading(call.sha, lane);
  return false;
}

bool PipelineGuard::MaySend(const ScriptCall& next, const Plan& plan, bool evicts) const {
  if (exposed_ == 0) return true;
  if (next.read_only && all_read_only_) return true;
  // A bad numkeys is refused before the script is looked for. And should somebody give a script
  // back between two calls, the first is past repair: a client that sent EVAL must not be told
  // NOSCRIPT.
  if (!plan.exposed || !next.well_formed || has_eval_) return false;
  // Both would miss together if they believe the same thing for the same reason.
  if (plan.generation != generation_) return false;
  if (one_script_ && next.sha == sha_) return true;
  // A server that loses all at once does not lose those and keep this one, if it was there already
  // when they were last seen.
  return !evicts && all_known_ && !plan.riding && plan.loaded_at <= present_at_;
}

void PipelineGuard::OnSent(const ScriptCall& call, const Plan& plan) {
  if (!plan.exposed) return;
  if (exposed_ == 0) {
    *this = PipelineGuard();
    sha_ = call.sha;
    generation_ = plan.generation;
    present_at_ = plan.present_at;
  }
  present_at_ = std::min(present_at_, plan.present_at);
  ++exposed_;
  all_read_only_ = all_read_only_ && call.read_only;
  all_known_ = all_known_ && !plan.riding;
  one_script_ = one_script_ && call.sha == sha_;
  has_eval_ = has_eval_ || !call.by_sha;
}

std::vector<bool> Repairable(std::span<const Outcome> outcomes) {
  std::vector<bool> repairable(outcomes.size(), false);
  bool ran_behind = false;         // something behind was executed
  bool ran_behind_writes = false;  // ... and may have had an effect
  for (size_t i = outcomes.size(); i-- > 0;) {
    const Outcome& outcome = outcomes[i];
    if (outcome.missed) {
      repairable[i] = outcome.read_only ? !ran_behind_writes : !ran_behind;
      // What is not sent again has executed nothing: it is in nobody's way.
    } else {
      ran_behind = true;
      ran_behind_writes = ran_behind_writes || !outcome.read_only;
    }
  }
  return repairable;
}

}  // namespace replication
