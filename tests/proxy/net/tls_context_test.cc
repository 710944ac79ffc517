// Which files can be used, and what is said of those that cannot.
#include "proxy/net/tls_context.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <filesystem>
#include <fstream>

#include "tests/proxy/net/tls_support.h"

namespace net {
namespace {

using Lines = std::vector<std::string>;

Lines LinesOf(const TlsLoaded& loaded) {
  Lines lines;
  for (const auto& complaint : loaded.complaints)
    lines.push_back(complaint.key + ": " + complaint.words);
  EXPECT_EQ(loaded.context == nullptr, !lines.empty());
  return lines;
}

class TlsContextTest : public TlsTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    return folder_.Write(name, text);
  }
  Lines ComplaintsAboutServer() { return LinesOf(TlsContext::ForClients(server_)); }
  Lines ComplaintsAboutClient() { return LinesOf(TlsContext::ForNodes(client_)); }

  support::TempFolder folder_;
  config::TlsSettings server_ = ServerSettings();
  config::UpstreamSettings client_ = ClientSettings();
};

TEST_F(TlsContextTest, GoodFilesMakeOne) {
  server_.ca_file = Authority().file();
  server_.client_auth = config::ClientAuth::kRequired;
  EXPECT_EQ(ComplaintsAboutServer(), Lines());
  client_.tls_cert_file = server_.cert_file;
  client_.tls_key_file = server_.key_file;
  EXPECT_EQ(ComplaintsAboutClient(), Lines());
}

TEST_F(TlsContextTest, WithoutACaTheSystemIsAsked) {
  client_.tls_ca_file = "";
  EXPECT_EQ(ComplaintsAboutClient(), Lines());
}

TEST_F(TlsContextTest, FilesThatAreNotThereAreAllNamedAtOnce) {
  server_ = {"/nowhere/c", "/nowhere/k", "/nowhere/a", config::ClientAuth::kRequired};
  const std::string why = ": No such file or directory";
  EXPECT_EQ(ComplaintsAboutServer(),
            (Lines{"proxy.tls.cert_file: cannot read \"/nowhere/c\"" + why,
                   "proxy.tls.key_file: cannot read \"/nowhere/k\"" + why,
                   "proxy.tls.ca_file: cannot read \"/nowhere/a\"" + why}));
  client_.tls_cert_file = "/nowhere/c";
  client_.tls_key_file = folder_.path();
  client_.tls_ca_file = "/dev/null";
  EXPECT_EQ(ComplaintsAboutClient(),
            (Lines{"upstream.tls_cert_file: cannot read \"/nowhere/c\"" + why,
                   "upstream.tls_key_file: cannot read \"" + folder_.path() + "\": Is a directory",
                   "upstream.tls_ca_file: \"/dev/null\" is no file"}));
}

TEST_F(TlsContextTest, FilesThatHoldSomethingElseAreNamed) {
  server_.cert_file = Write("c", "no certificate\n");
  server_.key_file = Write("k", "");
  server_.ca_file = support::TestCertificate().key;
  EXPECT_EQ(ComplaintsAboutServer(),
            (Lines{"proxy.tls.cert_file: \"" + server_.cert_file + "\" holds no certificate",
                   "proxy.tls.key_file: \"" + server_.key_file + "\" holds no private key",
                   "proxy.tls.ca_file: \"" + server_.ca_file + "\" holds no certificate"}));
}

TEST_F(TlsContextTest, AKeyOfAnotherCertificateIsNamed) {
  server_.key_file = Authority().Issue("other").key;
  EXPECT_EQ(ComplaintsAboutServer(),
            Lines{"proxy.tls.key_file: the key in \"" + server_.key_file +
                  "\" does not belong to the certificate in \"" + server_.cert_file + "\""});
}

TEST_F(TlsContextTest, ACertificateOutOfItsTimeIsNamed) {
  const auto old = Authority().Issue("old", {"IP:127.0.0.1", -7200, -3600});
  const auto early = Authority().Issue("early", {"IP:127.0.0.1", 3600, 7200});
  server_.cert_file = old.cert;
  server_.key_file = old.key;
  Lines lines = ComplaintsAboutServer();
  ASSERT_EQ(lines.size(), 1u);
  const std::string begin = "proxy.tls.cert_file: the certificate in \"";
  EXPECT_EQ(lines[0].find(begin + old.cert + "\" expired on "), 0u) << lines[0];
  client_.tls_cert_file = early.cert;
  client_.tls_key_file = early.key;
  lines = ComplaintsAboutClient();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(early.cert + "\" is valid only from "), std::string::npos) << lines[0];
}

TEST_F(TlsContextTest, AKeyWithAPassphraseIsRefusedInsteadOfAskedFor) {
  const std::string path = folder_.File("secret.key");
  FILE* from = std::fopen(server_.key_file.c_str(), "r");
  EVP_PKEY* key = PEM_read_PrivateKey(from, nullptr, nullptr, nullptr);
  std::fclose(from);
  FILE* to = std::fopen(path.c_str(), "w");
  const unsigned char phrase[] = "phrase";
  PEM_write_PrivateKey(to, key, EVP_aes_128_cbc(), phrase, sizeof phrase - 1, nullptr, nullptr);
  std::fclose(to);
  EVP_PKEY_free(key);
  server_.key_file = path;
  EXPECT_EQ(ComplaintsAboutServer(),
            Lines{"proxy.tls.key_file: the key in \"" + path + "\" wants a passphrase"});
}

}  // namespace
}  // namespace net
