// The certificates of both sides, as the configuration names them: read at start, for
// --check-config, and anew at SIGHUP.
//
// Any thread.
#pragma once

#include <vector>

#include "config/settings.h"
#include "proxy/net/tls_context.h"

namespace proxy {

struct Certificates {
  net::TlsRef clients;  // null: no listener with TLS
  net::TlsRef nodes;    // null: nodes are spoken to plainly
  // What is wrong; then neither side is fit for use.
  std::vector<net::TlsComplaint> complaints;
};

Certificates ReadCertificates(const config::Settings& settings);

}  // namespace proxy
