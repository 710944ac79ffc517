// Certificates of the tests' own, made when they are needed, in a folder that goes with its owner.
//
// With SHACAST_TEST_TLS=1 servers, shacast and clients of the system tests speak TLS to each other:
// see TestTls().
#pragma once

#include <string>

#include "tests/support/temp_folder.h"

namespace support {

struct CertificateFiles {
  std::string cert;
  std::string key;
};

// Somebody who signs. Any number of them may be at odds with each other.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name = "test authority");
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  struct Wish {
    std::string names = "IP:127.0.0.1,IP:::1,DNS:localhost";  // as subjectAltName has them
    long from_s = -3600;                                      // from now
    long until_s = 24 * 3600;
  };
  // The files NAME.crt and NAME.key; what was there is replaced.
  CertificateFiles Issue(const std::string& name) const { return Issue(name, Wish()); }
  CertificateFiles Issue(const std::string& name, const Wish& wish) const;

  // Its own certificate.
  std::string file() const { return folder_.File("ca.crt"); }
  std::string folder() const { return folder_.path(); }

 private:
  struct Signer;

  TempFolder folder_;
  Signer* signer_;
};

// The system tests run with TLS between everybody.
bool TestTls();
// Then they are all signed by this one, and show the certificate that is theirs.
const CertificateAuthority& TestAuthority();
const CertificateFiles& TestCertificate();

}  // namespace support
