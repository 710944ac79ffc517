#include "model_server.h"

namespace history {
namespace {

constexpr std::string_view kBusy =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
constexpr std::string_view kReadonly = "READONLY You can't write against a read only replica.";
constexpr std::string_view kNumkeys = "ERR value is not an integer or out of range";
constexpr std::string_view kBroken =
    "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'";
constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

}  // namespace

Reply Server::Refuse(std::string_view error) const {
  Reply reply;
  reply.error = error;
  return reply;
}

void Server::Keep(ScriptId script, bool by_eval, Carried carried, Time now) {
  Entry& entry = table_[script];
  ledger_.loads.push_back({now, index_, script, carried, !entry.present});
  if (!entry.present) {
    entry.present = true;
    entry.evictable = by_eval && evicts();
  } else if (!by_eval && family_ == Family::kEvictsAndPins) {
    entry.evictable = false;
  }
  entry.used = now;
  if (!entry.evictable) return;
  size_t evaled = 0;
  ScriptId oldest = script;
  for (ScriptId id = 0; id < kScriptCount; ++id) {
    if (!table_[id].present || !table_[id].evictable) continue;
    ++evaled;
    if (table_[id].used < table_[oldest].used) oldest = id;
  }
  if (evaled <= kMostEvaled) return;
  Lose(oldest, now);
  ++evicted_;
}

void Server::Lose(ScriptId script, Time now) {
  if (!table_[script].present) return;
  table_[script] = {};
  table_[script].lost_at = now;
  ledger_.losses.push_back({now, index_, script});
}

Reply Server::RunScript(const Request& request, const Op& op, Carried carried, int element,
                        Time now) {
  const Script& script = Scripts()[static_cast<size_t>(op.script)];
  if (op.bad_numkeys) return Refuse(kNumkeys);
  if (op.verb == Verb::kEvalSha) {
    if (!table_[op.script].present) {
      Reply reply = Refuse(kNoScript);
      reply.servers_noscript = true;
      return reply;
    }
  } else {
    if (script.nature == Nature::kBroken) return Refuse(kBroken);
    Keep(op.script, true, carried, now);
  }
  table_[op.script].used = now;
  Reply reply;
  reply.ran = true;
  const bool writes = Writes(script.nature);
  const bool refused = writes && (op.ro || !is_master);  // in the middle of running
  ledger_.runs.push_back({now, index_, request.call, element, op.script, writes && !refused,
                          op.verb == Verb::kEvalSha});
  if (refused) {
    reply.error = op.ro ? script.ro_error : script.readonly_error;
    return reply;
  }
  if (script.nature == Nature::kFails) reply.error = script.running_error;
  if (script.nature == Nature::kImitates && request.call % 2 == 1) reply.error = kNoScript;
  return reply;
}

Reply Server::RunPlain(const Request& request, const Op& op, Carried carried, int element,
                       Time now) {
  Reply reply;
  switch (op.verb) {
    case Verb::kEval:
    case Verb::kEvalSha:
      return RunScript(request, op, carried, element, now);
    case Verb::kSet:
      if (!is_master) return Refuse(kReadonly);
      ledger_.runs.push_back({now, index_, request.call, element, -1, true, false});
      break;
    case Verb::kGet:
      ledger_.runs.push_back({now, index_, request.call, element, -1, false, false});
      break;
    case Verb::kScriptLoad:
      if (Scripts()[static_cast<size_t>(op.script)].nature == Nature::kBroken)
        return Refuse(kBroken);
      Keep(op.script, false, carried, now);
      break;
    case Verb::kScriptFlush:
      FlushScripts(now);
      break;
    case Verb::kScriptExists:
      reply.exists = table_[op.script].present;
      break;
    default:
      break;
  }
  reply.ran = true;
  return reply;
}

Reply Server::Execute(const Request& request, std::vector<Queued>* transaction, Time now) {
  Reply reply;
  if (request.op.verb == Verb::kMulti) {
    *transaction = request.queued;
    reply.ran = true;
  } else if (busy) {
    reply =
        Refuse(request.op.verb == Verb::kExec ? "EXECABORT Transaction discarded because of: BUSY"
                                              : kBusy);
    transaction->clear();
  } else if (request.op.verb == Verb::kExec) {
    int element = 0;
    for (const Queued& queued : *transaction) {
      reply.elements.push_back(RunPlain(request, queued.op, queued.carried, element, now));
      ++element;
    }
    reply.queued = std::move(*transaction);
    transaction->clear();
    reply.ran = true;
  } else {
    reply = RunPlain(request, request.op, request.carried, -1, now);
  }
  reply.call = request.call;
  reply.at = now;
  return reply;
}

void Server::FlushScripts(Time now) {
  for (ScriptId script = 0; script < kScriptCount; ++script) Lose(script, now);
}

void Server::Restart(Time now) {
  FlushScripts(now);
  ++incarnation;
  busy = false;
  evicted_ = sync_full_ = sync_partial_ok_ = 0;
  next_client_ = 10;
  link_ = 5;
}

void Server::Attach(bool full) {
  ++(full ? sync_full_ : sync_partial_ok_);
  link_ = ++next_client_;
  ++attached;
}

std::shared_ptr<replication::NodeFacts> Server::Facts(int master) const {
  auto facts = std::make_shared<replication::NodeFacts>();
  facts->run_id = RunId();
  facts->role = is_master ? replication::Role::kMaster : replication::Role::kReplica;
  facts->version = "7.4.0";
  facts->replid = "set";
  facts->offset = 100;
  facts->sync_full = sync_full_;
  facts->sync_partial_ok = sync_partial_ok_;
  facts->replica_clients = std::vector<uint64_t>{link_};
  facts->link_up = true;
  if (!is_master) facts->master = AddressOf(master);
  uint64_t cached = 0;
  for (const Entry& entry : table_) cached += entry.present ? 1 : 0;
  facts->cached_scripts = cached;
  if (evicts()) facts->evicted_scripts = evicted_;
  return facts;
}

}  // namespace history
