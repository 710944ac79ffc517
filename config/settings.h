// Every setting as a plain value: its default, unit and meaning.
//
// This file is the manual of the configuration. The default stands here and nowhere else:
// the loader binds a TOML key to a field and knows its range, the printer writes the field back,
// and neither repeats a value. "(live)" marks what a reload may change without a restart.
//
// Plain data, no thread of its own: a Settings is built once, then shared as
// `std::shared_ptr<const Settings>`. This header knows nobody.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace config {

using std::chrono::milliseconds;

// A TCP address as the operator wrote it: the host may be a name, an IPv4 or an IPv6 address
// (without brackets).
struct Address {
  std::string host;
  uint16_t port = 0;

  // "host:port", and "[v6]:port" where the host has a colon.
  std::string ToString() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
  friend bool operator==(const Address&, const Address&) = default;
};

// Where clients are accepted.
struct ListenAddress {
  enum class Kind { kTcp, kUnix, kTls };
  Kind kind = Kind::kTcp;
  Address address;   // kTcp, kTls
  std::string path;  // kUnix

  std::string ToString() const {
    switch (kind) {
      case Kind::kUnix:
        return "unix:" + path;
      case Kind::kTls:
        return "tls://" + address.ToString();
      case Kind::kTcp:
        break;
    }
    return address.ToString();
  }
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// One entry of proxy.users: somebody whose password the proxy itself checks.
struct User {
  std::string name;
  std::string password_file;
  std::string password;  // read from password_file while loading; never printed
  friend bool operator==(const User&, const User&) = default;
};

enum class ClientAuth { kNo, kOptional, kRequired };
enum class Discovery { kReplication, kSentinel, kStatic };
enum class Reads { kMaster, kPreferReplica, kReplica, kAny };
enum class Consistency { kEventual, kReadYourWrites };
enum class Distribution { kLazy, kEager };
enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };

// [proxy]: our side towards the clients.
struct ProxySettings {
  // "host:port", "[v6]:port", "unix:/path", "tls://host:port".
  // (The types are spelt out for GCC 12, which takes the shorter form for uninitialized at -O3.)
  std::vector<ListenAddress> listen = {
      ListenAddress{ListenAddress::Kind::kTcp, Address{"127.0.0.1", 6380}, {}}};
  // Event-loop threads; 0 = one for each core.
  uint32_t workers = 0;
  // (live) One more client gets the error that Redis gives, and is closed.
  uint32_t max_clients = 10000;
  // (live) A client that asks nothing for so long is closed; 0 = never.
  milliseconds client_idle_timeout{0};
  // (live) Bytes of replies waiting for a client that does not read; past it the client is closed.
  uint64_t client_output_limit = 64ull << 20;
  // (live) Bytes of one command, as Redis' client-query-buffer-limit.
  uint64_t client_query_limit = 1ull << 30;
  // Empty: the master checks AUTH and HELLO itself. Else the proxy checks them against these, and
  // speaks to the nodes with the credentials of [upstream].
  std::vector<User> users;
  // (live) SIGTERM: no new clients, running commands end, then close; at the latest after this.
  milliseconds drain_timeout{30'000};
};

// [proxy.tls]: for "tls://" listeners.
struct TlsSettings {
  std::string cert_file;  // (live)
  std::string key_file;   // (live)
  std::string ca_file;    // (live)
  ClientAuth client_auth = ClientAuth::kNo;
};

// [upstream]: the nodes behind us.
struct UpstreamSettings {
  // replication: ask `nodes` who is master and who its replicas are, and keep asking.
  // sentinel: ask the Sentinels. static: the first of `nodes` is the master, the others replicas.
  Discovery discovery = Discovery::kReplication;
  std::vector<Address> nodes = {{"127.0.0.1", 6379}};
  std::vector<Address> sentinels;
  std::string sentinel_master = "mymaster";
  std::string sentinel_username;
  std::string sentinel_password_file;
  // "" = the default user.
  std::string username;
  // What the proxy says to the nodes; password_file wins. After loading, `password` is the one to
  // use, wherever it came from.
  std::string password;
  std::string password_file;  // (live)
  bool tls = false;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_server_name;
  // (live) How often the replication state is asked.
  milliseconds poll_interval{500};
  milliseconds connect_timeout{1'000};
  // Shared connections that a worker keeps to a node, for each database, protocol and user in use.
  uint32_t lanes = 1;
  // Connections leased to single clients (MULTI, blocking, pub/sub), all workers together.
  uint32_t max_dedicated = 1000;
  // A leased connection that nobody uses for so long is closed.
  milliseconds dedicated_idle_timeout{60'000};
};

// [routing]: which node serves what.
struct RoutingSettings {
  // (live) Where read-only commands go.
  Reads reads = Reads::kMaster;
  // (live) 40 hex digits each, lower case after loading: scripts without `no-writes` that the
  // operator vouches for as read-only.
  std::vector<std::string> scripts_to_replicas;
  // (live) read-your-writes: a client's reads never miss its own writes.
  Consistency consistency = Consistency::kEventual;
  // (live) A replica further behind gets no reads; 0 = no limit.
  milliseconds max_replica_lag{10'000};
  // (live) How long commands wait for a master before they are refused.
  milliseconds failover_hold{5'000};
  // (live) SHUTDOWN is passed on to the master; else it is refused with an error naming this key.
  bool forward_shutdown = false;
};

// [scripts]: the bodies we keep and how nodes get them.
struct ScriptSettings {
  // (live) lazy: a node gets a body when a call needs it. eager: every node gets every script.
  Distribution distribution = Distribution::kLazy;
  // (live) Bytes of bodies kept; the least recently used go first.
  uint64_t max_memory = 64ull << 20;
  // Glob patterns of files that are known from the start.
  std::vector<std::string> preload;
  // A file: scripts survive a restart of the proxy.
  std::string journal;
  // (live) Send the digest for an EVAL whose body the node already has.
  bool eval_as_evalsha = true;
};

// [sync]: several proxies share one catalogue, by pub/sub through the master.
struct SyncSettings {
  bool enabled = false;
  std::string channel = "shacast:scripts";
};

// [admin]: HTTP: status page, metrics, health.
struct AdminSettings {
  std::string listen = "127.0.0.1:9121";  // "" = off
};

// [log]
struct LogSettings {
  LogLevel level = LogLevel::kInfo;  // (live)
  LogFormat format = LogFormat::kText;
  std::string file;  // "" = standard error; reopened at SIGHUP
};

struct Settings {
  ProxySettings proxy;
  TlsSettings tls;
  UpstreamSettings upstream;
  RoutingSettings routing;
  ScriptSettings scripts;
  SyncSettings sync;
  AdminSettings admin;
  LogSettings log;
};

}  // namespace config
