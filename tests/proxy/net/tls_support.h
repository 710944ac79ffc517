// What the tests of TLS share: certificates, and the contexts of both sides.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "proxy/net/tls_context.h"
#include "tests/support/certificates.h"

namespace net {

class TlsTest : public ::testing::Test {
 protected:
  // One for all tests of a program: making keys takes time.
  static const support::CertificateAuthority& Authority() { return support::TestAuthority(); }

  static config::TlsSettings ServerSettings() {
    config::TlsSettings settings;
    settings.cert_file = support::TestCertificate().cert;
    settings.key_file = support::TestCertificate().key;
    return settings;
  }
  static config::UpstreamSettings ClientSettings() {
    config::UpstreamSettings settings;
    settings.tls = true;
    settings.tls_ca_file = Authority().file();
    return settings;
  }
  static TlsRef Server(const config::TlsSettings& settings = ServerSettings()) {
    TlsLoaded loaded = TlsContext::ForClients(settings);
    for (const auto& complaint : loaded.complaints) ADD_FAILURE() << complaint.words;
    return loaded.context;
  }
  static TlsRef Client(const config::UpstreamSettings& settings = ClientSettings()) {
    TlsLoaded loaded = TlsContext::ForNodes(settings);
    for (const auto& complaint : loaded.complaints) ADD_FAILURE() << complaint.words;
    return loaded.context;
  }
};

}  // namespace net
