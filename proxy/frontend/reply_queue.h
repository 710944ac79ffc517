// The commands of one client in the order in which it sent them, and their replies in that order.
//
// Every command has a place here from the time it was read. A reply that comes for the place in
// front passes straight through; others wait in their place. Nothing else in the house may write to
// a client, so order cannot be lost anywhere else.
//
// What a server sends without being asked (messages, invalidations) has its place behind the last
// command that was answered. CLIENT REPLY is obeyed here: a reply whose client wants none is
// dropped when its turn comes.
//
// One worker's thread. Owns the calls in it.
#pragma once

#include <cstddef>

#include "proxy/base/bytes.h"
#include "proxy/frontend/call.h"

namespace frontend {

class ReplyQueue {
 public:
  explicit ReplyQueue(CallPool& pool) : pool_(pool) {}
  ~ReplyQueue();
  ReplyQueue(const ReplyQueue&) = delete;
  ReplyQueue& operator=(const ReplyQueue&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  Call* front() const { return first_; }
  // The oldest command that has not been sent, or null.
  Call* first_held() const { return first_held_; }
  // Bytes of replies that wait for their turn.
  size_t waiting_bytes() const { return waiting_bytes_; }

  // A new command, at the end.
  Call* Push();
  // Its state changed to or from kHeld.
  void HeldChanged();
  // It was sent: the next one that is held, if any, lies behind it.
  void SentFirstHeld();

  // A piece of the reply to `call`: straight to `out` if it is its turn.
  void Pass(Call& call, base::Slice piece, base::ByteQueue* out);
  // A piece to be kept, because the reply is to be seen whole.
  void Keep(Call& call, base::Slice piece);
  void DropReply(Call& call);
  // The reply is `reply` and nothing else.
  void Answer(Call& call, base::Slice reply);

  // A piece of something that the node sent unasked.
  void PassPush(base::Slice piece, bool first, bool last, base::ByteQueue* out);

  // RESET ends CLIENT REPLY OFF.
  void WantReplies() { off_ = skip_next_ = false; }

  // Everything whose turn it is goes to `out`. True if anything did.
  bool Advance(base::ByteQueue* out);
  // The front leaves without a reply.
  void DropFront();
  // The client has left: calls in a connection's queue are the connection's now, and SCRIPT FLUSHes
  // there are told to `orphans`, if there is such.
  void Abandon(backend::ReplySink* orphans);

 private:
  void PopFront();
  // The front is answered: does the client get the reply?
  bool Wanted(const Call& call);

  // A small reply must not keep the chunk it was read into while it waits.
  static constexpr size_t kSmall = 4096;

  CallPool& pool_;
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  Call* first_held_ = nullptr;
  size_t size_ = 0;
  size_t waiting_bytes_ = 0;
  Call* push_place_ = nullptr;  // behind whose reply the present push goes; null: straight out
  bool mid_push_ = false;
  bool off_ = false;        // CLIENT REPLY OFF
  bool skip_next_ = false;  // CLIENT REPLY SKIP
};

}  // namespace frontend
