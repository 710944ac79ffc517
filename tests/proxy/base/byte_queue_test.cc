#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "proxy/base/bytes.h"

namespace base {
namespace {

// The pieces as a gathered write would send them.
std::vector<std::string> PiecesOf(const ByteQueue& queue, size_t most = 1000) {
  std::vector<iovec> pieces(most);
  const size_t n = queue.Gather(pieces.data(), most);
  std::vector<std::string> texts;
  for (size_t i = 0; i < n; ++i)
    texts.emplace_back(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(ByteQueue, SlicesThatTouchMeltIntoOne) {
  const Slice whole = CopySlice("abcdefghi");
  ByteQueue queue;
  queue.Append(whole.Sub(0, 3));
  queue.Append(whole.Sub(3, 3));
  queue.Append(whole.Sub(6, 3));
  EXPECT_EQ(PiecesOf(queue), (Texts{"abcdefghi"}));
  EXPECT_EQ(queue.bytes(), 9u);
}

TEST(ByteQueue, SlicesThatDoNotTouchStayApart) {
  const Slice whole = CopySlice("abcdefghi");
  ByteQueue queue;
  queue.Append(whole.Sub(0, 3));
  queue.Append(whole.Sub(4, 3));
  queue.Append(CopySlice("xyz"));
  queue.Append(whole.Sub(0, 3));
  EXPECT_EQ(PiecesOf(queue), (Texts{"abc", "efg", "xyz", "abc"}));
}

TEST(ByteQueue, MeltingDoesNotReachBehindWhatWasWritten) {
  const Slice whole = CopySlice("abcdef");
  ByteQueue queue;
  queue.Append(whole.Sub(0, 3));
  queue.Consume(3);
  queue.Append(whole.Sub(3, 3));
  EXPECT_EQ(PiecesOf(queue), (Texts{"def"}));
  EXPECT_EQ(queue.bytes(), 3u);
}

TEST(ByteQueue, EmptySlicesLeaveNoTrace) {
  ByteQueue queue;
  queue.Append(Slice());
  queue.Append(StaticSlice(""));
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(PiecesOf(queue).empty());
}

TEST(ByteQueue, ConsumeGoesAcrossPieces) {
  ByteQueue queue;
  queue.Append(StaticSlice("abc"));
  queue.Append(StaticSlice("def"));
  queue.Append(StaticSlice("ghi"));
  queue.Consume(1);
  EXPECT_EQ(PiecesOf(queue), (Texts{"bc", "def", "ghi"}));
  queue.Consume(6);
  EXPECT_EQ(PiecesOf(queue), (Texts{"hi"}));
  queue.Consume(0);
  EXPECT_EQ(queue.Flatten(), "hi");
  queue.Consume(2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.Flatten(), "");
}

TEST(ByteQueue, WhatIsWrittenGivesItsChunkBack) {
  ChunkPool pool;
  ByteQueue queue;
  ChunkRef chunk = pool.Take();
  Chunk* const raw = chunk.get();
  queue.Append({chunk, raw->data, 10});
  queue.Append(CopySlice("behind"));
  chunk = ChunkRef();
  queue.Consume(9);
  EXPECT_EQ(raw->refs, 1u);
  queue.Consume(1);
  EXPECT_EQ(pool.Take().get(), raw);
}

TEST(ByteQueue, GathersNoMoreThanIsAskedFor) {
  ByteQueue queue;
  for (const char* text : {"a", "b", "c", "d"}) queue.Append(StaticSlice(text));
  EXPECT_EQ(PiecesOf(queue, 3), (Texts{"a", "b", "c"}));
  queue.Consume(2);
  EXPECT_EQ(PiecesOf(queue, 3), (Texts{"c", "d"}));
}

TEST(ByteQueue, TakesEverythingOutOfAnother) {
  ByteQueue one;
  ByteQueue two;
  two.Append(StaticSlice("abc"));
  two.Append(StaticSlice("def"));
  two.Consume(4);
  one.Append(std::move(two));
  EXPECT_EQ(one.Flatten(), "ef");
  EXPECT_TRUE(two.empty());  // NOLINT(bugprone-use-after-move): that is the contract
  two.Append(StaticSlice("gh"));
  one.Append(std::move(two));
  EXPECT_EQ(one.Flatten(), "efgh");
  EXPECT_TRUE(two.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(ByteQueue, CompactMovesSmallSlicesIntoAChunkOfTheirSize) {
  ChunkPool pool;
  ByteQueue queue;
  ChunkRef chunk = pool.Take();
  Chunk* const raw = chunk.get();
  std::fill_n(raw->data, 20, 's');
  queue.Append({chunk, raw->data, 5});
  queue.Append({chunk, raw->data + 10, 5});
  chunk = ChunkRef();
  queue.Compact();
  EXPECT_EQ(PiecesOf(queue), (Texts{"ssssssssss"}));
  EXPECT_EQ(pool.Take().get(), raw) << "ten bytes still keep a chunk";
}

TEST(ByteQueue, CompactLeavesLargeSlicesWhereTheyAre) {
  ByteQueue queue;
  const Slice large = CopySlice(std::string(100'000, 'L'));
  queue.Append(StaticSlice("a"));
  queue.Append(StaticSlice("b"));
  queue.Append(large);
  queue.Append(StaticSlice("c"));
  queue.Compact();
  EXPECT_EQ(PiecesOf(queue), (Texts{"ab", std::string(100'000, 'L'), "c"}));
  iovec pieces[3];
  ASSERT_EQ(queue.Gather(pieces, 3), 3u);
  EXPECT_EQ(pieces[1].iov_base, large.data);
}

TEST(ByteQueue, CompactTwiceCopiesOnce) {
  ByteQueue queue;
  queue.Append(StaticSlice("a"));
  queue.Append(StaticSlice("b"));
  queue.Compact();
  iovec before{};
  iovec after{};
  queue.Gather(&before, 1);
  queue.Compact();
  queue.Gather(&after, 1);
  EXPECT_EQ(before.iov_base, after.iov_base);
}

TEST(ByteQueue, CompactForgetsWhatWasWrittenOfASlice) {
  ByteQueue queue;
  queue.Append(StaticSlice("abc"));
  queue.Append(StaticSlice("def"));
  queue.Consume(4);
  queue.Compact();
  EXPECT_EQ(PiecesOf(queue), (Texts{"ef"}));
}

// Random operations on a queue and on a string: they always hold the same bytes.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}

  void Step() {
    switch (Below(8)) {
      case 0:
      case 1:
      case 2:
        AppendSlice();
        break;
      case 3:
        AppendQueue();
        break;
      case 4:
      case 5:
        Consume();
        break;
      case 6:
        queue_.Compact();
        break;
      case 7:
        if (Below(20) == 0) {
          queue_.Clear();
          text_.clear();
        }
        break;
    }
  }
  void Check() const {
    ASSERT_EQ(queue_.bytes(), text_.size());
    ASSERT_EQ(queue_.empty(), text_.empty());
    ASSERT_EQ(queue_.Flatten(), text_);
    std::string gathered;
    for (const auto& piece : PiecesOf(queue_)) {
      ASSERT_FALSE(piece.empty());
      gathered += piece;
    }
    ASSERT_EQ(gathered, text_.substr(0, gathered.size()));
  }

 private:
  size_t Below(size_t n) { return random_() % n; }

  // Often the part behind the last one, so that slices melt; sometimes a large one.
  Slice NextSlice() {
    const size_t size = Below(50) == 0 ? Below(10'000) : Below(20);
    if (source_.size - at_ < size || Below(5) == 0) {
      std::string fresh(30'000, ' ');
      for (char& c : fresh) c = static_cast<char>('a' + Below(26));
      source_ = CopySlice(fresh);
      at_ = Below(100);
    }
    at_ += size;
    return source_.Sub(at_ - size, size);
  }
  void AppendSlice() {
    const Slice slice = NextSlice();
    text_ += slice.view();
    queue_.Append(slice);
  }
  void AppendQueue() {
    ByteQueue other;
    std::string text;
    for (size_t n = Below(4); n > 0; --n) {
      const Slice slice = NextSlice();
      text += slice.view();
      other.Append(slice);
    }
    const size_t cut = text.empty() ? 0 : Below(text.size() + 1);
    other.Consume(cut);
    queue_.Append(std::move(other));
    text_ += text.substr(cut);
  }
  void Consume() {
    const size_t n = Below(3) == 0 ? text_.size() : Below(text_.size() + 1);
    queue_.Consume(n);
    text_.erase(0, n);
  }

  std::mt19937 random_;
  ByteQueue queue_;
  std::string text_;
  Slice source_;
  size_t at_ = 0;
};

TEST(ByteQueue, BehavesAsAStringInRandomHistories) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Model model(seed);
    for (int i = 0; i < 400; ++i) {
      model.Step();
      model.Check();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
  }
}

// A long queue that is written from its front, as that of a lane under load.
TEST(ByteQueue, KeepsItsOrderWhileItsFrontIsWrittenAndItsEndGrows) {
  ByteQueue queue;
  std::string expected;
  std::string written;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    queue.Append(CopySlice(piece));
    expected += piece;
    if (i % 3 == 0) {
      iovec front{};
      queue.Gather(&front, 1);
      written.append(static_cast<const char*>(front.iov_base), front.iov_len);
      queue.Consume(front.iov_len);
    }
  }
  EXPECT_EQ(written + queue.Flatten(), expected);
}

}  // namespace
}  // namespace base
