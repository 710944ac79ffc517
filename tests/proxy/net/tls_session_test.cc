// Two sides in memory: however their bytes are cut, and whatever is wrong with them.
#include "proxy/net/tls_session.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>

#include "tests/proxy/net/tls_support.h"

namespace net {
namespace {

using State = TlsSession::State;

class TlsSessionTest : public TlsTest {
 protected:
  // One side: what it read so far, and how it stands.
  struct Side {
    Side(const TlsContext& context, const std::string& host, base::ChunkPool& pool)
        : session(context, host, pool) {}
    TlsSession session;
    std::string read;
    State state = State::kWants;
  };

  void Open(TlsRef server = Server(), TlsRef client = Client(),
            const std::string& host = "127.0.0.1") {
    server_ = std::make_unique<Side>(*server, "", pool_);
    client_ = std::make_unique<Side>(*client, host, pool_);
    Work(*client_);
  }

  static void Work(Side& side) {
    if (!side.session.established()) {
      side.state = side.session.Shake();
      if (side.state != State::kGoesOn) return;
    }
    do {
      char space[1000];
      size_t n = 0;
      side.state = side.session.Read(space, &n);
      side.read.append(space, n);
    } while (side.state == State::kGoesOn);
  }
  static void Feed(Side& to, std::string_view bytes) {
    if (to.state == State::kFailed || to.state == State::kEnd || bytes.empty()) return;
    to.session.Feed(base::CopySlice(bytes));
    Work(to);
  }
  static std::string Take(Side& side) {
    std::string bytes = side.session.output().Flatten();
    side.session.Sent(bytes.size());
    return bytes;
  }
  // Carries bytes both ways, in pieces of `size`, until there are no more.
  void Carry(size_t size = ~size_t{0}) {
    for (bool any = true; any;) {
      any = false;
      for (auto [from, to] :
           {std::pair{client_.get(), server_.get()}, std::pair{server_.get(), client_.get()}}) {
        const std::string bytes = Take(*from);
        for (size_t at = 0; at < bytes.size(); at += std::min(size, bytes.size() - at))
          Feed(*to, std::string_view(bytes).substr(at, size));
        any = any || !bytes.empty();
      }
    }
  }
  static void Say(Side& side, std::string_view words) {
    base::ByteQueue queue;
    queue.Append(base::CopySlice(words));
    EXPECT_EQ(side.session.Write(&queue, ~size_t{0}), words.size());
    EXPECT_TRUE(queue.empty());
  }
  // The handshake fails; why, as the server and the client say it.
  std::pair<std::string, std::string> Fails() {
    Carry();
    EXPECT_FALSE(server_->session.established() && client_->state != State::kFailed);
    return {server_->session.why(), client_->session.why()};
  }
  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  base::ChunkPool pool_;
  std::unique_ptr<Side> server_;
  std::unique_ptr<Side> client_;
};

TEST_F(TlsSessionTest, InPiecesOfAnySizeTheSameBytesArrive) {
  for (const size_t size : {1, 2, 3, 5, 6, 7, 64, 999, 1 << 20}) {
    Open();
    Carry(size);
    ASSERT_TRUE(server_->session.established() && client_->session.established()) << size;
    Say(*client_, "PING\r\n");
    Say(*server_, std::string(40'000, 'x'));
    Carry(size);
    EXPECT_EQ(server_->read, "PING\r\n") << size;
    EXPECT_EQ(client_->read, std::string(40'000, 'x')) << size;
    EXPECT_FALSE(server_->session.has_input());
  }
}

TEST_F(TlsSessionTest, CutAtAnyByteARecordIsTheSame) {
  Open();
  Carry();
  for (size_t cut = 0; cut < 60; ++cut) {
    Say(*client_, "a command");
    Say(*client_, "and one more");
    const std::string bytes = Take(*client_);
    ASSERT_GT(bytes.size(), 60u);
    server_->read.clear();
    Feed(*server_, std::string_view(bytes).substr(0, cut));
    Feed(*server_, std::string_view(bytes).substr(cut));
    EXPECT_EQ(server_->read, "a commandand one more") << cut;
  }
}

TEST_F(TlsSessionTest, ManySmallPiecesAreOneRecord) {
  Open();
  Carry();
  base::ByteQueue queue;
  for (int i = 0; i < 60; ++i) queue.Append(base::CopySlice("+OK\r\n"));
  EXPECT_EQ(client_->session.Write(&queue, ~size_t{0}), 300u);
  EXPECT_LT(client_->session.output().bytes(), 300u + 60u);
  Carry();
  EXPECT_EQ(server_->read.size(), 300u);
  // No more than it was allowed to, by a record.
  queue.Append(base::CopySlice(std::string(1'000'000, 'x')));
  const size_t taken = client_->session.Write(&queue, 50'000);
  EXPECT_GE(taken, 50'000u);
  EXPECT_LE(taken, 50'000u + 16'384u);
  EXPECT_EQ(queue.bytes(), 1'000'000 - taken);
}

TEST_F(TlsSessionTest, TheEndIsToldAndTheOtherDirectionGoesOn) {
  Open();
  Carry();
  Say(*client_, "last words");
  client_->session.End();
  Carry();
  EXPECT_EQ(server_->read, "last words");
  EXPECT_EQ(server_->state, State::kEnd);
  Say(*server_, "an answer");
  Carry();
  EXPECT_EQ(client_->read, "an answer");
}

TEST_F(TlsSessionTest, WhatIsNoTlsIsToldFromIt) {
  for (const std::string bytes : {"PING\r\n", "*1\r\n$4\r\nPING\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    Open();
    Feed(*server_, bytes);
    EXPECT_EQ(server_->state, State::kFailed);
    EXPECT_EQ(server_->session.why().find("TLS: it does not speak TLS ("), 0u)
        << server_->session.why();
    Feed(*client_, "-ERR unknown command\r\n");
    EXPECT_EQ(client_->state, State::kFailed);
    EXPECT_EQ(client_->session.why().find("TLS: the node does not speak TLS ("), 0u)
        << client_->session.why();
  }
}

TEST_F(TlsSessionTest, AHandshakeWithAByteChangedNeverGoesThroughUnnoticed) {
  Open();
  const std::string hello = Take(*client_);
  for (size_t at = 0; at < hello.size(); at += 7) {
    std::string changed = hello;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    Open();
    Take(*client_);  // another hello, which is lost
    Feed(*server_, changed);
    Carry();
    EXPECT_FALSE(server_->session.established()) << at;
  }
}

TEST_F(TlsSessionTest, ARecordThatWasChangedOrIsTooLargeIsAFailure) {
  Open();
  Carry();
  Say(*client_, "words");
  std::string bytes = Take(*client_);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Feed(*server_, bytes);
  EXPECT_EQ(server_->state, State::kFailed);
  EXPECT_TRUE(Has(server_->session.why(), "bad record mac")) << server_->session.why();
  EXPECT_EQ(server_->read, "");
  Open();
  Carry();
  Feed(*server_, std::string("\x17\x03\x03\xff\xff") + std::string(70'000, 'x'));
  EXPECT_EQ(server_->state, State::kFailed);
  EXPECT_TRUE(Has(server_->session.why(), "length too long")) << server_->session.why();
}

TEST_F(TlsSessionTest, ANodesCertificateIsHeldToTheNameThatWasDialled) {
  const auto files = Authority().Issue("named", {"DNS:node.example,IP:::1", -60, 3600});
  config::TlsSettings settings = ServerSettings();
  settings.cert_file = files.cert;
  settings.key_file = files.key;
  for (const std::string host : {"node.example", "::1"}) {
    Open(Server(settings), Client(), host);
    Carry();
    EXPECT_TRUE(server_->session.established()) << host << client_->session.why();
  }
  Open(Server(settings), Client(), "127.0.0.1");
  EXPECT_EQ(Fails().second,
            "TLS: certificate verify failed: IP address mismatch, expected \"127.0.0.1\" (CN = "
            "named)");
  Open(Server(settings), Client(), "other.example");
  EXPECT_TRUE(Has(Fails().second, "mismatch, expected \"other.example\"")) << Fails().second;
  // The name of the settings stands for whatever is dialled.
  config::UpstreamSettings named = ClientSettings();
  named.tls_server_name = "node.example";
  Open(Server(settings), Client(named), "127.0.0.1");
  Carry();
  EXPECT_TRUE(client_->session.established()) << client_->session.why();
  named.tls_server_name = "other.example";
  Open(Server(settings), Client(named), "node.example");
  EXPECT_TRUE(Has(Fails().second, "expected \"other.example\""));
}

TEST_F(TlsSessionTest, ANodeThatNobodyKnownHasSignedForIsRefused) {
  const support::CertificateAuthority other("another authority");
  config::UpstreamSettings settings = ClientSettings();
  settings.tls_ca_file = other.file();
  Open(Server(), Client(settings));
  const auto [server, client] = Fails();
  EXPECT_TRUE(Has(client, "certificate verify failed: unable to get local issuer certificate"))
      << client;
  EXPECT_TRUE(Has(server, "unknown ca")) << server;
}

TEST_F(TlsSessionTest, ClientsShowACertificateIfTheyMust) {
  const support::CertificateAuthority other("another authority");
  config::UpstreamSettings without = ClientSettings();
  config::UpstreamSettings with = without;
  with.tls_cert_file = support::TestCertificate().cert;
  with.tls_key_file = support::TestCertificate().key;
  const auto foreign = other.Issue("foreign");
  config::UpstreamSettings wrong = without;
  wrong.tls_cert_file = foreign.cert;
  wrong.tls_key_file = foreign.key;
  config::TlsSettings settings = ServerSettings();
  settings.ca_file = Authority().file();
  using config::ClientAuth;
  struct Case {
    ClientAuth auth;
    const config::UpstreamSettings* client;
    std::string why;  // "" = it is let in
  };
  const std::string none = "peer did not return a certificate";
  const std::string bad = "certificate verify failed: unable to get local issuer certificate";
  const Case cases[] = {
      {ClientAuth::kNo, &without, ""},       {ClientAuth::kNo, &wrong, ""},
      {ClientAuth::kOptional, &without, ""}, {ClientAuth::kOptional, &with, ""},
      {ClientAuth::kOptional, &wrong, bad},  {ClientAuth::kRequired, &without, none},
      {ClientAuth::kRequired, &with, ""},    {ClientAuth::kRequired, &wrong, bad}};
  for (const Case& one : cases) {
    settings.client_auth = one.auth;
    Open(Server(settings), Client(*one.client));
    Carry();
    EXPECT_EQ(server_->session.established(), one.why.empty()) << server_->session.why();
    EXPECT_TRUE(Has(server_->session.why(), one.why)) << server_->session.why();
  }
}

}  // namespace
}  // namespace net
