// One client, from accept to close.
//
//   client bytes
//     1 net/stream        read into a shared chunk
//     2 resp/request_scan "one whole command ends here"; its arguments as views
//     3 Dispatcher        what kind of command it is, where it goes
//     4 ReplyQueue        the next place in the order of replies
//     5 Upstream          the connection, the rewrite; may it be sent behind what is on the way?
//   node answers
//     6 backend           frames the reply, pops the call
//     7 Aftermath         what it means for the session and the scripts
//     8 ReplyQueue        in its turn to the client, one write at the end of the loop's turn
//
// Commands that cannot be sent yet are held, and while one is held nothing more is read apart; so a
// client costs bounded memory: what is on its way, one held command, and what its socket brought.
//
// Life: kOpen ──► kDraining (no more commands; what was asked is answered) ──► kClosed. A closed
// session calls nobody and is buried by its worker. Never destroyed inside a callback.
//
// One worker's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proxy/backend/connection.h"
#include "proxy/frontend/aftermath.h"
#include "proxy/frontend/client_facts.h"
#include "proxy/frontend/dispatcher.h"
#include "proxy/frontend/miss_checks.h"
#include "proxy/frontend/own_words.h"
#include "proxy/frontend/reply_queue.h"
#include "proxy/frontend/session_context.h"
#include "proxy/frontend/session_state.h"
#include "proxy/frontend/upstream.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_context.h"
#include "proxy/resp/reply_scan.h"
#include "proxy/resp/request_scan.h"

namespace frontend {

class Session;

class SessionOwner {
 public:
  // It is closed, and may be destroyed after this turn.
  virtual void OnSessionClosed(Session& session) = 0;
  // It waits for something that nobody will tell it of: a node, a connection, the end of a hold.
  virtual void OnSessionWaits(Session& session) = 0;

 protected:
  ~SessionOwner() = default;
};

class Session final : private net::StreamOwner,
                      private net::TurnEnd,
                      private backend::ReplySink,
                      private backend::PushSink,
                      private backend::RawSink,
                      private UpstreamOwner {
 public:
  // `tls`: what it is spoken to with; null: plainly.
  Session(SessionContext& context, SessionOwner& owner, int fd, uint64_t id, std::string peer,
          const net::TlsContext* tls = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Start() { stream_.Start(); }
  bool closed() const { return closed_; }
  const SessionState& state() const { return state_; }
  // What can be told of the client just now.
  ClientFacts Facts() const;
  // The server's CLIENT ID of its own connection to the master; 0 if it has none.
  uint64_t server_id() const;
  // The server sends it what is about another client: it must have a lease.
  void KeepLease();

  // Something that it may have waited for has changed.
  void Pump();
  bool waits() const {
    return !closed_ && (queue_.first_held() != nullptr || stalled_since_ms_ != 0 ||
                        (upstream_.MustRestore() && !raw_));
  }
  // The proxy ends: what was asked is answered, then close.
  void Drain();
  void Close();
  // From time to time, and more often while it waits().
  void OnTick();

 private:
  // What callbacks that outlive us hold on to.
  struct Handle {
    Session* session;
  };

  // net::StreamOwner
  Taken OnRead(const base::Slice& data) override;
  void OnEof() override;
  void OnWriteProgress() override;
  void OnFinished() override;
  void OnBroken(const std::string& why) override;
  // net::TurnEnd
  void OnTurnEnd() override;
  // backend::ReplySink
  void OnReply(backend::Call& call, base::Slice piece, bool first, bool last) override;
  void OnLost(backend::Call& call, bool sent, const std::string& why) override;
  // backend::PushSink
  void OnPush(base::Slice piece, bool first, bool last) override;
  // UpstreamOwner
  void OnUpstreamProgress() override { SchedulePump(); }
  void OnUpstreamLost() override { paused_ = nullptr; }
  void OnUpstreamEnded(const std::string& why) override;
  // backend::RawSink
  size_t OnRawBytes(const base::Slice& bytes) override;
  void OnRawClosed(const std::string& why) override;

  // Reading.
  bool MayParse() const;
  Taken Parse(const base::Slice& data);
  Taken OnIncomplete(const base::Slice& data, size_t at);
  void OnCommand(base::Slice request, bool more_follows);
  void SayTlsFailed(const std::string& why);
  bool CloseIfTls(std::string_view front);
  void OnInline(std::string_view line, bool more_follows);
  void OnProtocolError(const std::string& words);
  bool AuthenticatedForLimits() const;
  // A command so large that it passes through in pieces.
  bool MustBeHeldWhole(std::string_view front, size_t want) const;
  void BeginStreaming(base::Slice piece);
  Taken ContinueStreaming(const base::Slice& data);
  Taken SwallowRest(const base::Slice& data);
  // Once the session has a connection of its own for good.
  void OnRawCommand(base::Slice request);
  void BecomeRaw(Call& call);
  void Interject(const std::string& reply);

  // Sending.
  enum class Step : uint8_t { kNext, kStop };
  Step TrySend(Call& call);
  Step DoLocally(Call& call);
  void ForgetEverything();
  void SchedulePump();

  // Answers.
  void FinishReply(Call& call);
  void OnMissed(Call& call, backend::Connection& connection);
  void OnVerdict(Call& call, MissChecks::Verdict verdict);
  void PassUnconfirmed(Call& call, MissChecks::Verdict verdict);
  // The reply to `call` is kept back until the returned function was called.
  std::function<void()> Withhold(Call& call);
  void KillEverywhere(Call& call);
  // Our answer in the place of the server's, or without one.
  void SayOwnWord(Call& call);
  void SayAlone(Call& call);
  // A command that names another client waits for the server's id of it.
  void ResolveId(Call& call);
  void SayOwnWordsOfExec(Call& call);
  struct ExecAnswers;
  void SayNextOfExec(Call& call, const std::shared_ptr<ExecAnswers>& answers);
  void TakeAnswer(Call& call, const OwnWords::Answer& answer, const std::function<void()>& release);
  std::string Flags() const;
  void Deliver();
  void AnswerHeld(Call& call, std::string reply);
  bool NeedsSettling() const { return unsettled_ > 0; }

  // Limits and ending.
  void CheckOutput();
  void PauseFor(backend::Connection& connection);
  void PassEofOn();
  void FinishIfDone();
  void Touch() { last_active_ms_ = context_.loop.now_ms(); }

  static constexpr size_t kMostOnTheWay = 1024;
  static constexpr size_t kMostCarry = 256 * 1024;
  static constexpr size_t kStreamFrom = 1 << 20;  // commands longer than this pass in pieces
  static constexpr size_t kPauseAbove = 1 << 20;
  static constexpr size_t kResumeBelow = 256 * 1024;
  // A reply that others wait behind, beyond the limit: so long its client has to catch up. One that
  // takes nothing at all for the first part of it will not.
  static constexpr uint64_t kStallMs = 1000;
  static constexpr uint64_t kDeafMs = 250;
  static constexpr uint64_t kLingerMs = 10'000;
  static constexpr uint8_t kMostResolved = 100;  // about 2 s
  static constexpr std::chrono::seconds kHandshakeLimit{10};

  SessionContext& context_;
  SessionOwner& owner_;
  SessionState state_;
  net::Stream stream_;
  ReplyQueue queue_;
  Upstream upstream_;
  Dispatcher dispatcher_;
  Aftermath aftermath_;
  OwnWords own_words_;
  std::shared_ptr<Handle> handle_;

  resp::RequestScan scan_;
  Call* streaming_ = nullptr;  // the command that passes through, until its last byte
  bool swallow_rest_ = false;  // ... of which the rest is dropped: its connection broke
  bool raw_ = false;
  char raw_word_ = '\0';      // CLIENT LIST's letter for MONITOR or a replica
  resp::ReplyScan raw_scan_;  // where replies end, so that a word of ours fits between them
  std::string raw_interjection_;
  bool raw_mid_reply_ = false;
  bool raw_mid_command_ = false;
  bool raw_opaque_ = false;  // what comes are no replies

  uint32_t unsettled_ = 0;  // calls that are kMissed or kLost
  uint32_t checking_ = 0;   // ... of which the node is being asked
  uint32_t withheld_ = 0;
  std::string lost_why_;

  backend::Connection* paused_ = nullptr;  // not read from, because our client does not keep up
  replication::LaneId retired_for_us_ = 0;
  uint64_t stalled_since_ms_ = 0;
  uint64_t taken_ms_ = 0;  // while stalled: when the client last took something

  const int fd_;
  const uint64_t since_ms_;
  bool closed_ = false;
  bool draining_ = false;
  bool eof_ = false;
  bool eof_passed_on_ = false;
  bool pump_scheduled_ = false;
  uint64_t draining_since_ms_ = 0;
  uint64_t last_active_ms_ = 0;
};

}  // namespace frontend
