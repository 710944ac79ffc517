// One connection to a node, as one identity, in one database, in one protocol: the handshake, then
// commands out and replies in, in order.
//
//   kConnecting ──► kHandshake ──► kReady ──► kClosed
//                        └────────────────────────┘
//
// Handshake: AUTH or HELLO alone, and its reply awaited (from 7.2 on a failing AUTH with other
// replies pending is answered with nothing at all); then, together, CLIENT SETNAME, SELECT and INFO
// server, whose run id says which process this is. Commands may be sent from the beginning; they
// wait for the handshake. If that is refused, the refusal is the reply to each of them: it is what
// a direct connection would have told the client. A user may lack the right to SELECT and yet be in
// another database, chosen before AUTH: so a SELECT goes ahead of AUTH too, refused as it may be.
//
// Large replies stream through in pieces. Push frames (RESP3), and in RESP2 the messages that a
// subscriber is sent, are no replies and never pop a call: they go to whoever the connection is
// lent to (PushSink), and from a lane nowhere.
//
// One worker's thread. The owner must not destroy it inside a callback.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "proxy/backend/call.h"
#include "proxy/backend/identity.h"
#include "proxy/base/bytes.h"
#include "proxy/net/connector.h"
#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_context.h"
#include "proxy/resp/reply_scan.h"
#include "replication/node.h"

namespace backend {

// What connections to one node are shared or pooled by.
struct ConnectionKey {
  IdentityRef identity;
  int db = 0;
  int protocol = 2;
  // A lane for what may write, while that is paused: nothing else should wait behind it.
  bool paused = false;

  friend bool operator==(const ConnectionKey&, const ConnectionKey&) = default;
};

// The run id in an INFO text; "" if there is none.
std::string RunIdIn(std::string_view info);

class Connection;

class ConnectionOwner {
 public:
  // The handshake is done. `run_id` is "" where the node would not tell.
  virtual void OnReady(Connection& connection, const std::string& run_id) = 0;
  // The node has taken bytes that it did not take at once.
  virtual void OnProgress(Connection& connection) = 0;
  enum class Ending : uint8_t {
    kNotConnected,  // the node could not be reached, or broke off the handshake
    kRefused,       // the node refused the handshake: it is well, but not for this key
    kLost,          // it had been ready
    kFinished,      // the node closed it because we sent it the end of what we had to say
  };
  // It is closed, for whatever reason but Close(); its calls were told before.
  virtual void OnClosed(Connection& connection, Ending ending, const std::string& why) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// Gets what a node sends without being asked: messages, invalidations.
class PushSink {
 public:
  // A piece of one, as ReplySink::OnReply() gets those of a reply. Comes in its place among the
  // replies of the connection.
  virtual void OnPush(base::Slice piece, bool first, bool last) = 0;

 protected:
  ~PushSink() = default;
};

// Gets everything that a node sends on a connection that has become one client's for good.
class RawSink {
 public:
  // Returns how many of them it took; the rest is offered again, with more behind it.
  virtual size_t OnRawBytes(const base::Slice& bytes) = 0;
  virtual void OnRawClosed(const std::string& why) = 0;

 protected:
  ~RawSink() = default;
};

class Connection final : private net::StreamOwner {
 public:
  enum class State : uint8_t { kConnecting, kHandshake, kReady, kClosed };

  // `ask_run_id`: INFO server in the handshake, for connections that carry EVALSHA. Others are
  // leases, and ask CLIENT ID, by which other clients speak of them. `tls`: null for a plain one;
  // its handshake may take `connect_timeout` once more.
  Connection(net::Loop& loop, replication::LaneId id, const config::Address& address,
             ConnectionKey key, std::chrono::milliseconds connect_timeout, bool ask_run_id,
             ConnectionOwner& owner, net::TlsRef tls = nullptr);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  replication::LaneId id() const { return id_; }
  const ConnectionKey& key() const { return key_; }
  State state() const { return state_; }
  bool closed() const { return state_ == State::kClosed; }
  // The node's CLIENT ID of a lease, once it is ready; 0: it would not tell.
  uint64_t client_id() const { return client_id_; }
  // The node said NOAUTH in the handshake.
  bool told_noauth() const { return told_noauth_; }

  // The command of `call`, in one or more pieces: Send(), then More() for the rest before anything
  // else is sent. REQUIRES: not closed, not raw.
  void Send(Call& call, base::Slice bytes);
  void More(base::Slice bytes);

  // The node sees the end of what we send, as it would see that of a client. It ends a command that
  // blocks; then it closes. REQUIRES: nothing is sent behind it.
  void EndWriting();

  // Calls that wait for their replies.
  size_t outstanding() const { return outstanding_; }
  Call* oldest() const { return first_; }
  // Scripts are among them.
  bool carries_script() const { return scripts_ > 0; }
  bool may_write() const { return writes_ > 0; }
  // How long the oldest call has been the oldest, in milliseconds.
  uint64_t oldest_age_ms() const;
  // Bytes that the node has not taken yet.
  size_t unsent() const;
  // The owner wants OnProgress() when the node takes more.
  void NotifyProgress();

  // The last reply took long, and calls behind it wait. Servers from 3.2 to 6.2.1 that spoke to
  // others while a script ran leave the rest of what they have read lying until more bytes come.
  bool may_be_left_lying() const { return behind_slow_; }
  // Sends an empty line, to which no server says anything.
  void Nudge();

  // For a reply that its client cannot take: nothing more is read from the node.
  void PauseReading();
  void ResumeReading();

  // Where pushes go; null: nowhere.
  void SetPushSink(PushSink* sink) { pushes_ = sink; }
  // It is subscribed to something: in RESP2 arrays may be messages now.
  void SetSubscribed(bool subscribed) { subscribed_ = subscribed; }

  // From now on all bytes go to `sink`, and Write() is how to send. REQUIRES: nothing outstanding.
  void MakeRaw(RawSink& sink);
  // Whoever it was raw for has gone.
  void DropRawSink() { raw_ = nullptr; }
  void WriteRaw(base::Slice bytes);

  // Calls still outstanding are told that they are lost; the owner is not told.
  void Close(const std::string& why);

 private:
  // net::StreamOwner
  Taken OnRead(const base::Slice& data) override;
  void OnEof() override;
  void OnWriteProgress() override { owner_.OnProgress(*this); }
  void OnBroken(const std::string& why) override;

  void OnConnected(base::Result<int> fd);
  void BeginHandshake();
  void SendAuth();
  void SendSecondStep();
  // One reply of the handshake.
  void OnHandshakeReply(std::string_view reply);
  void BecomeReady();
  void Refuse(std::string_view reply);
  void Fail(const std::string& why);
  void PopCall();
  Taken ReadReplies(const base::Slice& data);
  void Deliver(base::Slice piece, bool last);
  enum class Frame : uint8_t { kReply, kConfirmation, kPush };
  Frame KindOf(std::string_view front) const;

  enum class Expect : uint8_t { kEarlySelect, kAuth, kSetName, kSelect, kInfo, kClientId };

  static constexpr uint64_t kSlowMs = 10;
  // Pieces of a reply shorter than this wait until the reply is whole.
  static constexpr size_t kStreamBytes = 16 * 1024;

  net::Loop& loop_;
  const replication::LaneId id_;
  const ConnectionKey key_;
  const bool ask_run_id_;
  ConnectionOwner& owner_;
  const config::Address address_;
  const std::chrono::milliseconds connect_timeout_;
  const net::TlsRef tls_;
  State state_ = State::kConnecting;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<net::Stream> stream_;
  base::ByteQueue waiting_;  // commands, until the handshake is done
  uint64_t handshake_bytes_ = 0;
  uint64_t queued_ = 0;  // bytes of commands given to us

  Expect expect_[4];  // replies of the handshake still to come
  size_t expected_ = 0;
  size_t answered_ = 0;
  std::string run_id_;
  uint64_t client_id_ = 0;
  bool told_noauth_ = false;
  bool selected_ = false;  // before AUTH

  Call* first_ = nullptr;  // in the order of sending
  Call* last_ = nullptr;
  size_t outstanding_ = 0;
  size_t scripts_ = 0;
  size_t writes_ = 0;
  bool behind_slow_ = false;
  uint64_t oldest_since_ms_ = 0;

  resp::ReplyScan scan_;
  bool mid_reply_ = false;  // pieces of the present reply have been delivered
  bool mid_frame_ = false;  // ... of the present frame
  Frame frame_ = Frame::kReply;
  PushSink* pushes_ = nullptr;
  bool subscribed_ = false;
  bool paused_ = false;
  bool notify_ = false;  // once it is ready
  bool ends_ = false;    // EndWriting() was called
  RawSink* raw_ = nullptr;
  bool is_raw_ = false;
};

}  // namespace backend
