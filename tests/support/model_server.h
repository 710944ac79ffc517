// A server as far as scripts, replication and order are concerned.
//
// It answers one request at a time with the very sentences of real servers. Its table of scripts is
// that of its family: kept for ever (Redis 6 and 7.0), or the EVALed ones evicted by last use
// (Redis 7.4, Valkey 8), here after five instead of 500. What it did goes into the world's Ledger,
// by which the promises are judged.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model_scripts.h"
#include "replication/node_facts.h"

namespace history {

using Time = uint64_t;  // counts everything that happens in a history
using CallId = uint32_t;

enum class Verb : uint8_t {
  kGet,
  kSet,
  kEval,
  kEvalSha,
  kScriptLoad,
  kScriptFlush,
  kScriptExists,
  kMulti,  // with everything that is queued
  kExec,
  kInfo,
};

struct Op {
  Verb verb = Verb::kGet;
  ScriptId script = -1;
  bool ro = false;  // EVAL_RO, EVALSHA_RO
  bool bad_numkeys = false;
};

// Why the body is in a request that carries one.
enum class Carried : uint8_t {
  kByClient,    // a client sent EVAL or SCRIPT LOAD
  kByProxy,     // the client had sent EVALSHA, or the proxy distributes
  kByStranger,  // a client that talks past the proxy
};

struct Queued {
  Op op;
  Carried carried = Carried::kByClient;
};

struct Request {
  Op op;
  CallId call = 0;  // 0: nobody's of the histories
  Carried carried = Carried::kByClient;
  std::vector<Queued> queued;  // kMulti
};

struct Reply {
  std::string_view error;         // "" = a value; without '-'
  CallId call = 0;                // to whose request
  Time at = 0;                    // when it was executed
  bool ran = false;               // it was executed; for a script: as far as the script
  bool servers_noscript = false;  // what nobody can see: these are not a script's words
  bool exists = false;            // SCRIPT EXISTS
  std::vector<Reply> elements;    // EXEC
  std::vector<Queued> queued;     // EXEC: what it ran
  std::shared_ptr<const replication::NodeFacts> facts;  // INFO
  uint64_t attached = 0;                                // INFO: how often a replica had attached
};

// Everything that took effect anywhere.
struct Ledger {
  struct Run {
    Time at;
    int server;
    CallId call;
    int element;  // of EXEC's array; -1
    ScriptId script;
    bool write;
    bool by_sha;  // on the wire
  };
  struct Load {
    Time at;
    int server;
    ScriptId script;
    Carried carried;
    bool news;  // it was not there
  };
  struct Loss {
    Time at;
    int server;
    ScriptId script;
  };
  std::vector<Run> runs;
  std::vector<Load> loads;
  std::vector<Loss> losses;
};

enum class Family : uint8_t { kKeeps, kEvicts, kEvictsAndPins };

class Server {
 public:
  static constexpr size_t kMostEvaled = 5;

  Server(int index, Family family, Ledger& ledger)
      : index_(index), family_(family), ledger_(ledger) {}

  Reply Execute(const Request& request, std::vector<Queued>* transaction, Time now);

  bool Has(ScriptId script) const { return table_[script].present; }
  // Was the script in the table at `since` or later?
  bool HadSince(ScriptId script, Time since) const {
    return table_[script].present || table_[script].lost_at >= since;
  }

  // Faults.
  void FlushScripts(Time now);
  void Restart(Time now);
  void Attach(bool full);  // a replica's link comes: of somebody unknown, or once more

  bool up = true;
  bool busy = false;
  bool is_master = false;
  int incarnation = 1;
  uint64_t attached = 0;  // how often a replica attached

  std::string RunId() const {
    return "n" + std::to_string(index_) + "p" + std::to_string(incarnation);
  }
  bool evicts() const { return family_ != Family::kKeeps; }
  std::shared_ptr<replication::NodeFacts> Facts(int master) const;

 private:
  struct Entry {
    bool present = false;
    bool evictable = false;
    Time used = 0;
    Time lost_at = 0;
  };

  Reply Refuse(std::string_view error) const;
  Reply RunScript(const Request& request, const Op& op, Carried carried, int element, Time now);
  Reply RunPlain(const Request& request, const Op& op, Carried carried, int element, Time now);
  void Keep(ScriptId script, bool by_eval, Carried carried, Time now);
  void Lose(ScriptId script, Time now);

  const int index_;
  const Family family_;
  Ledger& ledger_;
  std::array<Entry, kScriptCount> table_{};
  uint64_t evicted_ = 0;
  uint64_t sync_full_ = 0;
  uint64_t sync_partial_ok_ = 0;
  uint64_t next_client_ = 10;
  uint64_t link_ = 5;
};

inline config::Address AddressOf(int node) {
  return {"n" + std::to_string(node), 6379};
}

}  // namespace history
