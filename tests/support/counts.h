// What a server itself says that it was asked: the judge of what shacast sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/redis_process.h"

namespace support {

// How often each command was called at a node since this was made, by INFO commandstats; for
// subcommands "script|load", which before 7.0 is counted as "script".
class CommandCounts {
 public:
  explicit CommandCounts(RedisProcess& node);
  // Calls since the process started.
  static CommandCounts SinceStart(RedisProcess& node);
  int64_t operator()(const std::string& command) const;
  // Calls of all those commands together.
  int64_t operator()(const std::vector<std::string>& commands) const;
  // Starts to count anew.
  void Reset() { before_ = Calls(); }

 private:
  std::map<std::string, int64_t> Calls() const;

  RedisProcess* node_;
  std::map<std::string, int64_t> before_;
};

// Every command that reaches a node from now on, as MONITOR prints it. What comes from
// `master_port` is replication and left out.
class Monitor {
 public:
  explicit Monitor(RedisProcess& node, int master_port = 0);
  // What has reached the node up to this moment, since the last call: `"EVALSHA" "e0e1..." "0"`.
  // Without what a script calls.
  std::vector<std::string> Seen();
  // Only commands of those names, in any case of letters.
  std::vector<std::string> Seen(const std::vector<std::string>& commands);

 private:
  RedisProcess& node_;
  const std::string from_master_;
  RespClient tap_;
  int marks_ = 0;
};

}  // namespace support
