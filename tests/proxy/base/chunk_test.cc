#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/base/bytes.h"

namespace base {
namespace {

TEST(ChunkPool, TheLastShareGivesTheChunkBack) {
  ChunkPool pool;
  ChunkRef first = pool.Take();
  Chunk* const chunk = first.get();
  EXPECT_EQ(chunk->capacity, ChunkPool::kChunkBytes);
  ChunkRef second = first;
  Slice slice{second, chunk->data, 10};
  first = ChunkRef();
  second = ChunkRef();
  EXPECT_EQ(chunk->refs, 1u);
  EXPECT_NE(pool.Take().get(), chunk) << "somebody still has a share in it";
  slice = Slice();

  // Free chunks are used again, the last one first.
  std::vector<ChunkRef> taken = {pool.Take(), pool.Take()};
  EXPECT_EQ(taken[0].get(), chunk);
  EXPECT_NE(taken[1].get(), chunk);
}

TEST(ChunkPool, ManyChunksComeAndGo) {
  ChunkPool pool;
  std::vector<ChunkRef> taken;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      taken.push_back(pool.Take());
      taken.back()->data[0] = 'a';
      taken.back()->data[ChunkPool::kChunkBytes - 1] = 'z';
    }
    taken.clear();
  }
}

TEST(ChunkRef, MovingGivesTheShareAway) {
  ChunkRef one = ChunkPool::TakeSized(3);
  EXPECT_EQ(one->refs, 1u);
  ChunkRef two = std::move(one);
  EXPECT_EQ(two->refs, 1u);
  one = two;
  EXPECT_EQ(two->refs, 2u);
  ChunkRef& same = one;
  one = same;
  EXPECT_EQ(two->refs, 2u);
  one = ChunkRef();
  EXPECT_EQ(two->refs, 1u);
}

TEST(Slice, ACopyHasAChunkOfItsSize) {
  std::string text = "some words";
  const Slice slice = CopySlice(text);
  text.assign("other text");
  EXPECT_EQ(slice.view(), "some words");
  EXPECT_EQ(slice.chunk->capacity, 10u);
  EXPECT_EQ(slice.chunk->pool, nullptr);
  EXPECT_TRUE(CopySlice("").empty());
}

TEST(Slice, APartSharesTheChunk) {
  const Slice slice = CopySlice("some words");
  const Slice part = slice.Sub(5, 4);
  EXPECT_EQ(part.view(), "word");
  EXPECT_EQ(part.chunk, slice.chunk);
  EXPECT_EQ(part.data, slice.data + 5);
}

TEST(Slice, StaticTextNeedsNoOwner) {
  static constexpr std::string_view kText = "+OK\r\n";
  const Slice slice = StaticSlice(kText);
  EXPECT_EQ(slice.data, kText.data());
  EXPECT_FALSE(slice.chunk);
}

TEST(Slice, AnExternalOneKeepsItsOwnerAliveAndNoLonger) {
  auto body = std::make_shared<const std::string>("return redis.call('GET', KEYS[1])");
  Slice slice = ExternalSlice(*body, body);
  EXPECT_EQ(slice.data, body->data());
  Slice part = slice.Sub(7, 5);
  slice = Slice();
  const std::weak_ptr<const std::string> weak = body;
  body.reset();
  EXPECT_FALSE(weak.expired());
  EXPECT_EQ(part.view(), "redis");
  part = Slice();
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace base
