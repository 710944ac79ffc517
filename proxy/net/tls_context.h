// Certificates, and what they are held to: one side's files, read once.
//
// There is one for the clients' side (proxy.tls.*) and one for the nodes' (upstream.tls_*). To read
// the files anew is to make another one: sessions that began with the old one keep it.
//
// TLS 1.2 and up, no renegotiation, no session cache (a client may resume by ticket; the keys of
// the tickets go with the context). A key with a passphrase is refused: nobody is there to be
// asked.
//
// Immutable after it was made; any thread may begin sessions with it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

struct ssl_ctx_st;

namespace net {

// How an alert begins: what a TLS server says to whoever speaks plainly.
inline constexpr std::string_view kTlsAlert = "\x15\x03";

class TlsContext;
using TlsRef = std::shared_ptr<const TlsContext>;

// What is wrong with a file.
struct TlsComplaint {
  std::string key;    // "proxy.tls.cert_file"
  std::string words;  // name the file
};

struct TlsLoaded {
  TlsRef context;  // null if there are complaints
  std::vector<TlsComplaint> complaints;
};

class TlsContext {
 public:
  // For "tls://" listeners. REQUIRES: cert_file and key_file are set.
  static TlsLoaded ForClients(const config::TlsSettings& settings);
  // For connections to nodes. Without a CA file the system's store is asked.
  static TlsLoaded ForNodes(const config::UpstreamSettings& settings);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  // We accept, instead of connect.
  bool for_clients() const { return for_clients_; }
  // The name in the nodes' certificates; "" = the host that is dialled.
  const std::string& server_name() const { return server_name_; }

 private:
  TlsContext(bool for_clients, std::string server_name);

  ssl_ctx_st* context_;
  const bool for_clients_;
  const std::string server_name_;
};

}  // namespace net
