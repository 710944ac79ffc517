// The product, in two questions.
//
//   1. A client calls script S, and the call goes to node N on lane L. What goes over the wire?
//
//        EVALSHA S, S known on N            ──► EVALSHA S, as it came          (exposed)
//        EVALSHA S, its body on its way on L──► EVALSHA S, as it came          (exposed, riding)
//        EVALSHA S, not known, body in hand ──► EVAL body: the rest untouched
//        EVALSHA S, no body                 ──► EVALSHA S; N's answer decides
//        EVAL body, S known on N            ──► EVALSHA S, if so configured    (exposed)
//        EVAL body                          ──► EVAL body, as it came
//        anything inside MULTI              ──► with the body, whatever is believed
//        a script that may say NOSCRIPT     ──► with the body: who said it could not be told
//
//      _RO stays _RO: a read-only call that became EVAL could write.
//
//   2. N answered. What does that teach us about S on N?  (Judge)
//
// That is the mechanism of Redis 2.8 to 6.2, where it lived inside the master: EVALSHA went out to
// the replicas as EVAL until repl_scriptcache_dict said that they had seen the script. See
// script_registry.h for lua_scripts and script_cache.h for repl_scriptcache_dict.
//
// Knowledge is a belief: someone may flush a node behind our back. An exposed call may therefore
// come back as NOSCRIPT. It executed nothing, so it is sent once more with the body; but what the
// same client sent behind it may have run already, and then sending it again would turn the
// client's order around. The pipeline guard prevents that before it can happen: behind an exposed
// call only such calls may be on the wire as would miss together with it, or as have no effect to
// turn around.
//
// No socket, clock or thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "replication/node.h"
#include "replication/script_cache.h"
#include "replication/sha1.h"

namespace replication {

// A script call as the client made it.
struct ScriptCall {
  Sha1 sha;
  bool by_sha = true;        // EVALSHA; else EVAL, which has the body with it
  bool has_body = false;     // the body is in hand
  bool read_only = false;    // an _RO command, or a script with no-writes
  bool well_formed = true;   // numkeys is a number that fits: a server that takes the call runs it
  bool may_imitate = false;  // NOSCRIPT may be the script's own answer: it is never exposed
};

enum class Wire : uint8_t {
  kAsCame,
  kWithBody,  // EVALSHA became EVAL
  kAsSha,     // EVAL became EVALSHA
};

struct Plan {
  Wire wire = Wire::kAsCame;
  bool exposed = false;  // NOSCRIPT would be a surprise that must be repaired
  bool riding = false;   // exposed on the strength of a body ahead of it on the same lane
  uint64_t generation = 0;
  // In the node's count of proofs (see script_cache.h): of the script, if it is exposed; and now.
  uint64_t loaded_at = 0;
  uint64_t present_at = 0;
  uint64_t sent_at = 0;
};

// What goes over the wire to the node of `cache` on `lane`. `cache` has entered the node's present
// generation. `convert_eval`: an EVAL may go as EVALSHA. Changes nothing: see Sent().
Plan PlanCall(const ScriptCache& cache, LaneId lane, const ScriptCall& call, bool convert_eval);

// Does the body go with the call?
inline bool CarriesBody(const ScriptCall& call, const Plan& plan) {
  return plan.wire == Wire::kWithBody || (!call.by_sha && !plan.exposed);
}
// The call was sent as planned: from here on others may ride on its body.
void Sent(ScriptCache& cache, LaneId lane, const ScriptCall& call, const Plan& plan);
// ... and it was answered, or will never be: once for each Sent(), and before Learn().
void Answered(ScriptCache& cache, const ScriptCall& call, const Plan& plan);

// What an answer says about the script.
enum class Proof : uint8_t {
  kRan,       // a value, or an error that the server wrote because the script was running
  kRefused,   // the server did not get as far as the script
  kNoScript,  // in the server's own words: the node does not hold it, or the script imitates that
  kDoubtful,  // an error that may be the script's own or the server's
};

// `error` is the answer's error line without '-' and line end; "" for anything but an error.
Proof Judge(std::string_view error, const Sha1& sha);

// What was learned by the answer to a call sent as `plan`. Returns true if S is newly known on N.
bool Learn(ScriptCache& cache, LaneId lane, const ScriptCall& call, const Plan& plan, Proof proof);

// Which of one client's commands may be on the wire at the same time. One for each session and node
// connection; it sees every command that the session sends there, scripts or not.
class PipelineGuard {
 public:
  // A command that is no exposed call.
  struct Command {
    bool read_only = false;
  };

  bool MaySend(const Command& next) const {
    return exposed_ == 0 || (next.read_only && all_read_only_);
  }
  // `evicts`: the node may lose one script and keep the others (Redis 7.4, Valkey 8 and later).
  bool MaySend(const ScriptCall& next, const Plan& plan, bool evicts) const;

  void OnSent(const ScriptCall& call, const Plan& plan);
  // An exposed call was answered, or lost.
  void OnAnswered() {
    if (exposed_ > 0) --exposed_;
  }
  // Nothing is on the wire any more.
  void Reset() { *this = PipelineGuard(); }

  uint32_t exposed() const { return exposed_; }

 private:
  uint32_t exposed_ = 0;
  // What all exposed calls on the wire have in common.
  bool all_read_only_ = true;
  bool all_known_ = true;  // none is riding
  bool one_script_ = true;
  bool has_eval_ = false;  // an EVAL that went as its sha is among them
  Sha1 sha_;
  uint64_t generation_ = 0;
  uint64_t present_at_ = 0;  // the least of theirs
};

// One client's commands of a pipeline in which something missed, in the order of sending.
struct Outcome {
  bool missed = false;  // NOSCRIPT, proven to be the server's
  bool read_only = false;
};

// For each of them: may it be sent once more? Only what missed, and only if no command behind it
// ran whose order relative to it could be seen.
std::vector<bool> Repairable(std::span<const Outcome> outcomes);

}  // namespace replication
