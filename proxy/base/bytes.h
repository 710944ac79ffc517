// Bytes that travel without being copied.
//
//   read ──► ReadArena ──► Chunk ◄── Slice ◄── ByteQueue ──► writev
//
// A socket reads into the tail of the arena's current chunk. What was read is handed on as slices:
// a pointer, a length and a share in the chunk. A queue of slices is written with one gathered
// write; slices that touch each other in the same chunk melt into one, so fifty small requests
// read one after the other into one chunk leave as a single piece. The last slice gives the chunk
// back to its pool.
//
// A five-byte slice keeps 64 KiB alive. That is free while bytes pass through, and dangerous when
// they stay: whoever keeps bytes for longer than a loop turn (a client that does not read, half a
// command) calls Compact() or CopySlice(), which moves small slices into a chunk of their size.
//
// One worker's thread. Counts are plain integers: a chunk never crosses threads. Script bodies do,
// as immutable shared_ptr<const>; ExternalSlice() wraps one into a chunk of this thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

class ChunkPool;

// A counted piece of memory. Only ChunkRef counts it.
struct Chunk {
  char* data = nullptr;
  size_t capacity = 0;
  uint32_t refs = 0;
  ChunkPool* pool = nullptr;         // where it goes back to; none: it is deleted
  std::shared_ptr<const void> keep;  // what an external chunk points into
};

// A share in a chunk.
class ChunkRef {
 public:
  ChunkRef() = default;
  explicit ChunkRef(Chunk* chunk) : chunk_(chunk) {
    if (chunk_ != nullptr) ++chunk_->refs;
  }
  ChunkRef(const ChunkRef& other) : ChunkRef(other.chunk_) {}
  ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  ChunkRef& operator=(ChunkRef other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~ChunkRef() {
    if (chunk_ != nullptr && --chunk_->refs == 0) Release(chunk_);
  }

  Chunk* get() const { return chunk_; }
  Chunk* operator->() const { return chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }
  friend bool operator==(const ChunkRef&, const ChunkRef&) = default;

 private:
  static void Release(Chunk* chunk);
  Chunk* chunk_ = nullptr;
};

// A piece of a chunk. With no chunk it points at static storage, which needs no owner.
struct Slice {
  ChunkRef chunk;
  const char* data = nullptr;
  size_t size = 0;

  std::string_view view() const { return {data, size}; }
  bool empty() const { return size == 0; }
  // REQUIRES: offset + length <= size
  Slice Sub(size_t offset, size_t length) const { return {chunk, data + offset, length}; }
};

// Text that lives for ever, such as a literal.
inline Slice StaticSlice(std::string_view text) {
  return {ChunkRef(), text.data(), text.size()};
}

// A copy of `text` in a chunk of its size.
Slice CopySlice(std::string_view text);

// A slice of memory that `keep` owns.
Slice ExternalSlice(std::string_view text, std::shared_ptr<const void> keep);

// The chunks of one worker. Outlives every chunk taken from it.
class ChunkPool {
 public:
  static constexpr size_t kChunkBytes = 64 * 1024;

  ChunkPool() = default;
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;
  ~ChunkPool();

  // A chunk of kChunkBytes.
  ChunkRef Take();
  // A chunk of just `bytes`, freed when nobody holds it.
  static ChunkRef TakeSized(size_t bytes);

  // Called by ChunkRef only.
  void GiveBack(Chunk* chunk);

 private:
  static constexpr size_t kMostFree = 64;  // 4 MiB stay; the rest goes back to the system
  std::vector<Chunk*> free_;
};

// Where sockets read to: the tail of one chunk after the other.
class ReadArena {
 public:
  explicit ReadArena(ChunkPool& pool) : pool_(pool) {}

  // Space for one read behind `carry`, which is what is left of the reads before: in place where
  // there is room, else copied in front of the new space. `want` is the size, carry included, that
  // would complete what is being read; 0 = unknown. The space is never empty.
  std::span<char> Reserve(const Slice& carry, size_t want);
  // The carry and the `bytes` read behind it as one slice. Once for each Reserve().
  Slice Commit(size_t bytes);

 private:
  bool HasRoomBehind(const Slice& carry, size_t need) const;

  static constexpr size_t kLeastSpace = 16 * 1024;
  ChunkPool& pool_;
  ChunkRef current_;
  size_t used_ = 0;
  // The reservation.
  ChunkRef reserved_;
  size_t begin_ = 0;
  size_t carry_ = 0;
};

// Slices in the order in which they will be written.
class ByteQueue {
 public:
  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }

  void Append(Slice slice);
  // Takes everything out of `other`.
  void Append(ByteQueue&& other);
  // The first pieces, at most `most` of them; how many there are.
  size_t Gather(iovec* pieces, size_t most) const;
  // The first `bytes` bytes are written.
  void Consume(size_t bytes);
  // Copies small slices into chunks of their own, so that what waits long pins no more than itself.
  void Compact();
  void Clear();
  // All bytes as one string: for short things such as an error line.
  std::string Flatten() const;

 private:
  static constexpr size_t kSmall = 4096;
  static constexpr size_t kMostKept = 64;  // slices that an empty queue keeps room for
  std::vector<Slice> items_;
  size_t head_ = 0;
  size_t bytes_ = 0;
  bool compact_ = true;  // nothing was appended since Compact()
};

}  // namespace base
