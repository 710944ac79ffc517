// A connected socket as a stream of bytes: what was read is offered to an owner, what is to be
// written is queued and leaves in one gathered write at the end of the loop's turn.
//
//   socket ──recv──► ReadArena ──► owner.OnRead(slice): takes what it can use
//                        ▲                │ the rest is carried in front of the next read
//                        └────────────────┘
//   Write(slice) ──► ByteQueue ──end of turn──► sendmsg ──► socket
//
// Before reading, a stream lets its loop drain the mailbox: what another thread posted before the
// bytes were sent is known before they are looked at.
//
// Ending: Close() at any time, after which no callback comes. A failure of the socket closes the
// stream and then tells the owner once, OnBroken(), never from inside a call of the owner's own.
// The owner must not destroy the stream inside a callback; it closes, and buries later.
//
// With UseTls() a TlsSession sits between the socket and the two queues (stream_tls.cc). What is
// written before the handshake is done waits for it. Then a byte counts as sent when it is
// encrypted, which happens only while the socket takes bytes.
//
// One worker's thread.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "proxy/base/bytes.h"
#include "proxy/net/loop.h"

namespace net {

class TlsContext;
class TlsSession;

class StreamOwner {
 public:
  struct Taken {
    size_t bytes = 0;  // of the front of what was offered
    size_t want = 0;   // the size of what is left over once it is complete; 0 = unknown
  };
  // What was read, behind what was left over before.
  virtual Taken OnRead(const base::Slice& data) = 0;
  // The other side will send no more.
  virtual void OnEof() = 0;
  // A queue that had stalled has moved, or the next write after NotifyProgress(); unsent() says how
  // far.
  virtual void OnWriteProgress() {}
  // Everything is written after CloseWhenWritten(), and the stream is closed.
  virtual void OnFinished() {}
  // The connection failed, and the stream is closed.
  virtual void OnBroken(const std::string& why) = 0;

 protected:
  ~StreamOwner() = default;
};

class Stream final : private TurnEnd {
 public:
  // Takes over `fd`, connected and not blocking. Reading begins with Start().
  Stream(Loop& loop, int fd, StreamOwner& owner);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Speaks TLS: accepts or connects, as the context says. `host` is what was dialled. A handshake
  // that is not done by `limit` after Start() breaks the stream. REQUIRES: before Start().
  void UseTls(const TlsContext& context, const std::string& host, std::chrono::milliseconds limit);
  void Start();
  // A TLS handshake is not done yet, or has failed.
  bool handshaking() const { return tls_ != nullptr && !ready_; }
  // ... and the other side has not sent a byte of it.
  bool silent() const;
  bool open() const { return fd_ >= 0; }

  void Write(base::Slice slice) {
    queue_.Append(std::move(slice));
    MarkDirty();
  }
  void Write(base::ByteQueue&& bytes) {
    queue_.Append(std::move(bytes));
    MarkDirty();
  }
  // The queue itself, for whoever appends many pieces. Written at the end of the turn.
  base::ByteQueue* Queue() {
    MarkDirty();
    return &queue_;
  }
  // Bytes that the socket has not taken yet.
  size_t unsent() const { return queue_.bytes(); }
  // Bytes ever given to Write(), and ever taken by the socket.
  uint64_t total_queued() const { return sent_ + queue_.bytes(); }
  uint64_t total_sent() const { return sent_; }

  // The owner wants to hear of the next bytes that the socket takes, once.
  void NotifyProgress() {
    notify_ = true;
    MarkDirty();
  }

  void PauseReading() { SetReading(false); }
  void ResumeReading() { SetReading(true); }
  bool reading() const { return reading_; }
  // What is left over, and offering it once more: for an owner that could not take it then.
  size_t left_over() const { return carry_.size; }
  void OfferAgain();

  // What is queued is written, and then the other side sees the end; reading goes on. REQUIRES:
  // nothing is written behind it.
  void EndWriting();
  // Nothing more is read; what is queued is written; then OnFinished().
  void CloseWhenWritten();
  void Close();

 private:
  void OnTurnEnd() override;
  void OnPoll(int status, int events);
  void OnReadable();
  void Offer(base::Slice data);
  void Ended();
  void Flush();
  // The same with TLS.
  void StartTls();
  void OnReadableTls();
  void Decrypt();
  bool Shake();
  void FlushTls();
  bool SendOutput();
  void SayGoodbye();
  void Break(const std::string& why);
  void SetReading(bool reading);
  void MarkDirty() {
    if (!dirty_ && open()) {
      dirty_ = true;
      loop_.AtTurnEnd(this);
    }
  }
  void UpdatePoll();

  static constexpr size_t kMostPieces = 128;
  static constexpr size_t kSmallCarry = 4096;
  // Encrypted at a time, so that what a stalled socket leaves lying is bounded.
  static constexpr size_t kMostEncrypted = 64 * 1024;

  Loop& loop_;
  StreamOwner& owner_;
  int fd_;
  uv_poll_t* poll_;
  bool reading_ = false;
  bool stalled_ = false;  // the socket takes no more at present
  bool dirty_ = false;    // waiting for the end of the turn
  bool eof_ = false;
  bool offering_ = false;
  bool finish_ = false;
  bool end_writing_ = false;
  bool notify_ = false;
  int polled_ = 0;  // events that libuv watches for us
  uint64_t sent_ = 0;
  size_t reads_ = 0;
  base::Slice carry_;
  size_t want_ = 0;
  base::ByteQueue queue_;
  // With TLS only.
  std::unique_ptr<TlsSession> tls_;
  bool ready_ = false;  // the handshake is done
  std::chrono::milliseconds limit_{0};
  std::unique_ptr<Timer> limit_timer_;
};

}  // namespace net
