// One session's way to the nodes: which connection its next command takes, and whether it may be
// sent yet.
//
// A session's commands are on their way to one node at a time, on one connection: so they take
// effect in the order in which the client sent them. A command that must go elsewhere waits until
// everything before it is answered. On a lane shared with other sessions there are plain commands
// and script calls; for MULTI, WATCH and blocking commands the session has a lease, and while it
// has it all its commands go there. So it is for subscribers and where CLIENT TRACKING or the like
// is on: their lease stays, and if it is lost another one is told what the server has to know.
//
//   TrySend ──► kSent     it is on its way
//           ──► kWait     not yet; try again when something was answered, or soon
//           ──► kRefused  it cannot be sent: `refusal` is the reply
//           ──► kDiscarded  DISCARD of a transaction that was lost: the reply is OK
//
// One worker's thread.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/backend/connection.h"
#include "proxy/backend/node_pool.h"
#include "proxy/frontend/call.h"
#include "proxy/frontend/eval_rights.h"
#include "proxy/frontend/session_context.h"
#include "proxy/frontend/session_state.h"
#include "proxy/frontend/transaction.h"
#include "replication/script_rewriter.h"

namespace frontend {

class UpstreamOwner {
 public:
  // A lease that did not keep up has taken more, or the next one is to be taken.
  virtual void OnUpstreamProgress() = 0;
  // The lease is lost.
  virtual void OnUpstreamLost() = 0;
  // ... with something in it that the next one cannot be given.
  virtual void OnUpstreamEnded(const std::string& why) = 0;

 protected:
  ~UpstreamOwner() = default;
};

class Upstream final : private backend::LeaseHolder, private backend::ReplySink {
 public:
  enum class Sending : uint8_t { kSent, kWait, kRefused, kDiscarded };

  Upstream(SessionContext& context, SessionState& state, backend::ReplySink& sink,
           backend::PushSink& pushes, UpstreamOwner& owner);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  Sending TrySend(Call& call, std::string* refusal);
  // For a call that pins: a lease with nothing on its way, which the session will not give back.
  Sending TakeLeaseForGood(Call& call, std::string* refusal);
  // What the server keeps for the client is in no connection at present.
  bool MustRestore() const { return lease_ == nullptr && state_.KeepsLease(); }
  // Takes a lease for it, if it can be had now. Only where the node is another process by then: a
  // connection that a running server closes was meant to be closed.
  void Restore();
  // There is something now that the server keeps.
  void NoteKeeper();

  // The reply to `call` is complete, or will never come.
  void OnAnswered(Call& call);
  // After a reply's meaning was taken in: a lease with nothing in it goes back.
  void GiveBackCleanLease();
  // The client will send nothing more, and what blocks on the lease must not outlive it.
  void EndLease();
  // RESET, or the client has left: whatever is in the lease goes with it.
  void DropLease();

  size_t on_the_way() const { return on_the_way_; }
  bool idle() const { return on_the_way_ == 0; }
  bool has_lease() const { return lease_ != nullptr; }
  backend::Connection* lease() const { return lease_; }
  // Where commands are on their way; null if there are none.
  backend::Connection* connection() const { return lease_ != nullptr ? lease_ : lane_; }
  backend::NodePool* pool() const { return pool_; }
  Transaction& transaction() { return transaction_; }
  const Transaction& transaction() const { return transaction_; }

 private:
  // backend::LeaseHolder
  void OnLeaseLost(backend::Connection& lease, const std::string& why) override;
  void OnLeaseProgress(backend::Connection& lease) override;
  // backend::ReplySink, for commands of our own
  void OnReply(backend::Call& call, base::Slice piece, bool first, bool last) override;
  void OnLost(backend::Call& call, bool sent, const std::string& why) override;

  Sending RefuseInLostTransaction(const Call& call, std::string* refusal);
  Sending SendOnLane(Call& call, std::string* refusal);
  Sending SendOnLease(Call& call, std::string* refusal);
  Sending SendScriptOnLane(Call& call, backend::Connection& lane);
  void SendScriptOnLease(Call& call);
  void FindBody(Call& call);
  bool MustAwaitFlush(Call& call, const backend::NodePool& pool);
  void PlanLoad(Call& call);
  EvalRights::Right RightToSendBody(const Call& call, const backend::ConnectionKey& key);
  // The node for `call`; null: wait, or `refusal`.
  backend::NodePool* Route(const Call& call, std::string* refusal);
  // There is no node at present: wait for one, but not for ever.
  Sending Hold(Call& call, std::string* refusal);
  bool TakeLease(Call& call, std::string* refusal, Sending* sending);
  void Adopt(backend::Connection& lease, backend::NodePool& pool);
  Call& SendKept(std::string_view request, uint32_t confirmations = 0);
  void SendAs(backend::Connection& connection, Call& call);
  void PrepareWait();
  void ForgetTransaction();
  void NoteInTransaction(Call& call);
  void NoteQueued(Call& call);
  void Note(Call& call, backend::Connection& connection);

  // A CLIENT PAUSE that is not answered yet is taken to be in force for so long.
  static constexpr uint64_t kPauseOnItsWayMs = 1000;
  // A node that does not keep up is given no more until it does.
  static constexpr size_t kMostUnsent = 4 << 20;

  SessionContext& context_;
  SessionState& state_;
  backend::ReplySink& sink_;
  backend::PushSink& pushes_;
  UpstreamOwner& owner_;

  size_t on_the_way_ = 0;
  bool barrier_ = false;
  backend::NodePool* pool_ = nullptr;     // of lane_ or lease_
  backend::Connection* lane_ = nullptr;   // while something is on its way there
  backend::Connection* lease_ = nullptr;  // while we have it
  replication::PipelineGuard guard_;
  Transaction transaction_;
  std::string keeper_;  // run id of the process that keeps something for us; "" = unknown
  uint64_t turn_ = 0;
};

}  // namespace frontend
