// TLS to clients, to nodes, or both, with real servers: who is let in, what is said of who is not,
// and certificates that change while shacast runs.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/ports.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

// A listener with TLS beside the plain one, with certificates of its own folder.
struct TlsListener {
  int port = FreePort();
  CertificateFiles files = TestAuthority().Issue("listener");

  ProxyConfig Config() const {
    ProxyConfig config;
    config.AlsoListen("tls://127.0.0.1:" + std::to_string(port))
        .Set("proxy.tls", "cert_file", TomlString(files.cert))
        .Set("proxy.tls", "key_file", TomlString(files.key));
    return config;
  }
  RespClient Connect(const TlsFiles& client = {TestAuthority().file(), "", ""}) const {
    return RespClient(Endpoint{"127.0.0.1", port, "", client});
  }
  // True if it is let in. In TLS 1.3 a client learns later that it is not.
  bool LetsIn(const TlsFiles& client) const {
    try {
      return Connect(client)("PING") == "+PONG";
    } catch (const std::runtime_error&) {
      return false;
    }
  }
};

ProxyConfig NodesByTls() {
  ProxyConfig config;
  config.Set("upstream", "tls", "true")
      .Set("upstream", "tls_ca_file", TomlString(TestAuthority().file()))
      .Set("upstream", "tls_cert_file", TomlString(TestCertificate().cert))
      .Set("upstream", "tls_key_file", TomlString(TestCertificate().key));
  return config;
}

RedisProcess::Options WithTls() {
  RedisProcess::Options options;
  options.tls = true;
  return options;
}

void Copy(const CertificateFiles& from, const CertificateFiles& to) {
  std::filesystem::rename(from.cert, to.cert);
  std::filesystem::rename(from.key, to.key);
}

TEST(Tls, ClientsByTlsAndPlainOnesAreServedSideBySide) {
  const TlsListener listener;
  StageOptions options;
  options.replicas = 1;
  options.reads = "master";
  options.config = listener.Config();
  Stage stage(options);
  RespClient tls = listener.Connect();
  RespClient plain = stage.Connect();
  EXPECT_EQ(tls("SET", "k", "v"), "+OK");
  EXPECT_EQ(plain("GETSET", "k", "w"), "v");
  EXPECT_EQ(tls("HELLO", "3").substr(0, 1), "{");
  const std::string body = "return {KEYS[1], ARGV[1]}";
  EXPECT_EQ(plain("SCRIPT", "LOAD", body), Sha1Hex(body));
  EXPECT_EQ(tls("EVALSHA", Sha1Hex(body), "1", "k", "a"), "[k, a]");
  const std::string large(30 << 20, 'x');
  EXPECT_EQ(tls("SET", "large", large), "+OK");
  EXPECT_TRUE(tls.Ask({"GET", "large"}).text == large);
}

TEST(Tls, NodesThatSpeakNothingElseAreFoundAndRepairedAndFollowed) {
  StageOptions options;
  options.config = NodesByTls();
  options.server = WithTls();
  options.read_scripts = ReadScripts(2);
  Stage stage(options);  // waits until both replicas are found and read from
  RespClient client = stage.Connect();
  EXPECT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), Sha1Hex(ReadScript(1)));
  for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  std::vector<RespClient::Args> calls;
  for (int i = 0; i < 500; ++i) calls.push_back({EvalShaForm(), Sha1Hex(ReadScript(1)), "0", "x"});
  for (const Value& answer : client.Pipeline(calls)) ASSERT_EQ(answer.Show(), "1:x");
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("INCR", "n"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[:1]");
  stage.master().Kill();
  stage.replica(0)("REPLICAOF", "NO", "ONE");
  ASSERT_TRUE(
      stage.proxy.WaitLog("topology.changed", "the master is " + stage.replica(0).address()));
  EXPECT_EQ(client("SET", "k", "v"), "+OK");
}

TEST(Tls, ClientsShowACertificateWhereItIsRequired) {
  const TlsListener listener;
  const CertificateAuthority stranger("stranger");
  const CertificateFiles own = TestAuthority().Issue("client");
  const CertificateFiles foreign = stranger.Issue("foreign");
  const CertificateFiles old = TestAuthority().Issue("old", {"IP:127.0.0.1", -7200, -3600});
  ProxyConfig config = listener.Config();
  config.Set("proxy.tls", "ca_file", TomlString(TestAuthority().file()))
      .Set("proxy.tls", "client_auth", TomlString("required"));
  StageOptions options;
  options.replicas = 0;
  options.config = config;
  Stage stage(options);
  const std::string ca = TestAuthority().file();
  EXPECT_TRUE(listener.LetsIn({ca, own.cert, own.key}));
  EXPECT_FALSE(listener.LetsIn({ca, "", ""}));
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "peer did not return a certificate"));
  EXPECT_FALSE(listener.LetsIn({ca, foreign.cert, foreign.key}));
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "unable to get local issuer certificate"));
  EXPECT_FALSE(listener.LetsIn({ca, old.cert, old.key}));
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "certificate has expired (CN = old)"));
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "address=127.0.0.1:"));
}

TEST(Tls, WhoSpeaksTheWrongWayIsClosedAndNamedInTheLog) {
  const TlsListener listener;
  StageOptions options;
  options.replicas = 0;
  options.config = listener.Config();
  Stage stage(options);
  RespClient plain(Endpoint{"127.0.0.1", listener.port, "", std::nullopt});
  plain.Send({"PING"});
  plain.ReadToEnd();
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "it does not speak TLS"));
  const Endpoint wrong{"127.0.0.1", stage.proxy.endpoint().port, "", TlsFiles{}};
  EXPECT_THROW(RespClient{wrong}, ConnectionEnded);
  EXPECT_TRUE(stage.proxy.WaitLog("client.tls_failed", "to a listener without tls://"));
  EXPECT_EQ(stage.Connect()("PING"), "+PONG");
}

TEST(Tls, CertificatesAreReadAnewAtSighupAndABadOneChangesNothing) {
  const TlsListener listener;
  StageOptions options;
  options.replicas = 0;
  options.config = listener.Config();
  options.config.Merge(NodesByTls());
  options.server = WithTls();
  Stage stage(options);
  const CertificateAuthority next("the next authority");
  const TlsFiles trusts_old{TestAuthority().file(), "", ""};
  const TlsFiles trusts_next{next.file(), "", ""};
  RespClient early = listener.Connect();
  EXPECT_EQ(early("PING"), "+PONG");
  EXPECT_FALSE(listener.LetsIn(trusts_next));

  // A key that does not belong to the certificate.
  std::filesystem::rename(listener.files.key, listener.files.key + ".kept");
  std::filesystem::rename(next.Issue("wrong").key, listener.files.key);
  stage.proxy.process().Signal(SIGHUP);
  ASSERT_TRUE(stage.proxy.WaitLog("reload.certificates_failed", listener.files.key));
  EXPECT_TRUE(stage.proxy.WaitLog("reload.certificates_failed", "key=proxy.tls.key_file"));
  EXPECT_TRUE(stage.proxy.LogLines("reload.certificates").empty());
  EXPECT_TRUE(listener.LetsIn(trusts_old));

  Copy(next.Issue("fresh"), listener.files);
  stage.proxy.process().Signal(SIGHUP);
  ASSERT_TRUE(stage.proxy.WaitLog("reload.certificates"));
  EXPECT_TRUE(listener.LetsIn(trusts_next));
  EXPECT_FALSE(listener.LetsIn(trusts_old));
  EXPECT_EQ(early("SET", "k", "v"), "+OK") << "whoever was there goes on";
}

TEST(Tls, ANodeOfWhomSomethingIsWrongIsNotUsedAndItIsSaidWhy) {
  const RedisProcess node(WithTls());
  const RedisProcess plain([] {
    RedisProcess::Options options;
    options.tls = false;
    return options;
  }());
  const CertificateAuthority stranger("stranger");
  struct Case {
    std::string address;
    ProxyConfig config;
    std::string why;
  };
  const std::string ca = TomlString(TestAuthority().file());
  ProxyConfig bare;
  bare.Set("upstream", "tls", "true");
  const auto with = [&](const std::string& key, const std::string& value) {
    ProxyConfig config = NodesByTls();
    config.Set("upstream", key, TomlString(value));
    return config;
  };
  ProxyConfig no_certificate;
  no_certificate.Set("upstream", "tls", "true").Set("upstream", "tls_ca_file", ca);
  const Case cases[] = {{node.address(), bare, "certificate verify failed"},
                        {node.address(), with("tls_ca_file", stranger.file()),
                         "self-signed certificate in certificate chain"},
                        {node.address(), with("tls_server_name", "other.example"),
                         "hostname mismatch, expected \"other.example\""},
                        {node.address(), no_certificate, "certificate required"},
                        {plain.address(), NodesByTls(), "TLS: no handshake within 1000 ms"},
                        {node.address(), ProxyConfig(), "does it want TLS? see upstream.tls"}};
  for (const Case& one : cases) {
    ProxyProcess proxy({one.address}, one.config);
    EXPECT_TRUE(proxy.WaitLog("node.down", one.why)) << one.why << proxy.Log();
    EXPECT_EQ(proxy.Nodes().at(0).at("state").text, "down");
  }
  ProxyProcess proxy({node.address()}, with("tls_server_name", "localhost"));
  EXPECT_TRUE(proxy.WaitLog("node.up"));
}

TEST(Tls, FilesThatCannotBeUsedAreNamedAtStartWithTheirPlace) {
  const TempFolder folder;
  const CertificateFiles one = TestAuthority().Issue("one");
  const CertificateFiles old = TestAuthority().Issue("old", {"IP:127.0.0.1", -7200, -3600});
  const auto config = [&](const std::string& cert, const std::string& key) {
    return folder.Write("c.toml",
                        "[proxy]\nlisten = [\"tls://127.0.0.1:" + std::to_string(FreePort()) +
                            "\"]\n[proxy.tls]\ncert_file = " + TomlString(cert) +
                            "\nkey_file = " + TomlString(key) + "\n");
  };
  const auto expect = [&](const std::string& file, const std::vector<std::string>& lines) {
    for (const bool check : {false, true}) {
      std::vector<std::string> arguments = {"--config", file};
      if (check) arguments.push_back("--check-config");
      const Finished run = RunToEnd(ProxyBinary(), arguments);
      EXPECT_EQ(run.status, 78);
      for (const std::string& line : lines)
        EXPECT_NE(run.err.find(file + line), std::string::npos) << line << "\n" << run.err;
    }
  };
  expect(config("/nowhere/c", "/nowhere/k"),
         {":4:13: proxy.tls.cert_file: cannot read \"/nowhere/c\": No such file or directory",
          ":5:12: proxy.tls.key_file: cannot read \"/nowhere/k\": No such file or directory"});
  expect(config(one.cert, TestCertificate().key),
         {":5:12: proxy.tls.key_file: the key in \"" + TestCertificate().key +
          "\" does not belong to the certificate in \"" + one.cert + "\""});
  expect(config(old.cert, old.key),
         {":4:13: proxy.tls.cert_file: the certificate in \"" + old.cert + "\" expired on "});
}

}  // namespace
