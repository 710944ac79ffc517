#include "proxy/net/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/proxy/net/stream_support.h"

namespace net {
namespace {

using support::Read;
using Texts = std::vector<std::string>;

TEST_F(StreamTest, WhatWasReadIsOffered) {
  OpenUnix();
  Send("hello");
  ASSERT_TRUE(Until([&] { return owner_.read == "hello"; }));
  Send(" again");
  ASSERT_TRUE(Until([&] { return owner_.read == "hello again"; }));
  EXPECT_EQ(owner_.offered, (Texts{"hello", " again"}));
}

TEST_F(StreamTest, WhatTheOwnerLeavesIsOfferedInFrontOfTheNextRead) {
  OpenUnix();
  owner_.on_read = [&](const base::Slice& data) {
    const size_t line = data.view().rfind('\n') + 1;  // whole lines only
    owner_.read += data.view().substr(0, line);
    return StreamOwner::Taken{line, 0};
  };
  Send("one\ntw");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 1; }));
  EXPECT_EQ(stream_->left_over(), 2u);
  Send("o");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 2; }));
  Send("\nthree\n");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 3; }));
  EXPECT_EQ(owner_.offered, (Texts{"one\ntw", "two", "two\nthree\n"}));
  EXPECT_EQ(owner_.read, "one\ntwo\nthree\n");
  EXPECT_EQ(stream_->left_over(), 0u);
}

TEST_F(StreamTest, SomethingLargeIsCarriedUntilItIsWhole) {
  OpenUnix();
  std::string whole(3 << 20, ' ');
  for (size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<char>('a' + i % 23);
  owner_.on_read = [&](const base::Slice& data) {
    if (data.size < whole.size()) return StreamOwner::Taken{0, whole.size()};
    owner_.read = data.view();
    return StreamOwner::Taken{data.size, 0};
  };
  size_t sent = 0;
  ASSERT_TRUE(Until([&] {
    sent += support::SendSome(peer_, std::string_view(whole).substr(sent));
    return !owner_.read.empty();
  }));
  EXPECT_EQ(owner_.read, whole);
}

TEST_F(StreamTest, AFewBytesLeftOverDoNotKeepTheChunkThatTheyWereReadInto) {
  OpenUnix();
  base::Chunk* chunk = nullptr;
  owner_.on_read = [&](const base::Slice& data) {
    if (chunk == nullptr) chunk = data.chunk.get();
    return StreamOwner::Taken{data.size - 1, 0};
  };
  Send("abc");
  ASSERT_TRUE(Until([&] { return chunk != nullptr; }));
  EXPECT_EQ(stream_->left_over(), 1u);
  EXPECT_EQ(chunk->refs, 1u) << "the arena's own";
}

TEST_F(StreamTest, PausedItReadsNothing) {
  OpenUnix();
  stream_->PauseReading();
  EXPECT_FALSE(stream_->reading());
  Send("hello");
  Turns();
  EXPECT_TRUE(owner_.offered.empty());
  stream_->ResumeReading();
  ASSERT_TRUE(Until([&] { return owner_.read == "hello"; }));
}

TEST_F(StreamTest, AnOwnerMayPauseInsideACallback) {
  OpenUnix();
  owner_.on_read = [&](const base::Slice& data) {
    stream_->PauseReading();
    return StreamOwner::Taken{data.size, 0};
  };
  Send("first");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 1; }));
  Send("second");
  Turns();
  EXPECT_EQ(owner_.offered.size(), 1u);
  stream_->ResumeReading();
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 2; }));
  EXPECT_EQ(owner_.offered[1], "second");
}

TEST_F(StreamTest, WhatIsLeftOverCanBeOfferedOnceMoreWithoutARead) {
  OpenUnix();
  size_t takes = 0;
  owner_.on_read = [&](const base::Slice& data) {
    const size_t n = std::min(takes, data.size);
    owner_.read += data.view().substr(0, n);
    return StreamOwner::Taken{n, 0};
  };
  Send("abcdef");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 1; }));
  takes = 2;
  stream_->OfferAgain();
  EXPECT_EQ(owner_.read, "ab");
  EXPECT_EQ(stream_->left_over(), 4u);
  takes = 10;
  stream_->OfferAgain();
  EXPECT_EQ(owner_.read, "abcdef");
  stream_->OfferAgain();
  EXPECT_EQ(owner_.offered, (Texts{"abcdef", "abcdef", "cdef"})) << "nothing is left to offer";
}

TEST_F(StreamTest, OfferedInsideACallbackNothingIsOfferedTwice) {
  OpenUnix();
  owner_.on_read = [&](const base::Slice& data) {
    stream_->OfferAgain();
    owner_.read += data.view().substr(0, 1);
    return StreamOwner::Taken{1, 0};
  };
  Send("abc");
  ASSERT_TRUE(Until([&] { return owner_.offered.size() == 1; }));
  stream_->OfferAgain();
  stream_->OfferAgain();
  EXPECT_EQ(owner_.read, "abc");
  EXPECT_EQ(owner_.offered, (Texts{"abc", "bc", "c"}));
}

TEST_F(StreamTest, LettersPostedBeforeTheBytesWereSentAreReadFirst) {
  OpenUnix();
  std::string order;
  owner_.on_read = [&](const base::Slice& data) {
    order += data.view();
    return StreamOwner::Taken{data.size, 0};
  };
  // The doorbell is a descriptor like the socket: nothing says which of them is served first, so
  // many times.
  for (int i = 0; i < 50; ++i) {
    order.clear();
    loop_.Post([&] { order += "letter,"; });
    Send("bytes");
    ASSERT_TRUE(Until([&] { return order.find("bytes") != std::string::npos; }));
    ASSERT_EQ(order, "letter,bytes");
  }
}

TEST_F(StreamTest, WhatIsWrittenInOneTurnLeavesTogetherAtItsEnd) {
  OpenUnix();
  Write("one,");
  Write("two,");
  stream_->Queue()->Append(base::StaticSlice("three"));
  EXPECT_EQ(stream_->unsent(), 13u);
  EXPECT_EQ(stream_->total_queued(), 13u);
  EXPECT_EQ(stream_->total_sent(), 0u);
  std::string got;
  EXPECT_EQ(support::ReadAll(peer_, &got), Read::kNothing);
  EXPECT_EQ(got, "");
  support::Turn(loop_);
  EXPECT_EQ(support::ReadAll(peer_, &got), Read::kNothing);
  EXPECT_EQ(got, "one,two,three");
  EXPECT_EQ(stream_->unsent(), 0u);
  EXPECT_EQ(stream_->total_sent(), 13u);
}

TEST_F(StreamTest, ManyPiecesLeaveInTheirOrder) {
  OpenUnix();
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    expected += piece;
    Write(piece);
  }
  std::string got;
  ASSERT_TRUE(Until([&] {
    support::ReadAll(peer_, &got);
    return got.size() == expected.size();
  }));
  EXPECT_EQ(got, expected);
}

TEST_F(StreamTest, APeerThatDoesNotReadAndThenReadsGetsEverything) {
  OpenUnix();
  std::string expected;
  while (expected.size() < (4u << 20)) {
    const std::string piece(10'000 + expected.size() % 7000,
                            static_cast<char>('a' + expected.size() % 26));
    expected += piece;
    Write(piece);
  }
  Turns();
  const size_t stalled = stream_->unsent();
  EXPECT_GT(stalled, 1u << 20) << "no socket takes all that at once";
  EXPECT_EQ(stream_->total_sent() + stalled, expected.size());
  EXPECT_EQ(owner_.progress, 0);
  // Small things written meanwhile stand behind.
  Write("the end");
  expected += "the end";
  Turns();
  EXPECT_EQ(stream_->unsent(), stalled + 7);

  std::string got;
  ASSERT_TRUE(Until([&] {
    support::ReadSome(peer_, &got, 100'000);
    return got.size() == expected.size();
  }));
  EXPECT_EQ(got, expected);
  EXPECT_GT(owner_.progress, 0);
  EXPECT_EQ(stream_->unsent(), 0u);
  EXPECT_EQ(stream_->total_sent(), expected.size());
}

TEST_F(StreamTest, ItReadsWhileItsWritesAreStalled) {
  OpenUnix();
  Write(std::string(4 << 20, 'x'));
  Turns();
  ASSERT_GT(stream_->unsent(), 0u);
  Send("hello");
  ASSERT_TRUE(Until([&] { return owner_.read == "hello"; }));
}

TEST_F(StreamTest, SmallThingsThatWaitForASlowPeerPinNoMoreThanThemselves) {
  OpenUnix();
  Write(std::string(4 << 20, 'x'));
  Turns();
  ASSERT_GT(stream_->unsent(), 0u);
  base::ChunkPool pool;
  base::ChunkRef chunk = pool.Take();
  base::Chunk* const raw = chunk.get();
  std::fill_n(raw->data, 5, 's');
  stream_->Write(base::Slice{chunk, raw->data, 5});
  chunk = base::ChunkRef();
  // It was stalled before; at the latest when the peer takes the next bytes it is made small.
  std::string got;
  ASSERT_TRUE(Until([&] {
    support::ReadSome(peer_, &got, 100'000);
    return owner_.progress > 0;
  }));
  ASSERT_GT(stream_->unsent(), 5u);
  EXPECT_EQ(pool.Take().get(), raw);
  stream_->Close();
}

TEST_F(StreamTest, NothingMovesOnAStreamThatWasNotStarted) {
  auto [peer, mine] = support::SocketPair();
  ASSERT_EQ(support::SendSome(peer, "hello"), 5u);
  Stream stream(loop_, mine.Release(), owner_);
  Turns();
  EXPECT_TRUE(owner_.offered.empty());
  EXPECT_FALSE(stream.reading());
  stream.Start();
  ASSERT_TRUE(Until([&] { return owner_.read == "hello"; }));
}

}  // namespace
}  // namespace net
