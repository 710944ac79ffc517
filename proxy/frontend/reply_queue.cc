#include "proxy/frontend/reply_queue.h"

#include <utility>

namespace frontend {

ReplyQueue::~ReplyQueue() {
  Abandon(nullptr);
}

Call* ReplyQueue::Push() {
  Call* call = pool_.Take();
  if (last_ == nullptr) {
    first_ = call;
  } else {
    last_->next = call;
  }
  last_ = call;
  ++size_;
  if (first_held_ == nullptr) first_held_ = call;
  return call;
}

void ReplyQueue::HeldChanged() {
  first_held_ = first_;
  while (first_held_ != nullptr && first_held_->state != CallState::kHeld)
    first_held_ = first_held_->next;
}

void ReplyQueue::SentFirstHeld() {
  do {
    first_held_ = first_held_->next;
  } while (first_held_ != nullptr && first_held_->state != CallState::kHeld);
}

void ReplyQueue::Pass(Call& call, base::Slice piece, base::ByteQueue* out) {
  if (&call != first_ || call.withheld || mid_push_) {
    Keep(call, std::move(piece));
    return;
  }
  call.partly_out = true;
  if (off_ || skip_next_) return;
  out->Append(std::move(piece));
}

void ReplyQueue::Keep(Call& call, base::Slice piece) {
  waiting_bytes_ += piece.size;
  const bool copy = piece.size < kSmall && piece.chunk && piece.chunk->pool != nullptr;
  call.reply.Append(copy ? base::CopySlice(piece.view()) : std::move(piece));
}

void ReplyQueue::DropReply(Call& call) {
  waiting_bytes_ -= call.reply.bytes();
  call.reply.Clear();
}

void ReplyQueue::Answer(Call& call, base::Slice reply) {
  DropReply(call);
  Keep(call, std::move(reply));
  call.state = CallState::kAnswered;
}

void ReplyQueue::PassPush(base::Slice piece, bool first, bool last, base::ByteQueue* out) {
  if (first) {
    push_place_ = nullptr;
    for (Call* call = first_; call != nullptr && call->state == CallState::kAnswered;
         call = call->next)
      push_place_ = call;
  }
  mid_push_ = !last;
  if (push_place_ == nullptr) {
    out->Append(std::move(piece));
    return;
  }
  waiting_bytes_ += piece.size;
  if (push_place_->pushes == nullptr) push_place_->pushes = std::make_unique<base::ByteQueue>();
  push_place_->pushes->Append(base::CopySlice(piece.view()));
  if (last) push_place_ = nullptr;
}

// As a server does it: OFF and SKIP have no reply of their own, and SKIP is about one command.
bool ReplyQueue::Wanted(const Call& call) {
  const bool skip = std::exchange(skip_next_, false);
  if (call.after == After::kReplyMode && call.mode_said) {
    skip_next_ = call.reply_mode == ReplyMode::kSkip && !off_;
    if (call.reply_mode != ReplyMode::kSkip) off_ = call.reply_mode == ReplyMode::kOff;
    return call.reply_mode == ReplyMode::kOn;
  }
  return call.after != After::kSwallow && (call.after == After::kSubscribe || !(off_ || skip));
}

bool ReplyQueue::Advance(base::ByteQueue* out) {
  bool moved = false;
  if (mid_push_ && push_place_ == nullptr) return false;
  while (first_ != nullptr && first_->state == CallState::kAnswered && !first_->withheld) {
    waiting_bytes_ -= first_->reply.bytes();
    if (Wanted(*first_)) out->Append(std::move(first_->reply));
    if (first_->pushes != nullptr) {
      waiting_bytes_ -= first_->pushes->bytes();
      out->Append(std::move(*first_->pushes));
    }
    const bool rest_of_push_comes = push_place_ == first_;
    PopFront();
    moved = true;
    if (rest_of_push_comes) {
      push_place_ = nullptr;
      return true;
    }
  }
  // What has come of the new front's reply already.
  if (first_ != nullptr && first_->state == CallState::kOnTheWay && !first_->wants_whole &&
      !first_->withheld && !first_->reply.empty()) {
    waiting_bytes_ -= first_->reply.bytes();
    first_->partly_out = true;
    if (off_ || skip_next_) {
      first_->reply.Clear();
    } else {
      out->Append(std::move(first_->reply));
    }
    moved = true;
  }
  return moved;
}

void ReplyQueue::DropFront() {
  DropReply(*first_);
  PopFront();
}

void ReplyQueue::PopFront() {
  Call* call = first_;
  if (first_held_ == call) SentFirstHeld();
  first_ = call->next;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  pool_.Give(call);
}

void ReplyQueue::Abandon(backend::ReplySink* orphans) {
  while (first_ != nullptr) {
    Call* call = first_;
    first_ = call->next;
    if (call->in_connection) {
      call->sink = call->flushing_in != nullptr ? orphans : nullptr;
      call->reply.Clear();
    } else {
      pool_.Give(call);
    }
  }
  last_ = nullptr;
  first_held_ = nullptr;
  push_place_ = nullptr;
  size_ = 0;
  waiting_bytes_ = 0;
}

}  // namespace frontend
