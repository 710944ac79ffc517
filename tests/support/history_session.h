// One client's session: proxy/frontend/{session,upstream,aftermath,settle} once more, with the
// decisions left to the real classes of replication/. Names are those of the frontend, so that the
// two can be laid side by side.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model_link.h"
#include "replication/script_rewriter.h"

namespace history {

class Worker;
struct Pool;

enum class Verdict : uint8_t { kServers, kScripts, kUnsure };

enum class CallState : uint8_t { kHeld, kOnTheWay, kAnswered, kMissed, kLost };
enum class Where : uint8_t { kMaster, kReads, kLease };

// What a client sends.
struct Command {
  CallId id = 0;
  Op op;
  std::vector<Op> queued;  // kMulti
};

struct Call {
  Command command;
  CallState state = CallState::kHeld;
  Where where = Where::kMaster;
  bool read_only = false;
  bool barrier = false;
  bool more_follows = false;
  bool in_connection = false;
  bool body_on_its_way = false;  // Sent() was called
  uint32_t given_mark = 0;
  bool was_sent = false;
  bool withheld = false;
  bool by_replica = false;
  bool to_master = false;
  bool pass_body = false;
  bool checking = false;
  bool confirmed = false;
  int attempts = 0;
  int node = -1;
  Link* link = nullptr;
  uint64_t script_epoch = 0;
  uint32_t* body_count = nullptr;
  replication::ScriptCall script;
  replication::Plan plan;
  replication::ScriptRef body;
  Reply reply;

  const Op& op() const { return command.op; }
  bool is_script() const { return op().verb == Verb::kEval || op().verb == Verb::kEvalSha; }
};

class Session {
 public:
  Session(Worker& worker, int index) : worker_(worker), index_(index) {}

  int index() const { return index_; }
  // The client's bytes have come to our socket.
  void Receive(std::vector<Command> commands);
  bool has_input() const { return !closed_ && !socket_.empty(); }
  // ... and are read now.
  void ReadSocket();
  void Pump();
  void Tick();
  void Leave();
  bool closed() const { return closed_; }
  bool quiet() const { return closed_ || (socket_.empty() && inbox_.empty() && queue_.empty()); }
  std::string Words() const;

  void OnLeaseLost(Link& link);
  void EndOfSchedule() { scheduled_ = false; }

 private:
  enum class Sending : uint8_t { kSent, kWait, kRefused };

  bool MayParse() const;
  void ReadInbox();
  Call* FirstHeld() const;
  void OnCommand(Command command);
  void SchedulePump();
  bool TrySend(Call& call);  // false: stop
  Sending SendOnLane(Call& call);
  Sending SendScriptOnLane(Call& call, Pool& pool, Link& lane);
  Sending SendOnLease(Call& call);
  bool MustAwaitFlush(const Pool& pool, const Op& op);
  int Route(const Call& call);
  void FindBody(Call& call);
  void PutOnLink(Call& call, Link& link, Request request);
  Request QueueTransaction(Call& call);

  void OnReply(Call& call, const Reply& reply);
  void OnLost(Call& call, bool sent);
  void BodyIsThere(Call& call);
  void OnAnswered(Call& call);
  void TakeScript(Call& call);
  void TakeScriptLoad(Call& call);
  void OnMissed(Call& call);
  void OnVerdict(Call& call, Verdict verdict);
  std::function<void()> Withhold(Call& call);
  void Settle();
  void Refuse(Call& call, std::string_view error);
  void Deliver();
  void CountBody(uint32_t** count);

  Worker& worker_;
  const int index_;
  bool closed_ = false;
  bool scheduled_ = false;
  std::deque<Command> socket_;
  std::deque<Command> inbox_;                 // read, not taken apart yet
  std::vector<std::unique_ptr<Call>> calls_;  // all of them, until the history ends
  std::deque<Call*> queue_;

  uint32_t unsettled_ = 0;
  uint32_t checking_ = 0;
  uint32_t withheld_ = 0;

  // Upstream.
  size_t on_the_way_ = 0;
  bool barrier_ = false;
  int pool_ = -1;
  Link* lane_ = nullptr;
  Link* lease_ = nullptr;
  bool sent_multi_ = false;
  bool transaction_lost_ = false;
  uint32_t* transaction_bodies_ = nullptr;
  replication::PipelineGuard guard_;
};

}  // namespace history
