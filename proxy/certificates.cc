#include "proxy/certificates.h"

#include <algorithm>
#include <utility>

namespace proxy {

Certificates ReadCertificates(const config::Settings& settings) {
  Certificates certificates;
  const auto& listen = settings.proxy.listen;
  if (std::any_of(listen.begin(), listen.end(), [](const config::ListenAddress& address) {
        return address.kind == config::ListenAddress::Kind::kTls;
      })) {
    net::TlsLoaded loaded = net::TlsContext::ForClients(settings.tls);
    certificates.clients = std::move(loaded.context);
    certificates.complaints = std::move(loaded.complaints);
  }
  if (settings.upstream.tls) {
    net::TlsLoaded loaded = net::TlsContext::ForNodes(settings.upstream);
    certificates.nodes = std::move(loaded.context);
    for (auto& complaint : loaded.complaints)
      certificates.complaints.push_back(std::move(complaint));
  }
  return certificates;
}

}  // namespace proxy
