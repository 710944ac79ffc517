#include "config/contradictions.h"

#include <gtest/gtest.h>

#include "tests/config/config_support.h"

namespace config {
namespace {

// The complaints that are not about what this version cannot do yet: contradictions hold for
// those keys too.
Lines Contradictions(std::string_view toml) {
  Lines lines;
  for (const std::string& line : ComplaintsAbout(toml)) {
    if (line.find("not yet supported") == line.npos) lines.push_back(line);
  }
  return lines;
}

TEST(Contradictions, ThereIsSomewhereToConnectAndSomethingToAsk) {
  EXPECT_EQ(Contradictions("proxy.listen = []"),
            Lines{"f:1:16: proxy.listen: is empty, clients could not connect"});
  EXPECT_EQ(Contradictions("upstream.nodes = []"),
            Lines{"f:1:18: upstream.nodes: is empty, discovery = \"replication\" needs a node"});
  EXPECT_EQ(Contradictions("upstream = { nodes = [], discovery = \"static\" }"),
            Lines{"f:1:22: upstream.nodes: is empty, discovery = \"static\" needs a node"});
}

TEST(Contradictions, TheProxyIsNotItsOwnNode) {
  EXPECT_EQ(Contradictions("proxy.listen = [\"127.0.0.1:6379\"]"),
            Lines{"f:1:16: proxy.listen: \"127.0.0.1:6379\" is an address of upstream.nodes"});
  EXPECT_EQ(Contradictions("upstream.nodes = [\"a:1\", \"127.0.0.1:6380\"]"),
            Lines{"f:1:26: upstream.nodes: \"127.0.0.1:6380\" is an address of proxy.listen"});
}

TEST(Contradictions, SentinelDiscoveryNeedsSentinels) {
  EXPECT_EQ(Contradictions("upstream.discovery = \"sentinel\""),
            Lines{"f:1:22: upstream.discovery: \"sentinel\" needs upstream.sentinels"});
  EXPECT_EQ(Contradictions("upstream = { discovery = \"sentinel\", sentinels = [\"s:1\"], "
                           "nodes = [] }"),
            Lines());
  EXPECT_EQ(Contradictions("upstream = { discovery = \"sentinel\", sentinels = [\"s:1\"], "
                           "sentinel_username = \"x\" }"),
            Lines{"f:1:79: upstream.sentinel_username: needs upstream.sentinel_password_file"});
}

TEST(Contradictions, SentinelKeysNeedSentinelDiscovery) {
  EXPECT_EQ(
      Contradictions("[upstream]\nsentinels = [\"s:1\"]\nsentinel_master = \"m\"\n"
                     "sentinel_password_file = \"p\"\n"),
      (Lines{"f:2:13: upstream.sentinels: is set, but discovery is \"replication\", not "
             "\"sentinel\"",
             "f:3:19: upstream.sentinel_master: is set, but discovery is \"replication\", not "
             "\"sentinel\"",
             "f:4:26: upstream.sentinel_password_file: is set, but discovery is "
             "\"replication\", not \"sentinel\""}));
}

TEST(Contradictions, AListenerWithTlsNeedsCertificateAndKey) {
  const std::string listen = "listen = [\"h:1\", \"tls://h:2\"]\n";
  const Lines incomplete = {
      "f:2:18: proxy.listen: \"tls://h:2\" needs proxy.tls.cert_file and proxy.tls.key_file"};
  EXPECT_EQ(Contradictions("[proxy]\n" + listen), incomplete);
  EXPECT_EQ(Contradictions("[proxy]\n" + listen + "tls.cert_file = \"c\""), incomplete);
  EXPECT_EQ(Contradictions("[proxy]\n" + listen + "tls.cert_file = \"c\"\ntls.key_file = \"k\""),
            Lines());
  EXPECT_EQ(Contradictions("[proxy]\n" + listen +
                           "tls.cert_file = \"c\"\ntls.key_file = \"k\"\n"
                           "tls.client_auth = \"optional\""),
            Lines{"f:5:19: proxy.tls.client_auth: needs proxy.tls.ca_file"});
}

TEST(Contradictions, TlsKeysNeedAListenerWithTls) {
  EXPECT_EQ(Contradictions("[proxy.tls]\ncert_file = \"c\"\nkey_file = \"\"\nclient_auth = "
                           "\"required\"\n"),
            (Lines{"f:2:13: proxy.tls.cert_file: is set, but no address of proxy.listen begins "
                   "with tls://",
                   "f:4:15: proxy.tls.client_auth: is set, but no address of proxy.listen begins "
                   "with tls://"}));
}

TEST(Contradictions, AUsernameNeedsAPassword) {
  EXPECT_EQ(Contradictions("upstream.username = \"u\""),
            Lines{"f:1:21: upstream.username: is set, but neither password nor password_file is"});
  EXPECT_EQ(Contradictions("upstream = { username = \"u\", password = \"p\" }"), Lines());
  EXPECT_EQ(Contradictions("upstream.password = \"p\""), Lines());
}

TEST(Contradictions, TlsKeysOfNodesNeedTls) {
  EXPECT_EQ(Contradictions("upstream.tls_ca_file = \"c\""),
            Lines{"f:1:24: upstream.tls_ca_file: is set, but upstream.tls is false"});
  EXPECT_EQ(Contradictions("upstream = { tls = true, tls_ca_file = \"c\" }"), Lines());
  EXPECT_EQ(Contradictions("upstream = { tls = true, tls_cert_file = \"c\" }"),
            Lines{"f:1:42: upstream.tls_cert_file: needs upstream.tls_key_file"});
  EXPECT_EQ(Contradictions("upstream = { tls = true, tls_key_file = \"c\" }"),
            Lines{"f:1:41: upstream.tls_key_file: needs upstream.tls_cert_file"});
}

TEST(Contradictions, WhatWasRefusedIsNotJudgedAgain) {
  EXPECT_EQ(ComplaintsAbout("[upstream]\nusername = \"u\"\npassword = 1\n").size(), 1u);
  EXPECT_EQ(ComplaintsAbout("[upstream]\nnodes = [1]\n").size(), 1u);
  EXPECT_EQ(ComplaintsAbout("[upstream]\ndiscovery = \"sentinels\"\nnodes = []\n").size(), 1u);
  EXPECT_EQ(ComplaintsAbout("[upstream]\ntls = 1\ntls_ca_file = 2\n").size(), 2u);
  EXPECT_EQ(ComplaintsAbout("[proxy]\nlisten = [\"tls://\"]\ntls.cert_file = 3\n").size(), 2u);
}

}  // namespace
}  // namespace config
