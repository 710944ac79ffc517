// The words for a node: one server process, reached at an address.
//
// Plain data.
#pragma once

#include <cstdint>
#include <string_view>

namespace replication {

// A number for each address that was ever seen, from 0; never used again for another address. So
// workers keep what they know of nodes in vectors.
using NodeId = uint32_t;

// A number for each connection of a worker, never used again.
using LaneId = uint64_t;

enum class Role : uint8_t { kUnknown, kMaster, kReplica };

inline std::string_view ToString(Role role) {
  switch (role) {
    case Role::kMaster:
      return "master";
    case Role::kReplica:
      return "replica";
    case Role::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace replication
