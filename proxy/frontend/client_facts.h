// What can be told of one client, taken at one moment: for CLIENT LIST, INFO and KILL, and for
// PROXY CLIENTS. Plain data; it travels between workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace frontend {

struct ClientFacts {
  uint64_t id = 0;
  std::string addr;  // "127.0.0.1:6380", "[::1]:6380"; "/run/shacast.sock:0" by a unix socket
  std::string laddr;
  int fd = -1;
  std::string name;
  uint64_t age_s = 0;
  uint64_t idle_s = 0;
  std::string flags;  // the server's letters; "N" if there is none
  std::string capa;   // of CLIENT CAPA: "r"
  int db = 0;
  int resp = 2;
  size_t sub = 0;  // channels, patterns, channels of shards
  size_t psub = 0;
  size_t ssub = 0;
  int64_t multi = -1;  // commands queued; -1 outside MULTI
  size_t watch = 0;
  size_t qbuf = 0;    // bytes read and not taken apart
  size_t output = 0;  // bytes of replies that wait for their turn, or for the client
  std::string cmd;    // the last one, "client|list"; "NULL" if there was none
  std::string user;
  int64_t redir = -1;
  std::string lib_name;
  std::string lib_ver;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t commands = 0;

  // Of shacast's own.
  size_t worker = 0;
  // "lane", "lease"; "kept": a lease that stays, for subscriptions and the like; "raw": MONITOR,
  // SYNC; "" while nothing is on the way.
  std::string where;
  std::string node;       // ... to which node
  size_t on_the_way = 0;  // commands sent and not answered
  bool held = false;      // one waits until it may be sent
};

}  // namespace frontend
