#include "replication/node_facts.h"

#include <algorithm>
#include <charconv>

namespace replication {
namespace {

template <typename T>
std::optional<T> NumberOf(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the text up to `mark` off the front of `rest`.
std::string_view Next(std::string_view* rest, char mark) {
  const size_t at = std::min(rest->find(mark), rest->size());
  const std::string_view piece = rest->substr(0, at);
  rest->remove_prefix(std::min(at + 1, rest->size()));
  return piece;
}

bool IsReplicaKey(std::string_view key) {
  return key.size() > 5 && key.starts_with("slave") &&
         std::all_of(key.begin() + 5, key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "ip=127.0.0.1,port=7001,state=online,offset=14,lag=1,type=replica", or "127.0.0.1,7001,online".
std::optional<ReplicaFacts> ParseReplica(std::string_view value) {
  ReplicaFacts replica;
  bool has_port = false;
  std::optional<uint16_t> port;
  if (value.find('=') == std::string_view::npos) {
    replica.address.host = Next(&value, ',');
    port = NumberOf<uint16_t>(Next(&value, ','));
    has_port = true;
    replica.state = Next(&value, ',');
  }
  while (!value.empty()) {
    std::string_view field = Next(&value, ',');
    const std::string_view key = Next(&field, '=');
    if (key == "ip") {
      replica.address.host = field;
    } else if (key == "port") {
      port = NumberOf<uint16_t>(field);
      has_port = true;
    } else if (key == "state") {
      replica.state = field;
    } else if (key == "offset") {
      replica.offset = NumberOf<uint64_t>(field);
    } else if (key == "lag") {
      replica.lag_seconds = NumberOf<int64_t>(field);
    }
  }
  if (!has_port || !port || replica.address.host.empty()) return std::nullopt;
  replica.address.port = *port;
  return replica;
}

// What one line of INFO adds to the facts.
void TakeLine(std::string_view key, std::string_view value, NodeFacts* facts,
              config::Address* master) {
  const auto number = [&] { return NumberOf<uint64_t>(value).value_or(0); };
  if (key == "run_id") {
    facts->run_id = value;
  } else if (key == "role") {
    facts->role = value == "master"  ? Role::kMaster
                  : value == "slave" ? Role::kReplica
                                     : Role::kUnknown;
  } else if (key == "redis_version") {
    if (!facts->is_valkey) facts->version = value;
  } else if (key == "valkey_version") {
    facts->is_valkey = true;
    facts->version = "valkey " + std::string(value);
  } else if (key == "loading") {
    facts->loading = value != "0";
  } else if (key == "master_replid") {
    facts->replid = value;
  } else if (key == "master_repl_offset") {
    facts->offset = number();
  } else if (key == "sync_full") {
    facts->sync_full = number();
  } else if (key == "sync_partial_ok") {
    facts->sync_partial_ok = number();
  } else if (key == "master_host") {
    master->host = value;
  } else if (key == "master_port") {
    master->port = NumberOf<uint16_t>(value).value_or(0);
  } else if (key == "master_link_status") {
    facts->link_up = value == "up";
  } else if (key == "number_of_cached_scripts") {
    facts->cached_scripts = NumberOf<uint64_t>(value);
  } else if (key == "evicted_scripts") {
    facts->evicted_scripts = NumberOf<uint64_t>(value);
  } else if (IsReplicaKey(key)) {
    if (auto replica = ParseReplica(value)) facts->replicas.push_back(*std::move(replica));
  }
}

}  // namespace

bool NodeFacts::leaves_lying() const {
  if (is_valkey) return false;
  std::string_view rest = version;
  uint64_t number = 0;
  for (int part = 0; part < 3; ++part)
    number = 1000 * number + NumberOf<uint64_t>(Next(&rest, '.')).value_or(0);
  return number >= 3'002'000 && number < 6'002'002;
}

std::optional<NodeFacts> ParseInfo(std::string_view info, std::string* why) {
  NodeFacts facts;
  config::Address master;
  while (!info.empty()) {
    std::string_view line = Next(&info, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::string_view key = Next(&line, ':');
    TakeLine(key, line, &facts, &master);
  }
  if (facts.run_id.empty()) {
    *why = "its INFO has no run_id";
    return std::nullopt;
  }
  if (facts.role == Role::kUnknown) {
    *why = "its INFO has no role of master or replica";
    return std::nullopt;
  }
  if (facts.role == Role::kReplica && !master.host.empty() && master.port != 0)
    facts.master = std::move(master);
  return facts;
}

std::vector<uint64_t> ParseReplicaClients(std::string_view client_list) {
  std::vector<uint64_t> ids;
  while (!client_list.empty()) {
    std::string_view line = Next(&client_list, '\n');
    std::optional<uint64_t> id;
    bool replica = false;
    while (!line.empty()) {
      std::string_view field = Next(&line, ' ');
      const std::string_view key = Next(&field, '=');
      if (key == "id") id = NumberOf<uint64_t>(field);
      if (key == "flags") replica = field.find('S') != std::string_view::npos;
    }
    if (replica && id) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace replication
