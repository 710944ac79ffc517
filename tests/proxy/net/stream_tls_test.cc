// net::Stream with TLS: the same reading, writing and endings as without.
#include <algorithm>

#include "tests/proxy/net/stream_support.h"
#include "tests/proxy/net/tls_support.h"

namespace net {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong(20'000);

// A stream that accepts and one that connects, at the ends of a pair of sockets.
class StreamTlsTest : public TlsTest {
 protected:
  void Open(milliseconds limit = kLong) { Open(support::TcpPair(), limit); }
  void Open(std::pair<support::Fd, support::Fd> sockets, milliseconds limit) {
    server_ = std::make_unique<Stream>(loop_, sockets.first.Release(), server_owner_);
    server_->UseTls(*server_tls_, "", limit);
    server_->Start();
    client_ = std::make_unique<Stream>(loop_, sockets.second.Release(), client_owner_);
    client_->UseTls(*client_tls_, "127.0.0.1", limit);
    client_->Start();
  }
  // Only the one that accepts; the other side is a plain socket.
  void OpenAlone(milliseconds limit) {
    auto sockets = support::TcpPair();
    peer_ = std::move(sockets.first);
    server_ = std::make_unique<Stream>(loop_, sockets.second.Release(), server_owner_);
    server_->UseTls(*server_tls_, "", limit);
    server_->Start();
  }
  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition);
  }

  const TlsRef server_tls_ = Server();
  const TlsRef client_tls_ = Client();
  Loop loop_;
  NotingOwner server_owner_;
  NotingOwner client_owner_;
  support::Fd peer_;
  std::unique_ptr<Stream> server_;
  std::unique_ptr<Stream> client_;
};

TEST_F(StreamTlsTest, WhatIsWrittenBeforeTheHandshakeArrivesBehindIt) {
  Open();
  client_->Write(base::StaticSlice("PING"));
  server_->Write(base::StaticSlice("+PONG"));
  EXPECT_TRUE(client_->handshaking());
  EXPECT_EQ(client_->total_sent(), 0u);
  ASSERT_TRUE(Until([&] { return server_owner_.read == "PING" && client_owner_.read == "+PONG"; }));
  EXPECT_FALSE(client_->handshaking() || server_->handshaking());
  EXPECT_EQ(client_->total_sent(), 4u);
}

TEST_F(StreamTlsTest, ManyBytesArriveInOrderThroughASocketThatStalls) {
  Open();
  std::string words;
  for (int i = 0; i < 400'000; ++i) words += std::to_string(i);
  server_->PauseReading();
  for (size_t at = 0; at < words.size(); at += 1000)
    client_->Write(base::CopySlice(std::string_view(words).substr(at, 1000)));
  client_->Write(base::CopySlice(words));  // and in one piece
  for (int i = 0; i < 200; ++i) support::Turn(loop_);
  EXPECT_GT(client_->unsent(), 0u);
  EXPECT_EQ(server_owner_.read, "") << "it is paused";
  server_->ResumeReading();
  ASSERT_TRUE(Until([&] { return server_owner_.read.size() == 2 * words.size(); }));
  EXPECT_TRUE(server_owner_.read == words + words);
  EXPECT_EQ(client_->unsent(), 0u);
}

TEST_F(StreamTlsTest, ReadingThatIsPausedAtEachOfferMissesNothing) {
  Open();
  const std::string words(300'000, 'w');
  server_owner_.on_read = [&](const base::Slice& data) -> StreamOwner::Taken {
    const size_t n = std::min<size_t>(data.size, 5000);
    server_owner_.read += std::string(data.data, n);
    server_->PauseReading();
    return {n, 0};
  };
  client_->Write(base::CopySlice(words));
  ASSERT_TRUE(Until([&] {
    server_->OfferAgain();
    server_->ResumeReading();
    return server_owner_.read.size() == words.size();
  }));
}

TEST_F(StreamTlsTest, ThoseThatEndTheirWordsStillGetAnAnswer) {
  Open();
  client_->Write(base::StaticSlice("question"));
  client_->EndWriting();
  ASSERT_TRUE(Until([&] { return server_owner_.eofs == 1; }));
  EXPECT_EQ(server_owner_.read, "question");
  server_->Write(base::CopySlice(std::string(500'000, 'a')));
  server_->CloseWhenWritten();
  ASSERT_TRUE(Until([&] { return client_owner_.eofs == 1 && server_owner_.finished == 1; }));
  EXPECT_EQ(client_owner_.read.size(), 500'000u);
  EXPECT_EQ(client_owner_.broken + server_owner_.broken, 0);
}

TEST_F(StreamTlsTest, ACloseIsTheEndForTheOtherSide) {
  Open();
  client_->Write(base::StaticSlice("x"));
  ASSERT_TRUE(Until([&] { return server_owner_.read == "x"; }));
  client_->Close();
  ASSERT_TRUE(Until([&] { return server_owner_.eofs == 1; }));
  EXPECT_EQ(server_owner_.broken, 0);
}

TEST_F(StreamTlsTest, AHandshakeThatHangsIsCutOff) {
  OpenAlone(milliseconds(30));
  EXPECT_TRUE(server_->silent());
  ASSERT_TRUE(Until([&] { return server_owner_.broken == 1; }));
  EXPECT_EQ(server_owner_.why, "TLS: no handshake within 30 ms");
  EXPECT_TRUE(server_->handshaking() && server_->silent());
  // ... also one that began.
  OpenAlone(milliseconds(30));
  ASSERT_EQ(support::SendSome(peer_, "\x16\x03\x01\x02"), 4u);
  ASSERT_TRUE(Until([&] { return server_owner_.broken == 2; }));
  EXPECT_FALSE(server_->silent());
}

TEST_F(StreamTlsTest, AHandshakeInTimeIsNotCutOffLater) {
  Open(milliseconds(2'000));
  ASSERT_TRUE(Until([&] { return !client_->handshaking() && !server_->handshaking(); }));
  const uint64_t begin = loop_.now_ms();
  ASSERT_TRUE(Until([&] { return loop_.now_ms() > begin + 2'100; }));
  EXPECT_TRUE(client_->open() && server_->open());
}

TEST_F(StreamTlsTest, WhoeverSpeaksPlainlyIsClosedWithAReason) {
  OpenAlone(kLong);
  ASSERT_EQ(support::SendSome(peer_, "PING\r\n"), 6u);
  ASSERT_TRUE(Until([&] { return server_owner_.broken == 1; }));
  EXPECT_EQ(server_owner_.why.find("TLS: it does not speak TLS"), 0u) << server_owner_.why;
  std::string said;
  ASSERT_TRUE(Until([&] { return support::ReadAll(peer_, &said) != support::Read::kNothing; }));
  EXPECT_TRUE(said.empty() || said.starts_with(kTlsAlert));
}

TEST_F(StreamTlsTest, AnEndInTheHandshakeIsAFailure) {
  OpenAlone(kLong);
  peer_.Close();
  ASSERT_TRUE(Until([&] { return server_owner_.broken == 1; }));
  EXPECT_EQ(server_owner_.why, "TLS: closed in the handshake");
  EXPECT_EQ(server_owner_.eofs, 0);
}

TEST_F(StreamTlsTest, AnOwnerMayCloseInsideAnyCallback) {
  Open();
  server_owner_.on_read = [&](const base::Slice& data) -> StreamOwner::Taken {
    server_->Close();
    return {data.size, 0};
  };
  client_owner_.on_eof = [&] { client_->Close(); };
  client_->Write(base::CopySlice(std::string(100'000, 'x')));
  ASSERT_TRUE(Until([&] { return !server_->open() && !client_->open(); }));
}

}  // namespace
}  // namespace net
