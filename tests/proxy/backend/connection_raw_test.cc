// A connection that has become one client's for good: bytes for bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/proxy/backend/connection_support.h"

namespace backend {
namespace {

using Ending = ConnectionOwner::Ending;

class NotingRawSink final : public RawSink {
 public:
  size_t OnRawBytes(const base::Slice& bytes) override {
    EXPECT_EQ(closed, 0);
    const size_t n = std::min(takes, bytes.size);
    read += bytes.view().substr(0, n);
    return n;
  }
  void OnRawClosed(const std::string& words) override {
    ++closed;
    why = words;
  }

  size_t takes = ~size_t{0};
  std::string read;
  std::string why;
  int closed = 0;
};

class RawConnectionTest : public ConnectionTest {
 protected:
  NotingRawSink raw_;
};

TEST_F(RawConnectionTest, EverythingThatTheNodeSaysGoesToTheOne) {
  ConnectAndBecomeReady();
  connection_->MakeRaw(raw_);
  connection_->WriteRaw(base::CopySlice(support::Command("GET a")));
  const std::string reply = support::Bulk("value of a");
  ASSERT_TRUE(Until([&] { return raw_.read == reply; }));
  // What is no RESP at all, too: the stream of a replication link.
  node_.Say(0, "\n\nREDIS0009 anything");
  ASSERT_TRUE(Until([&] { return raw_.read == reply + "\n\nREDIS0009 anything"; }));
  EXPECT_EQ(owner_.closed, 0);
}

TEST_F(RawConnectionTest, BytesGivenBeforeTheHandshakeIsDoneWaitForIt) {
  Connect();
  connection_->MakeRaw(raw_);
  connection_->WriteRaw(base::CopySlice(support::Command("GET a")));
  ASSERT_TRUE(Until([&] { return raw_.read == support::Bulk("value of a"); }));
  EXPECT_EQ(node_.CommandsOn(0).back(), "GET a");
  EXPECT_EQ(owner_.run_id, node_.run_id) << "the handshake's replies are not the one's";
}

TEST_F(RawConnectionTest, WhatItDoesNotTakeIsOfferedAgainWithMoreBehindIt) {
  ConnectAndBecomeReady();
  connection_->MakeRaw(raw_);
  raw_.takes = 3;
  node_.Say(0, "abcdef");
  ASSERT_TRUE(Until([&] { return raw_.read == "abc"; }));
  raw_.takes = 100;
  node_.Say(0, "ghi");
  ASSERT_TRUE(Until([&] { return raw_.read == "abcdefghi"; }));
}

TEST_F(RawConnectionTest, PausedItReadsNothing) {
  ConnectAndBecomeReady();
  connection_->MakeRaw(raw_);
  connection_->PauseReading();
  node_.Say(0, "abc");
  Turns();
  EXPECT_EQ(raw_.read, "");
  connection_->ResumeReading();
  ASSERT_TRUE(Until([&] { return raw_.read == "abc"; }));
}

TEST_F(RawConnectionTest, ItsEndIsToldToTheOneAndToTheOwner) {
  ConnectAndBecomeReady();
  connection_->MakeRaw(raw_);
  node_.Say(0, "last words");
  node_.Step();
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(raw_.read, "last words");
  EXPECT_EQ(raw_.closed, 1);
  EXPECT_EQ(raw_.why, "the node closed the connection");
  EXPECT_EQ(owner_.ending, Ending::kLost);
}

TEST_F(RawConnectionTest, ARefusedHandshakeIsWhatTheNodeSays) {
  node_.Answer("SELECT", "-ERR DB index is out of range\r\n");
  Connect({nullptr, 99, 2});
  connection_->MakeRaw(raw_);
  connection_->WriteRaw(base::CopySlice(support::Command("MONITOR")));
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(raw_.read, "-ERR DB index is out of range\r\n");
  EXPECT_EQ(raw_.closed, 1);
  EXPECT_EQ(node_.CountOf("MONITOR"), 0u);
}

TEST_F(RawConnectionTest, WhoHasGoneIsToldNothing) {
  ConnectAndBecomeReady();
  connection_->MakeRaw(raw_);
  connection_->DropRawSink();
  node_.Say(0, "for nobody");
  Turns();
  node_.CloseAll();
  ASSERT_TRUE(Until([&] { return owner_.closed == 1; }));
  EXPECT_EQ(raw_.read, "");
  EXPECT_EQ(raw_.closed, 0);
}

TEST_F(RawConnectionTest, AReplyMayMakeItRawAndWhatIsBehindItIsTheOnes) {
  ConnectAndBecomeReady();
  sink_.on_reply = [&](NotedCall&) { connection_->MakeRaw(raw_); };
  node_.Answer("GET a", "+reply\r\nbytes behind it");
  NotedCall& call = Send("GET a");
  ASSERT_TRUE(Until([&] { return raw_.read == "bytes behind it"; }));
  EXPECT_EQ(call.reply, "+reply\r\n");
}

}  // namespace
}  // namespace backend
