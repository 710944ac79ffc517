#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "proxy/base/bytes.h"

namespace base {
namespace {

class ReadArenaTest : public ::testing::Test {
 protected:
  // As a stream does: space behind the carry, a recv() into it, and the whole as one slice.
  Slice Read(const Slice& carry, std::string_view bytes, size_t want = 0) {
    const std::span<char> space = arena_.Reserve(carry, want);
    EXPECT_GE(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), bytes.size());
    return arena_.Commit(bytes.size());
  }

  ChunkPool pool_;
  ReadArena arena_{pool_};
};

TEST_F(ReadArenaTest, ReadsOfSeveralConnectionsLieOneBehindTheOther) {
  const Slice one = Read({}, "first");
  const Slice two = Read({}, "second");
  EXPECT_EQ(one.view(), "first");
  EXPECT_EQ(two.view(), "second");
  EXPECT_EQ(one.chunk, two.chunk);
  EXPECT_EQ(two.data, one.data + one.size);
}

TEST_F(ReadArenaTest, WhatIsLeftOverIsContinuedInPlace) {
  const Slice one = Read({}, "whole,ha");
  const Slice carry = one.Sub(6, 2);
  const Slice two = Read(carry, "lf");
  EXPECT_EQ(two.view(), "half");
  EXPECT_EQ(two.data, carry.data);
  EXPECT_EQ(one.view(), "whole,ha");
}

TEST_F(ReadArenaTest, WhatIsLeftOverIsCopiedWhereSomebodyElseHasReadBehindIt) {
  const Slice one = Read({}, "whole,ha");
  const Slice carry = one.Sub(6, 2);
  const Slice other = Read({}, "of another connection");
  const Slice two = Read(carry, "lf");
  EXPECT_EQ(two.view(), "half");
  EXPECT_NE(two.data, carry.data);
  EXPECT_EQ(other.view(), "of another connection");
}

TEST_F(ReadArenaTest, ACarryInAnotherChunkIsCopied) {
  const Slice carry = CopySlice("ha");
  const Slice two = Read(carry, "lf");
  EXPECT_EQ(two.view(), "half");
  EXPECT_EQ(carry.view(), "ha");
}

TEST_F(ReadArenaTest, SpaceThatNobodyHoldsIsUsedAgain) {
  const char* first = nullptr;
  for (int i = 0; i < 100; ++i) {
    const Slice slice = Read({}, std::string(10'000, 'x'));
    if (first == nullptr) first = slice.data;
    EXPECT_EQ(slice.data, first);
  }
}

TEST_F(ReadArenaTest, AReadThatBroughtNothingCostsNothing) {
  const Slice one = Read({}, "first");
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(arena_.Reserve({}, 0).empty());
  const Slice two = Read({}, "second");
  EXPECT_EQ(two.data, one.data + one.size);
}

TEST_F(ReadArenaTest, ThereIsAlwaysRoomForAGoodRead) {
  std::vector<Slice> held;
  for (int i = 0; i < 200; ++i) {
    const auto space = arena_.Reserve({}, 0);
    EXPECT_GE(space.size(), 16u * 1024);
    held.push_back(arena_.Commit(1000));
  }
}

TEST_F(ReadArenaTest, SomethingLargeGetsAChunkOfItsSizeAndStaysInOnePiece) {
  constexpr size_t kWhole = 1 << 20;
  Slice slice = Read({}, std::string(10'000, 'a'), 0);
  slice = Read(slice, std::string(10'000, 'b'), kWhole);
  const char* const begin = slice.data;
  EXPECT_EQ(slice.chunk->pool, nullptr);
  while (slice.size < kWhole) {
    slice = Read(slice, std::string(std::min<size_t>(50'000, kWhole - slice.size), 'c'), kWhole);
    ASSERT_EQ(slice.data, begin) << "copied again at " << slice.size;
  }
  EXPECT_EQ(slice.view(), std::string(10'000, 'a') + std::string(10'000, 'b') +
                              std::string(kWhole - 20'000, 'c'));
}

TEST_F(ReadArenaTest, SomethingOfUnknownSizeIsCopiedSeldom) {
  Slice slice;
  std::string expected;
  int copies = 0;
  const char* begin = nullptr;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(4000, static_cast<char>('a' + i % 26));
    slice = Read(slice, piece);
    expected += piece;
    if (slice.data != begin) ++copies;
    begin = slice.data;
  }
  EXPECT_EQ(slice.view(), expected);
  EXPECT_LE(copies, 12) << "4 MB should be copied about log2(4 MB / 64 KiB) times";
}

// Connections that read, use up, hold and carry at random, in one arena: whatever anybody was given
// stays as it was for as long as he holds it.
TEST_F(ReadArenaTest, NobodyOverwritesWhatSomebodyHolds) {
  struct Held {
    Slice slice;
    std::string expected;
  };
  struct Reader {
    Slice carry;
    std::string expected_carry;
  };
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](size_t n) { return random() % n; };
    std::vector<Reader> readers(5);
    std::vector<Held> held;
    for (int step = 0; step < 600; ++step) {
      Reader& reader = readers[below(readers.size())];
      const size_t want = below(10) == 0 ? reader.carry.size + below(300'000) : 0;
      const auto space = arena_.Reserve(reader.carry, want);
      ASSERT_FALSE(space.empty());
      if (below(10) == 0) continue;  // the socket had nothing
      const size_t n = std::min(space.size(), below(6) == 0 ? 1 + below(70'000) : 1 + below(500));
      std::string bytes(n, ' ');
      for (char& c : bytes) c = static_cast<char>(random());
      std::memcpy(space.data(), bytes.data(), n);
      const Slice slice = arena_.Commit(n);
      const std::string expected = reader.expected_carry + bytes;
      ASSERT_EQ(slice.view(), expected) << "seed " << seed << ", step " << step;
      // Some of it is used up and held by somebody, the rest is carried.
      const size_t used = below(3) == 0 ? slice.size : below(slice.size + 1);
      if (used > 0 && below(2) == 0) held.push_back({slice.Sub(0, used), expected.substr(0, used)});
      reader.carry = used < slice.size ? slice.Sub(used, slice.size - used) : Slice();
      if (below(3) == 0) reader.carry = CopySlice(reader.carry.view());
      reader.expected_carry = expected.substr(used);
      if (reader.carry.size > 200'000) reader = Reader();
      while (held.size() > below(40))
        held.erase(held.begin() + static_cast<long>(below(held.size())));
      for (const Held& one : held)
        ASSERT_EQ(one.slice.view(), one.expected) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace base
