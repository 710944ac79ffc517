// A replica set with shacast in front of it: what most system tests stand on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/counts.h"
#include "tests/support/proxy_process.h"
#include "tests/support/replica_set.h"
#include "tests/support/scripts.h"

namespace support {

struct StageOptions {
  int replicas = 2;
  std::string reads = "prefer-replica";
  // Scripts that ReadForm() may call. Servers before 7.0 have no EVALSHA_RO: there the operator's
  // word, routing.scripts_to_replicas, sends the plain form to replicas.
  std::vector<std::string> read_scripts = {};
  ProxyConfig config = {};
  RedisProcess::Options server = {};
};

// A master alone, which everything goes to.
StageOptions OneNode();

class Stage {
 public:
  explicit Stage(const StageOptions& options);

  ReplicaSet nodes;
  ProxyProcess proxy;

  RedisProcess& master() { return nodes.master(); }
  RedisProcess& replica(size_t i) { return nodes.replica(i); }
  RespClient Connect() const { return proxy.Connect(); }
  // One more replica, attached and read from by shacast.
  RedisProcess& Attach();
  // What is believed of every node is void, without a change to any node: CONFIG RESETSTAT makes
  // the master's sync counters fall, which counts as an attach. Works once for each stage.
  void VoidKnowledge();
  // How often an attach was seen so far; the first look at the master counts.
  size_t AttachesSeen() const { return proxy.LogLines("attach.seen").size(); }
};

// Connections that single clients have for themselves just now.
int64_t LeasesLent(const Stage& stage);

// The commands that run a script on a replica: EVALSHA_RO and EVAL_RO, or, before 7.0, the plain
// ones (see StageOptions::read_scripts).
std::string EvalShaForm();
std::string EvalForm();
// The same as commandstats calls them.
std::string EvalShaStat();
std::string EvalStat();
// Every way to run a script.
inline const std::vector<std::string> kScriptCalls = {"eval", "evalsha", "eval_ro", "evalsha_ro"};

}  // namespace support
