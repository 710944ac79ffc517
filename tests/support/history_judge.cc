#include "history_judge.h"

#include <algorithm>
#include <map>
#include <utility>

#include "history_world.h"

namespace history {

void Tally::Add(const Tally& other) {
  histories += other.histories;
  calls += other.calls;
  executed += other.executed;
  with_body += other.with_body;
  exposed += other.exposed;
  misses += other.misses;
  repaired += other.repaired;
  flushes += other.flushes;
  attaches_seen += other.attaches_seen;
  links_lost += other.links_lost;
  raises += other.raises;
  unknown_noscript += other.unknown_noscript;
  passed_given_back += other.passed_given_back;
  passed_before_asked += other.passed_before_asked;
  passed_lost += other.passed_lost;
  passed_refused += other.passed_refused;
}

std::string Tally::Words() const {
  const auto n = [](const char* what, uint64_t count) {
    return std::to_string(count) + " " + what + ", ";
  };
  return n("histories", histories) + n("calls", calls) + n("executions", executed) +
         n("with the body", with_body) + n("exposed", exposed) + n("missed", misses) +
         n("repaired", repaired) + n("flushes", flushes) + n("attaches seen", attaches_seen) +
         n("links lost", links_lost) + n("generations raised", raises) +
         n("NOSCRIPT for the unknown", unknown_noscript) +
         "NOSCRIPT for the known: " + n("given back between two calls", passed_given_back) +
         n("given back before the question", passed_before_asked) +
         n("connection lost", passed_lost) + std::to_string(passed_refused) + " refused behind";
}

void Judge::Fail(const std::string& words) {
  world_.Trace("VIOLATION " + words);
  if (violation_.empty()) violation_ = words;
}

namespace {

std::string Name(CallId call) {
  return "c" + std::to_string(call);
}

}  // namespace

// --- Calls ---------------------------------------------------------------------------------------

CallId Judge::OnClientSends(int session, const Op& op) {
  const auto at = static_cast<size_t>(session);
  if (next_sent_.size() <= at) {
    next_sent_.resize(at + 1);
    next_delivered_.resize(at + 1);
  }
  Record record;
  record.session = session;
  record.index = next_sent_[at]++;
  record.op = op;
  record.sent_by_client = world_.now();
  if (op.verb == Verb::kEvalSha) record.given_at = given_at_[static_cast<size_t>(op.script)];
  records_.push_back(std::move(record));
  ++tally_.calls;
  return static_cast<CallId>(records_.size() - 1);
}

void Judge::OnSent(const Call& call) {
  Record& record = records_[call.command.id];
  record.read_only = call.read_only;
  tally_.with_body += call.plan.wire == replication::Wire::kWithBody ? 1 : 0;
  tally_.exposed += call.plan.exposed ? 1 : 0;
  record.refused = record.lost = false;
  if (std::exchange(record.sent, true)) return;
  record.held = call.op().verb == Verb::kEvalSha && call.script.has_body;
  record.held_epoch = call.script_epoch;
  if (record.op.verb == Verb::kScriptFlush) flushes_.push_back({record.sent_by_client, 0, 0});
}

void Judge::OnQueuing(const Call& call) {
  Record& record = records_[call.command.id];
  record.queued_held.clear();
  record.queued_sha.clear();
}

void Judge::OnQueued(const Call& call, const Op& op, bool held) {
  Record& record = records_[call.command.id];
  record.queued_held.push_back(held);
  record.queued_sha.push_back(op.verb == Verb::kEvalSha);
}

void Judge::OnAnswered(const Call& call) {
  Record& record = records_[call.command.id];
  record.refused = !call.reply.ran && !call.reply.servers_noscript;
  if (record.op.verb == Verb::kScriptFlush && call.reply.error.empty())
    for (Flush& flush : flushes_)
      if (flush.sent == record.sent_by_client) flush.executed = call.reply.at;
}

void Judge::OnMissed(const Call& call) {
  Record& record = records_[call.command.id];
  ++tally_.misses;
  record.missed_at = call.reply.at;
  record.missed_on = call.node;
}

void Judge::OnDelivered(const Call& call, uint64_t epoch) {
  const CallId id = call.command.id;
  Record& record = records_[id];
  const Reply& reply = call.reply;
  world_.Trace("  " + Name(id) + " is answered: " +
               (reply.error.empty() ? "value" : std::string(reply.error.substr(0, 24))));
  if (record.delivered != 0) Fail("P1 " + Name(id) + " was answered twice");
  if (record.index != next_delivered_[static_cast<size_t>(record.session)]++)
    Fail("P1 " + Name(id) + " was answered out of turn");
  if (reply.call != id) Fail("P1 " + Name(id) + " got the reply to " + Name(reply.call));
  record.delivered = world_.now();
  record.executed = reply.ran;
  record.executed_at = reply.at;

  if (reply.servers_noscript) TakeNoScript(record, id, epoch);
  if (reply.ran) {
    // What was on its way while a flush went round may have come before it or after it.
    if (call.script_epoch == epoch) NoteGiven(record, record.op, reply);
    if (record.op.verb == Verb::kEvalSha) ExpectBrought(record, record.op.script, reply.at, id);
  }
  for (size_t i = 0; i < reply.elements.size(); ++i) {
    const Op& op = call.reply.queued[i].op;
    // The calls of MULTI and EXEC follow each other.
    const Record& queue = records_[id - 1];
    const bool held = i < queue.queued_held.size() && queue.queued_held[i];
    if (reply.elements[i].servers_noscript && held)
      Fail("P4 NOSCRIPT inside EXEC " + Name(id) + " for a script that was known");
    const bool as_sha = i < queue.queued_sha.size() && queue.queued_sha[i];
    if (reply.elements[i].ran && as_sha) ExpectBrought(queue, op.script, reply.at, id);
  }
  if (record.op.verb == Verb::kScriptFlush && reply.ran) {
    ++tally_.flushes;
    for (Flush& flush : flushes_)
      if (flush.sent == record.sent_by_client) flush.delivered = world_.now();
  }
}

// --- P4 ------------------------------------------------------------------------------------------

// Somebody was answered that the script is there; every client may rely on it from then on.
void Judge::NoteGiven(const Record& record, const Op& op, const Reply& reply) {
  if (record.op.verb != Verb::kEval && record.op.verb != Verb::kScriptLoad) return;
  if (replication::Judge(reply.error, Scripts()[static_cast<size_t>(op.script)].body->sha) !=
      replication::Proof::kRan)
    return;
  Time& given_at = given_at_[static_cast<size_t>(op.script)];
  given_at = std::max(given_at, reply.at);
}

// ... unless a SCRIPT FLUSH was under way at any time since.
bool Judge::GivenStill(const Record& record) const {
  const Time at = record.given_at;
  return at != 0 && std::none_of(flushes_.begin(), flushes_.end(), [&](const Flush& flush) {
           return flush.delivered == 0 || flush.delivered > at;
         });
}

void Judge::TakeNoScript(Record& record, CallId id, uint64_t epoch) {
  if (record.op.verb == Verb::kEval) {
    Fail("P4 " + Name(id) + " was EVAL and is told NOSCRIPT");
    return;
  }
  const bool known = (record.held && record.held_epoch == epoch) || GivenStill(record);
  if (!known) {
    ++tally_.unknown_noscript;
    return;
  }
  if (!ExcuseFor(record, id))
    Fail("P4 " + Name(id) + " is told NOSCRIPT for " + NameOf(record.op.script) +
         ", which was known when it was sent, and could have been repaired");
}

bool Judge::ExcuseFor(const Record& record, CallId id) {
  if (record.missed_at == 0) return false;
  Time gone = 0;  // since when the node did not have it
  for (const auto& loss : ledger_.losses)
    if (loss.server == record.missed_on && loss.script == record.op.script &&
        loss.at <= record.missed_at)
      gone = loss.at;
  bool given_back = false;
  bool lost = false;
  bool refused = false;
  for (CallId behind = id + 1; behind < records_.size(); ++behind) {
    const Record& other = records_[behind];
    if (other.session != record.session || !other.sent) continue;
    if (other.read_only && record.read_only) continue;
    const bool is_script = other.op.verb == Verb::kEval || other.op.verb == Verb::kEvalSha;
    if (other.lost || other.unsure) {
      lost = true;
      if (!is_script) return false;
    }
    if (other.refused) {
      refused = true;
      if (!is_script || other.op.bad_numkeys) return false;
    }
    for (const auto& run : ledger_.runs) {
      if (run.call != behind || run.at < record.missed_at) continue;
      if (!is_script || !run.by_sha) return false;  // it should have waited
      const bool loaded =
          std::any_of(ledger_.loads.begin(), ledger_.loads.end(), [&](const Ledger::Load& load) {
            return load.server == run.server && load.script == run.script && load.at > gone &&
                   load.at <= run.at;
          });
      if (!loaded) return false;
      given_back = true;
    }
  }
  if (given_back) {
    ++tally_.passed_given_back;
    return true;
  }
  if (lost || record.unsure) {
    ++tally_.passed_lost;
    return true;
  }
  if (refused) {
    ++tally_.passed_refused;
    return true;
  }
  const bool before_asked =
      std::any_of(ledger_.loads.begin(), ledger_.loads.end(), [&](const Ledger::Load& load) {
        return load.server == record.missed_on && load.script == record.op.script &&
               load.at > record.missed_at;
      });
  tally_.passed_before_asked += before_asked ? 1 : 0;
  return before_asked;
}

// --- P5 ------------------------------------------------------------------------------------------

void Judge::ExpectBrought(const Record& record, ScriptId script, Time ran, CallId id) {
  Time flushed = 0;
  for (const Flush& flush : flushes_)
    if (flush.delivered != 0 && flush.delivered < record.sent_by_client)
      flushed = std::max(flushed, flush.executed);
  if (flushed == 0) return;
  for (const auto& load : ledger_.loads)
    if (load.script == script && load.carried != Carried::kByProxy && load.at > flushed &&
        load.at <= ran)
      return;
  // An EVAL brings its script also where the node had it already, and it went as EVALSHA.
  for (const auto& run : ledger_.runs)
    if (run.script == script && run.at > flushed && run.at <= ran &&
        records_[run.call].op.verb == Verb::kEval)
      return;
  Fail("P5 " + Name(id) + " ran " + NameOf(script) + ", which nobody brought since SCRIPT FLUSH");
}

// --- P6 ------------------------------------------------------------------------------------------

void Judge::OnRaised(int node, uint64_t generation) {
  const auto at = static_cast<size_t>(node);
  if (raised_at_.size() <= at) raised_at_.resize(at + 1);
  if (raised_at_[at].size() <= generation) raised_at_[at].resize(generation + 1);
  raised_at_[at][generation] = world_.now();
  ++tally_.raises;
}

void Judge::OnKnown(int node, uint64_t generation, ScriptId script) {
  const auto at = static_cast<size_t>(node);
  Time since = 0;
  if (at < raised_at_.size() && generation < raised_at_[at].size())
    since = raised_at_[at][generation];
  if (!world_.server(node).HadSince(script, since))
    Fail("P6 " + NameOf(script) + " is taken for known on n" + std::to_string(node) +
         ", which has not had it in generation " + std::to_string(generation));
}

void Judge::OnEntered(const replication::ScriptCache& cache) {
  if (cache.size() != 0 || !cache.Known().empty())
    Fail("P6 a dict is not empty in its new generation");
}

void Judge::OnMastersFacts(int node, uint64_t attached, const std::vector<uint64_t>& before) {
  const auto at = static_cast<size_t>(node);
  if (attached_.size() <= at) attached_.resize(at + 1, ~uint64_t{0});
  const uint64_t last = std::exchange(attached_[at], attached);
  if (last == attached || last == ~uint64_t{0}) return;
  ++tally_.attaches_seen;
  for (size_t other = 0; other < before.size(); ++other)
    if (world_.generation(static_cast<int>(other)) == before[other])
      Fail("P6 a replica attached, and what is known of n" + std::to_string(other) + " stays");
}

// --- The end -------------------------------------------------------------------------------------

void Judge::OnEnd() {
  for (CallId id = 1; id < records_.size(); ++id) {
    const Record& record = records_[id];
    const bool left = std::find(left_.begin(), left_.end(), record.session) != left_.end();
    if (record.delivered == 0 && !left) {
      Fail("P1 " + Name(id) + " was never answered");
      break;
    }
  }
  CheckOrder();
  CheckOnce();
  tally_.executed += ledger_.runs.size();
  ++tally_.histories;
}

void Judge::CheckOnce() {
  std::map<std::pair<CallId, int>, int> times;
  for (const auto& run : ledger_.runs)
    if (run.call != 0 && run.write && ++times[{run.call, run.element}] == 2)
      Fail("P3 " + Name(run.call) + " (" + NameOf(run.script) + ") was executed twice");
}

void Judge::CheckOrder() {
  // For each session: the writes in the order of time, and the reads that clients were told.
  struct Effect {
    Time at;
    CallId call;
    bool write;
  };
  std::map<int, std::vector<Effect>> sessions;
  for (const auto& run : ledger_.runs) {
    if (run.call == 0) continue;
    const Record& record = records_[run.call];
    if (!run.write && (!record.executed || record.executed_at != run.at)) continue;
    sessions[record.session].push_back({run.at, run.call, run.write});
  }
  for (auto& [session, effects] : sessions) {
    std::stable_sort(effects.begin(), effects.end(),
                     [](const Effect& a, const Effect& b) { return a.at < b.at; });
    CallId last_write = 0;  // ids of one session grow in its order
    CallId last_any = 0;
    for (const Effect& effect : effects) {
      const CallId before = effect.write ? last_any : last_write;
      if (effect.call < before) {
        Fail("P2 " + Name(effect.call) + " took effect after " + Name(before));
        return;
      }
      last_any = std::max(last_any, effect.call);
      if (effect.write) last_write = std::max(last_write, effect.call);
    }
  }
}

}  // namespace history
