#include "proxy/base/bytes.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>

namespace base {

void ChunkRef::Release(Chunk* chunk) {
  if (chunk->pool != nullptr) {
    chunk->pool->GiveBack(chunk);
    return;
  }
  if (chunk->keep == nullptr) delete[] chunk->data;
  delete chunk;
}

Slice CopySlice(std::string_view text) {
  if (text.empty()) return {};
  ChunkRef chunk = ChunkPool::TakeSized(text.size());
  std::memcpy(chunk->data, text.data(), text.size());
  const char* data = chunk->data;
  return {std::move(chunk), data, text.size()};
}

Slice ExternalSlice(std::string_view text, std::shared_ptr<const void> keep) {
  auto* chunk = new Chunk;
  chunk->capacity = text.size();
  chunk->keep = std::move(keep);
  return {ChunkRef(chunk), text.data(), text.size()};
}

ChunkPool::~ChunkPool() {
  for (Chunk* chunk : free_) {
    delete[] chunk->data;
    delete chunk;
  }
}

ChunkRef ChunkPool::Take() {
  if (!free_.empty()) {
    Chunk* chunk = free_.back();
    free_.pop_back();
    return ChunkRef(chunk);
  }
  auto* chunk = new Chunk;
  chunk->data = new char[kChunkBytes];
  chunk->capacity = kChunkBytes;
  chunk->pool = this;
  return ChunkRef(chunk);
}

ChunkRef ChunkPool::TakeSized(size_t bytes) {
  auto* chunk = new Chunk;
  chunk->data = new char[bytes];
  chunk->capacity = bytes;
  return ChunkRef(chunk);
}

void ChunkPool::GiveBack(Chunk* chunk) {
  if (free_.size() < kMostFree) {
    free_.push_back(chunk);
    return;
  }
  delete[] chunk->data;
  delete chunk;
}

std::span<char> ReadArena::Reserve(const Slice& carry, size_t want) {
  carry_ = carry.size;
  if (current_ && current_->refs == 1) used_ = 0;  // nobody holds a slice of it any more
  const size_t need = std::max(carry_ + kLeastSpace, want);
  if (carry.chunk && HasRoomBehind(carry, need)) {
    reserved_ = carry.chunk;
    begin_ = static_cast<size_t>(carry.data - reserved_->data);
  } else {
    if (need > ChunkPool::kChunkBytes) {
      // Something large is under way: a chunk of its size, so that it ends up in one piece.
      reserved_ = ChunkPool::TakeSized(std::max(need, 2 * carry_));
      begin_ = 0;
    } else {
      if (!current_ || used_ + need > current_->capacity) {
        current_ = pool_.Take();
        used_ = 0;
      }
      reserved_ = current_;
      begin_ = used_;
    }
    if (carry_ > 0) std::memcpy(reserved_->data + begin_, carry.data, carry_);
  }
  const size_t start = begin_ + carry_;
  return {reserved_->data + start, reserved_->capacity - start};
}

bool ReadArena::HasRoomBehind(const Slice& carry, size_t need) const {
  const Chunk& chunk = *carry.chunk.get();
  const auto begin = static_cast<size_t>(carry.data - chunk.data);
  if (begin + need > chunk.capacity) return false;
  // In the arena's own chunk others may have read behind the carry; a large chunk is its alone.
  if (carry.chunk == current_) return begin + carry.size == used_;
  return chunk.pool == nullptr && chunk.keep == nullptr;
}

Slice ReadArena::Commit(size_t bytes) {
  assert(reserved_);
  const size_t size = carry_ + bytes;
  if (reserved_ == current_) used_ = begin_ + size;
  const char* data = reserved_->data + begin_;
  return {std::move(reserved_), data, size};
}

void ByteQueue::Append(Slice slice) {
  if (slice.size == 0) return;
  bytes_ += slice.size;
  compact_ = false;
  if (head_ < items_.size()) {
    Slice& last = items_.back();
    if (last.chunk && last.chunk == slice.chunk && last.data + last.size == slice.data) {
      last.size += slice.size;
      return;
    }
  }
  items_.push_back(std::move(slice));
}

void ByteQueue::Append(ByteQueue&& other) {
  if (empty()) {
    std::swap(*this, other);
  } else {
    for (size_t i = other.head_; i < other.items_.size(); ++i) Append(std::move(other.items_[i]));
  }
  other.Clear();
}

size_t ByteQueue::Gather(iovec* pieces, size_t most) const {
  size_t n = 0;
  for (size_t i = head_; i < items_.size() && n < most; ++i, ++n) {
    pieces[n].iov_base = const_cast<char*>(items_[i].data);
    pieces[n].iov_len = items_[i].size;
  }
  return n;
}

void ByteQueue::Consume(size_t bytes) {
  assert(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes > 0) {
    Slice& first = items_[head_];
    if (bytes < first.size) {
      first.data += bytes;
      first.size -= bytes;
      break;
    }
    bytes -= first.size;
    first = Slice{};
    ++head_;
  }
  if (bytes_ == 0) {
    Clear();
  } else if (head_ > 64 && head_ * 2 > items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void ByteQueue::Compact() {
  if (compact_) return;
  compact_ = true;
  std::vector<Slice> packed;
  for (size_t i = head_; i < items_.size();) {
    size_t run = 0;
    size_t end = i;
    while (end < items_.size() && items_[end].size < kSmall) run += items_[end++].size;
    if (end == i) {
      packed.push_back(std::move(items_[i++]));
      continue;
    }
    ChunkRef chunk = ChunkPool::TakeSized(run);
    char* to = chunk->data;
    for (; i < end; ++i) {
      std::memcpy(to, items_[i].data, items_[i].size);
      to += items_[i].size;
    }
    const char* data = chunk->data;
    packed.push_back({std::move(chunk), data, run});
  }
  items_ = std::move(packed);
  head_ = 0;
}

void ByteQueue::Clear() {
  if (items_.capacity() > kMostKept) {
    items_ = std::vector<Slice>();  // with its memory, which "= {}" would keep
  } else {
    items_.clear();
  }
  head_ = 0;
  bytes_ = 0;
  compact_ = true;
}

std::string ByteQueue::Flatten() const {
  std::string text;
  text.reserve(bytes_);
  for (size_t i = head_; i < items_.size(); ++i) text.append(items_[i].view());
  return text;
}

}  // namespace base
