#include "replication/attach_watch.h"

#include <algorithm>

namespace replication {
namespace {

std::vector<std::string> AddressesOf(const NodeFacts& facts) {
  std::vector<std::string> addresses;
  for (const ReplicaFacts& replica : facts.replicas)
    addresses.push_back(replica.address.ToString());
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// A client id of a replica's link that was not there before.
std::optional<uint64_t> NewClient(const NodeFacts& before, const NodeFacts& now) {
  if (!before.replica_clients || !now.replica_clients) return std::nullopt;
  for (const uint64_t id : *now.replica_clients)
    if (!std::binary_search(before.replica_clients->begin(), before.replica_clients->end(), id))
      return id;
  return std::nullopt;
}

std::string Moved(const char* name, uint64_t before, uint64_t now) {
  return std::string(name) + " went from " + std::to_string(before) + " to " + std::to_string(now);
}

std::optional<std::string> Difference(const NodeFacts& before, const NodeFacts& now) {
  if (before.run_id != now.run_id) return "the master is another process";
  if (before.role != now.role) return "the master's role changed";
  if (before.replid != now.replid) return "the master's replication id changed";
  const auto addresses = AddressesOf(now);
  if (const auto old = AddressesOf(before); old != addresses)
    return "the replicas were [" + Joined(old) + "], now [" + Joined(addresses) + "]";
  if (const auto id = NewClient(before, now))
    return "a replica's link with the new client id " + std::to_string(*id);
  // In either direction: CONFIG RESETSTAT makes them fall.
  if (before.sync_full != now.sync_full) return Moved("sync_full", before.sync_full, now.sync_full);
  if (before.sync_partial_ok != now.sync_partial_ok)
    return Moved("sync_partial_ok", before.sync_partial_ok, now.sync_partial_ok);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> AttachWatch::Observe(const NodeFacts& master) {
  std::optional<std::string> why;
  if (!last_) {
    why = "first look at the master";
  } else if (missed_) {
    why = "first look at the master after one that failed";
  } else {
    why = Difference(*last_, master);
  }
  last_ = master;
  missed_ = false;
  return why;
}

}  // namespace replication
