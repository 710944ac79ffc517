// The ends of a stream: by the owner, by the other side, by the socket.
#include <gtest/gtest.h>

#include <string>

#include "proxy/net/stream.h"
#include "tests/proxy/net/stream_support.h"

namespace net {
namespace {

using support::Read;

TEST_F(StreamTest, TheEndOfTheOtherSideIsToldOnceAndWritingGoesOn) {
  OpenUnix();
  Send("last words");
  shutdown(peer_.get(), SHUT_WR);
  ASSERT_TRUE(Until([&] { return owner_.eofs > 0; }));
  EXPECT_EQ(owner_.read, "last words");
  EXPECT_TRUE(stream_->open());
  Turns();
  stream_->ResumeReading();
  Turns();
  EXPECT_EQ(owner_.eofs, 1);
  EXPECT_EQ(owner_.broken, 0);
  // A half-closed client still gets its replies.
  Write("reply");
  std::string got;
  ASSERT_TRUE(Until([&] {
    support::ReadAll(peer_, &got);
    return got == "reply";
  }));
}

TEST_F(StreamTest, ClosingWhenWrittenWritesEverythingFirst) {
  OpenUnix();
  const std::string bytes(4 << 20, 'x');
  Write(bytes);
  stream_->CloseWhenWritten();
  EXPECT_FALSE(stream_->reading());
  Turns();
  EXPECT_TRUE(stream_->open());
  EXPECT_EQ(owner_.finished, 0);
  std::string got;
  Read read = Read::kNothing;
  ASSERT_TRUE(Until([&] {
    read = support::ReadSome(peer_, &got);
    return read == Read::kEnd;
  }));
  EXPECT_EQ(got, bytes);
  EXPECT_EQ(owner_.finished, 1);
  EXPECT_EQ(owner_.broken, 0);
  EXPECT_EQ(owner_.progress, 0) << "who has said goodbye wants to know of nothing but the end";
  EXPECT_FALSE(stream_->open());
}

TEST_F(StreamTest, ClosingWhenWrittenWithNothingToWriteClosesAtTheEndOfTheTurn) {
  OpenUnix();
  stream_->CloseWhenWritten();
  EXPECT_TRUE(stream_->open()) << "never from inside a call of the owner's own";
  EXPECT_EQ(owner_.finished, 0);
  ASSERT_TRUE(Until([&] { return owner_.finished == 1; }));
  EXPECT_FALSE(stream_->open());
}

TEST_F(StreamTest, AfterCloseNoCallbackComes) {
  OpenUnix();
  Write("unwritten");
  Send("unread");
  stream_->Close();
  EXPECT_FALSE(stream_->open());
  EXPECT_EQ(stream_->unsent(), 0u);
  Turns();
  EXPECT_TRUE(owner_.offered.empty());
  EXPECT_EQ(owner_.eofs + owner_.finished + owner_.broken + owner_.progress, 0);
  std::string got;
  EXPECT_NE(support::ReadAll(peer_, &got), Read::kNothing) << "the socket is closed";
  EXPECT_EQ(got, "");
  // Nor does it harm to go on talking to it.
  Write("too late");
  stream_->ResumeReading();
  stream_->OfferAgain();
  stream_->CloseWhenWritten();
  stream_->Close();
  Turns();
  EXPECT_EQ(owner_.eofs + owner_.finished + owner_.broken + owner_.progress, 0);
}

TEST_F(StreamTest, AnOwnerMayCloseInsideACallback) {
  OpenUnix();
  owner_.on_read = [&](const base::Slice& data) {
    stream_->Close();
    return StreamOwner::Taken{data.size - 1, 0};
  };
  Send("abc");
  ASSERT_TRUE(Until([&] { return !stream_->open(); }));
  EXPECT_EQ(stream_->left_over(), 0u);
  EXPECT_EQ(owner_.offered.size(), 1u);
}

TEST_F(StreamTest, AnOwnerMayCloseWhenItIsToldOfProgress) {
  OpenUnix();
  owner_.on_progress = [&] { stream_->Close(); };
  Write(std::string(4 << 20, 'x'));
  Send("unread");
  Turns();
  std::string got;
  ASSERT_TRUE(Until([&] {
    support::ReadSome(peer_, &got, 100'000);
    return !stream_->open();
  }));
  EXPECT_EQ(owner_.progress, 1);
}

TEST_F(StreamTest, AStreamThatIsDestroyedWithBytesToWriteLeavesTheLoopAlone) {
  OpenUnix();
  Write("unwritten");
  stream_.reset();
  Turns();
  std::string got;
  EXPECT_EQ(support::ReadAll(peer_, &got), Read::kEnd);
  EXPECT_EQ(got, "");
}

TEST_F(StreamTest, APeerThatIsGoneBreaksAWrite) {
  OpenUnix();
  stream_->PauseReading();
  peer_.Close();
  Write("to nobody");
  EXPECT_EQ(owner_.broken, 0) << "never from inside a call of the owner's own";
  ASSERT_TRUE(Until([&] { return owner_.broken == 1; }));
  EXPECT_EQ(owner_.why, "Broken pipe");
  EXPECT_FALSE(stream_->open());
  Turns();
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(StreamTest, APeerThatGoesWhileItOwesUsReadingBreaksTheStream) {
  OpenTcp();
  stream_->PauseReading();
  Write(std::string(8 << 20, 'x'));
  Turns();
  ASSERT_GT(stream_->unsent(), 0u);
  peer_.CloseWithReset();
  ASSERT_TRUE(Until([&] { return owner_.broken == 1; }));
  EXPECT_EQ(owner_.why, "Connection reset by peer");
  EXPECT_EQ(owner_.finished, 0);
}

TEST_F(StreamTest, WhatCameBeforeAResetIsStillRead) {
  OpenTcp();
  // A server's last words, such as "-ERR max number of clients reached", and then the connection
  // is gone: both are there before we look.
  Send("-ERR last words\r\n");
  peer_.CloseWithReset();
  ASSERT_TRUE(Until([&] { return owner_.broken == 1; }));
  EXPECT_EQ(owner_.read, "-ERR last words\r\n");
  EXPECT_EQ(owner_.why, "Connection reset by peer");
  EXPECT_FALSE(stream_->open());
}

TEST_F(StreamTest, MuchThatCameBeforeAResetIsReadToTheEnd) {
  OpenTcp();
  const std::string words(1 << 20, 'w');
  size_t sent = 0;
  while (const size_t n = support::SendSome(peer_, std::string_view(words).substr(sent))) sent += n;
  ASSERT_GT(sent, 100'000u);
  peer_.CloseWithReset();
  ASSERT_TRUE(Until([&] { return owner_.broken == 1; }));
  // Of what the kernel of the sender still held a reset drops the rest; what had arrived is read.
  EXPECT_GT(owner_.read.size(), 64u * 1024);
  EXPECT_TRUE(words.starts_with(owner_.read));
}

TEST_F(StreamTest, AnOwnerThatPausesAmongTheLastWordsIsNotOfferedMore) {
  OpenTcp();
  owner_.on_read = [&](const base::Slice& data) {
    stream_->PauseReading();
    return StreamOwner::Taken{data.size, 0};
  };
  Send(std::string(100'000, 'w'));
  peer_.CloseWithReset();
  ASSERT_TRUE(Until([&] { return owner_.broken == 1; }));
  EXPECT_LE(owner_.offered.size(), 1u);
}

TEST_F(StreamTest, AResetIsTheEndOnlyOnce) {
  OpenTcp();
  owner_.on_read = [&](const base::Slice& data) {
    stream_->Close();
    return StreamOwner::Taken{data.size, 0};
  };
  Send("words");
  peer_.CloseWithReset();
  ASSERT_TRUE(Until([&] { return !stream_->open(); }));
  Turns();
  EXPECT_EQ(owner_.broken, 0) << "the owner has closed it: no callback comes after that";
}

}  // namespace
}  // namespace net
