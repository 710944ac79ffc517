// One command of one client, from the moment it was read until its reply has left.
//
//                 ┌────────────── sent once more, with the body ──────────────┐
//                 ▼                                                           │
//   kHeld ──► kOnTheWay ──reply──► kAnswered ──► its turn ──► client          │
//     ▲            ├── NOSCRIPT by surprise ──► kMissed ── confirmed ─────────┤
//     │            └── connection lost ───────► kLost ───── nothing was done ─┘
//     └─ no node yet, or it may not be sent behind what is on the way
//
// Calls are kept in the order in which the client sent the commands, and leave in that order.
//
// One worker's thread. Taken from the worker's pool: no allocation for each command.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/backend/call.h"
#include "proxy/backend/identity.h"
#include "proxy/backend/node_pool.h"
#include "proxy/base/bytes.h"
#include "replication/node.h"
#include "replication/script_registry.h"
#include "replication/script_rewriter.h"

namespace frontend {

// Where a command goes.
enum class Where : uint8_t {
  kMaster,   // a lane to the master
  kReads,    // a lane, to where routing.reads says
  kLease,    // a connection of the session's own
  kNowhere,  // the proxy does it itself, once all before it are answered
};

// What its reply means for the session or the scripts.
enum class After : uint8_t {
  kNothing,
  kScript,        // EVAL, EVALSHA: proof, or a miss
  kScriptLoad,    //
  kScriptExists,  //
  kScriptFlush,   //
  kScriptKill,    //
  kFunctionKill,  //
  kScriptShow,    // kNowhere, and then the same
  kProxy,         // the answer is ours, unless the server refuses us a like question
  kHello,         //
  kAuth,          //
  kSelect,        //
  kReset,         // kNowhere
  kSubscribe,     // (P|S)SUBSCRIBE, (P|S)UNSUBSCRIBE
  kReplyMode,     // CLIENT REPLY
  kKeep,          // CLIENT TRACKING, NO-EVICT ...: what the server keeps for the connection
  kMulti,         //
  kExec,          //
  kDiscard,       //
  kUnwatch,       //
  kWatch,         //
  kOwnWord,       // CLIENT ID, LIST ...: the same
  kInfo,          // INFO: the reply gets a section of ours
  kRoleChange,    // REPLICAOF, FAILOVER: ask the nodes now
  kPause,         // CLIENT PAUSE ms WRITE
  kUnpause,       // CLIENT UNPAUSE
  kRefused,       // by us, inside MULTI: it spoils the transaction, as a refusal of the server does
  kSwallow,       // a command of our own; the client does not see its reply
};

// CLIENT REPLY.
enum class ReplyMode : uint8_t { kOn, kOff, kSkip };

// What a server keeps for a connection by CLIENT TRACKING, NO-EVICT, NO-TOUCH, IMPORT-SOURCE; and
// that it sends the invalidations of another client there.
enum class Keep : uint8_t { kTracking, kNoEvict, kNoTouch, kImportSource, kGoal };

enum class CallState : uint8_t { kHeld, kOnTheWay, kAnswered, kMissed, kLost };

// What was queued in a transaction and matters when it was executed.
struct TransactionNotes {
  bool flush = false;      // SCRIPT FLUSH
  bool changes = false;    // SELECT, AUTH, HELLO: whether they succeed is seen in EXEC's reply
  bool own_words = false;  // CLIENT ID and its like (OwnWords)
  bool pins = false;       // SUBSCRIBE, CLIENT REPLY ...: from EXEC on it is bytes for bytes
  std::vector<replication::ScriptRef> scripts;  // bodies of EVAL and SCRIPT LOAD
  // When EXEC was answered: the places of such commands in its array, and the client's own words.
  std::vector<std::pair<size_t, base::Slice>> places;

  // What is behind EXEC need not wait for its reply.
  bool only_scripts() const { return !flush && !changes && !own_words; }
  bool empty() const { return only_scripts() && scripts.empty(); }
};

struct Call : backend::Call {
  CallState state = CallState::kHeld;
  Where where = Where::kMaster;
  After after = After::kNothing;

  bool read_only = false;     // no effect: it may be sent again, and may pass other reads
  bool barrier = false;       // nothing is sent behind it before it is answered
  bool blocks = false;        // waits in the server for as long as it likes
  bool about_writes = false;  // WAIT: ... for the writes that went before it
  // A way out: sent whatever the number of leases, and in no database, for a busy node refuses
  // SELECT.
  bool ends_trouble = false;
  bool pins = false;          // the lease becomes the session's for good, bytes for bytes; inside
                              // MULTI: ... with EXEC
  bool is_sync = false;       // ... and what is behind it is a replica
  bool taints = false;        // inside MULTI: a lease in which it was queued is not lent again
  bool streaming = false;     // passes through in pieces, and cannot be sent again
  bool wants_whole = false;   // the reply is looked at before it is passed on
  bool more_follows = false;  // the client has sent something behind it already

  bool in_connection = false;  // a connection has it in its queue
  bool was_sent = false;       // kLost: the node may have executed it
  bool partly_out = false;     // pieces of the reply have gone to the client
  bool withheld = false;       // answered, but something must happen before the reply leaves
  bool by_replica = false;     // it went to a node that was a replica when it was sent
  bool to_master = false;      // a replica could not serve it
  bool pass_body = false;      // it missed: this time with the body
  bool checking = false;       // kMissed: the node has been asked whether it has the script
  bool confirmed = false;      // kMissed: it has not
  bool queued = false;         // inside MULTI: its reply says nothing of what it did
  bool nil_reply = false;      // EXEC after the WATCH was lost: it was sent as DISCARD
  uint8_t attempts = 0;        // times it was sent

  ReplyMode reply_mode = ReplyMode::kOn;  // kReplyMode
  bool mode_said = false;                 // ... which the server allowed
  Keep keep = Keep::kTracking;            // kKeep
  bool keep_on = false;                   // ... from now on, or no longer
  uint32_t channels = 0;   // kSubscribe: confirmations to come; 0: as many as it is subscribed to
  uint64_t pause_ms = 0;   // CLIENT PAUSE
  int16_t db = -1;         // SELECT: the database it is about
  int16_t protocol = 0;    // HELLO: the protocol it is about
  uint8_t id_at = 0;       // the argument that names another client by its id, which is to become
  uint8_t resolved = 0;    // ... times that it was looked for
  bool resolving = false;  // ... the server's
  replication::NodeId node = 0;  // where it was sent
  replication::LaneId lane = 0;  // ... and on which connection
  uint64_t held_since_ms = 0;    // waits for a node since, also between attempts; 0 = does not
  Call* next = nullptr;          // the client's next command

  base::Slice request;            // the whole command, as RESP
  base::Slice said;               // the client's own words, where the server is asked another thing
  backend::IdentityRef identity;  // AUTH, HELLO with AUTH: who it would be

  replication::ScriptCall script;
  replication::Plan plan;
  uint32_t given_mark = 0;                   // of the node's BodyTraffic when it was sent
  replication::ScriptRef body;               // in hand, for EVALSHA
  uint64_t script_epoch = 0;                 // of lua_scripts when it was sent
  uint32_t* body_count = nullptr;            // of the bodies on the way, if it is one of them
  backend::NodePool* exposed_in = nullptr;   // counts it among its exposed calls
  backend::NodePool* loading_in = nullptr;   // ... among its bodies on their way
  backend::NodePool* flushing_in = nullptr;  // ... among its flushes

  std::unique_ptr<TransactionNotes> notes;  // EXEC

  base::ByteQueue reply;  // while it may not leave yet, or must be seen whole
  // What the node sent unasked behind it, while it may not leave yet.
  std::unique_ptr<base::ByteQueue> pushes;

  // The first bytes of a reply that was passed on as it came.
  char head_bytes[16] = {};
  uint8_t head_size = 0;
  std::string_view head() const { return {head_bytes, head_size}; }

  class CallPool* pool = nullptr;
};

// The free calls of one worker.
class CallPool {
 public:
  CallPool() = default;
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;
  ~CallPool();

  Call* Take();
  void Give(Call* call);

 private:
  static constexpr size_t kMostFree = 4096;
  std::vector<Call*> free_;
};

}  // namespace frontend
