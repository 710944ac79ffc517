// Holds a history against the promises. It knows everything that happened on every server, which
// the proxy does not, and believes nothing that the proxy says.
//
//   P1  each command is answered once, in the client's order, with the reply to that very command
//   P2  what a client sent takes effect in its order: writes and scripts, and reads relative to
//   them P3  nothing that writes is executed twice P4  no NOSCRIPT for a script that was known when
//   the call was sent; none at all to an EVAL P5  after SCRIPT FLUSH a script is gone until
//   somebody brings it again P6  after an attach every dict is empty; nothing is known without a
//   proof of its generation
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "history_session.h"
#include "model_server.h"

namespace history {

class World;

// What the histories were made of; a simulation in which nothing happens proves nothing.
struct Tally {
  uint64_t histories = 0;
  uint64_t calls = 0;
  uint64_t executed = 0;
  uint64_t with_body = 0;
  uint64_t exposed = 0;
  uint64_t misses = 0;
  uint64_t repaired = 0;
  uint64_t flushes = 0;
  uint64_t attaches_seen = 0;
  uint64_t links_lost = 0;
  uint64_t raises = 0;
  uint64_t unknown_noscript = 0;  // passed on, and rightly
  // A script that was known, and NOSCRIPT went to the client all the same:
  uint64_t passed_given_back = 0;    // somebody gave it back before what was sent behind
  uint64_t passed_before_asked = 0;  // ... or before the node was asked
  uint64_t passed_lost = 0;     // what was sent behind was lost, or the node could not be asked
  uint64_t passed_refused = 0;  // what was sent behind was refused, which looks like an answer

  void Add(const Tally& other);
  uint64_t passed() const {
    return passed_given_back + passed_before_asked + passed_lost + passed_refused;
  }
  std::string Words() const;
};

class Judge {
 public:
  explicit Judge(World& world) : world_(world) {}

  const std::string& violation() const { return violation_; }
  Tally& tally() { return tally_; }
  Ledger& ledger() { return ledger_; }
  void Fail(const std::string& words);

  CallId OnClientSends(int session, const Op& op);
  void OnLeft(int session) { left_.push_back(session); }
  void OnSent(const Call& call);
  // What MULTI brings is put together, perhaps not for the first time.
  void OnQueuing(const Call& call);
  void OnQueued(const Call& call, const Op& op, bool held);
  void OnAnswered(const Call& call);
  void OnMissed(const Call& call);
  void OnUnsure(CallId call) { records_[call].unsure = true; }
  void OnRepaired(const Call&) { ++tally_.repaired; }
  void OnLost(const Call& call) { records_[call.command.id].lost = true; }
  void OnDelivered(const Call& call, uint64_t epoch);

  void OnRaised(int node, uint64_t generation);
  void OnKnown(int node, uint64_t generation, ScriptId script);
  void OnEntered(const replication::ScriptCache& cache);
  void OnMastersFacts(int node, uint64_t attached, const std::vector<uint64_t>& before);

  // All is quiet.
  void OnEnd();

 private:
  struct Record {
    int session = 0;
    uint32_t index = 0;
    Op op;
    bool read_only = false;
    Time sent_by_client = 0;
    Time delivered = 0;
    bool sent = false;
    bool held = false;  // the body was in hand when it was sent
    uint64_t held_epoch = 0;
    Time given_at = 0;  // when the script came of which somebody had been told then
    std::vector<bool> queued_held;
    std::vector<bool> queued_sha;
    Time missed_at = 0;
    int missed_on = -1;
    bool lost = false;
    bool refused = false;
    bool unsure = false;
    Time executed_at = 0;  // of the reply that was delivered
    bool executed = false;
  };
  struct Flush {
    Time sent;
    Time executed;
    Time delivered;  // 0: not yet
  };

  void TakeNoScript(Record& record, CallId id, uint64_t epoch);
  bool ExcuseFor(const Record& record, CallId id);
  bool GivenStill(const Record& record) const;
  void ExpectBrought(const Record& record, ScriptId script, Time ran, CallId id);
  void NoteGiven(const Record& record, const Op& op, const Reply& reply);
  void CheckOrder();
  void CheckOnce();

  World& world_;
  Ledger ledger_;
  Tally tally_;
  std::string violation_;
  std::vector<Record> records_ = std::vector<Record>(1);  // by call id; 0 is nobody's
  std::vector<uint32_t> next_sent_;
  std::vector<uint32_t> next_delivered_;
  std::vector<int> left_;
  std::vector<Flush> flushes_;
  std::array<Time, kScriptCount> given_at_{};  // 0: nobody was told of it
  std::vector<std::vector<Time>> raised_at_;   // by node and generation
  std::vector<uint64_t> attached_;             // by node, as of the facts before
};

}  // namespace history
