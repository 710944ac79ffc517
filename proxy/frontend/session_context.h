// The few things of its worker that a session uses. Lives longer than every session.
//
// One worker's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "proxy/backend/identity.h"
#include "proxy/backend/nodes.h"
#include "proxy/base/counters.h"
#include "proxy/base/log.h"
#include "proxy/frontend/call.h"
#include "proxy/frontend/client_hub.h"
#include "proxy/frontend/client_line.h"
#include "proxy/frontend/script_hub.h"
#include "proxy/net/loop.h"
#include "proxy/resp/command_table.h"
#include "replication/script_registry.h"

namespace frontend {

class EvalRights;
class MissChecks;
class Orphans;

// Bodies sent in the place of a sha and not answered yet, for two epochs of lua_scripts that follow
// each other: a SCRIPT FLUSH waits until none of its own past is on the way.
struct BodiesOnTheWay {
  uint32_t count[2] = {0, 0};
  uint32_t& Of(uint64_t epoch) { return count[epoch & 1]; }
};

// The whole process, for those who ask about it. Never changes, but for the number of clients.
struct ProcessFacts {
  std::string_view version;
  size_t workers = 0;
  const std::atomic<uint64_t>& clients;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  int64_t uptime_s() const {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                            started)
        .count();
  }
};

struct SessionContext {
  net::Loop& loop;
  const config::Settings& settings;
  base::Counters& counters;
  const std::vector<const base::Counters*>& all_counters;  // of all workers
  CallPool& calls;
  backend::Nodes& nodes;
  backend::IdentityTable& identities;
  // Who the proxy is to the nodes by its own configuration.
  backend::IdentityRef own_identity;
  replication::ScriptRegistry& scripts;
  BodiesOnTheWay& bodies;
  MissChecks& miss_checks;
  Orphans& orphans;
  EvalRights& eval_rights;
  ScriptHub& hub;
  ClientHub& client_hub;
  const ProcessFacts& process;
  size_t worker;  // whose it is, from 0
  // Lines about single scripts and calls.
  base::log::Budget& script_lines;
  // ... and about NOSCRIPT that is as it should be. Clients that try EVALSHA first make many, which
  // must not use up the lines for what is not as it should be.
  base::log::Budget& noscript_lines;
  // routing.scripts_to_replicas, sorted.
  std::vector<replication::Sha1> vouched;
  // The command table; never null.
  std::shared_ptr<const resp::CommandTable> table;
  // Where arguments are put while a command is taken apart.
  std::vector<std::string_view> args;
  // What the server's CLIENT LIST was last seen to tell of a client; empty at first.
  ClientFields client_fields = {};
  // Counts up with every use of a script, so that the least recently used one is known.
  uint64_t Tick() { return (loop.now_ms() << 16) + (++ticks_ & 0xffff); }

  uint64_t ticks_ = 0;
  // Lines about clients whose TLS handshake failed.
  base::log::Budget tls_lines{20};
};

}  // namespace frontend
