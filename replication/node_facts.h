// What a node says of itself: its INFO and CLIENT LIST replies, read into facts.
//
// What is missing is said, not guessed: a reply without a run id or a role is no set of facts. Old
// and new forms are taken (`slave0:ip,port,state` of Redis 2.6, `type=` of Valkey 8), and what is
// not known is passed over.
//
// Pure functions of text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "replication/node.h"

namespace replication {

// One line of the master's list. Port 0 is no replica that could be asked: a redis-cli --rdb, or a
// link that is not configured yet; it stays in the list because its coming is an attach.
struct ReplicaFacts {
  config::Address address;
  std::string state;  // "online", "wait_bgsave", ...
  std::optional<uint64_t> offset;
  std::optional<int64_t> lag_seconds;

  friend bool operator==(const ReplicaFacts&, const ReplicaFacts&) = default;
};

struct NodeFacts {
  std::string run_id;
  Role role = Role::kUnknown;
  std::string version;  // "7.0.15", "valkey 8.1.1"
  bool is_valkey = false;
  bool loading = false;

  std::string replid;
  uint64_t offset = 0;  // master_repl_offset
  uint64_t sync_full = 0;
  uint64_t sync_partial_ok = 0;
  std::vector<ReplicaFacts> replicas;
  // Client ids of the links to replicas; nullopt where CLIENT LIST is not allowed.
  std::optional<std::vector<uint64_t>> replica_clients;

  // A replica's own words.
  std::optional<config::Address> master;
  bool link_up = false;

  std::optional<uint64_t> cached_scripts;
  std::optional<uint64_t> evicted_scripts;  // told by servers that evict

  // It may lose single scripts that came by EVAL (Redis 7.4, Valkey 8 and later).
  bool evicts() const { return evicted_scripts.has_value(); }
  // Of a connection whose script was slow it leaves unanswered what it had read with the script,
  // until more bytes come (Redis 3.2 to 6.2.1).
  bool leaves_lying() const;
};

// The reply to INFO, all sections. Returns nullopt, with the reason in `why`, if it lacks what
// makes a node.
std::optional<NodeFacts> ParseInfo(std::string_view info, std::string* why);

// The reply to CLIENT LIST: ids of those with the flag S, sorted.
std::vector<uint64_t> ParseReplicaClients(std::string_view client_list);

}  // namespace replication
