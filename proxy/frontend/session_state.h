// What a server would remember of a client's connection. Plain data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/backend/connection.h"
#include "proxy/frontend/call.h"
#include "proxy/frontend/subscriptions.h"
#include "proxy/resp/command_table.h"

namespace frontend {

struct SessionState {
  uint64_t id = 0;  // CLIENT ID: ours, counted over all workers
  std::string peer;
  // Who it is, the database and the protocol: what its lanes are chosen by.
  backend::ConnectionKey key;
  // proxy.users is set, and it has not said a right password yet.
  bool must_authenticate = false;

  std::string name;        // CLIENT SETNAME
  std::string hello_name;  // SETNAME in a HELLO that is on its way
  std::string lib_name;    // CLIENT SETINFO
  std::string lib_version;
  bool redirects = false;  // CLIENT CAPA REDIRECT
  std::string user;        // of proxy.users
  uint64_t commands = 0;
  uint64_t bytes_in = 0;
  // The last command, and the table that it belongs to.
  const resp::Command* last_command = nullptr;
  std::shared_ptr<const resp::CommandTable> last_table;

  // What the server keeps for its connection; while there is any of it, the lease stays.
  std::unique_ptr<Subscriptions> subscriptions;  // null: it never had any
  uint8_t keeps = 0;                             // bits of Keep
  int64_t redirect = 0;                          // of CLIENT TRACKING: our id; 0 = none

  bool Subscribed() const { return subscriptions != nullptr && !subscriptions->empty(); }
  bool Keeps(Keep what) const { return (keeps >> static_cast<int>(what) & 1) != 0; }
  void SetKeeps(Keep what, bool on) {
    const auto bit = static_cast<uint8_t>(1 << static_cast<int>(what));
    keeps = static_cast<uint8_t>(on ? keeps | bit : keeps & ~bit);
  }
  bool KeepsLease() const { return keeps != 0 || Subscribed(); }

  // A lease broke while it held a transaction, or a WATCH.
  bool transaction_lost = false;
  // ... or never held it, because a busy node refused the connection: in these words.
  std::string refusal_of_multi;
  bool watch_lost = false;
  bool debug_refused = false;  // SCRIPT DEBUG was: the script that follows must not run for real
};

}  // namespace frontend
