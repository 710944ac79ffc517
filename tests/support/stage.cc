#include "tests/support/stage.h"

#include <stdexcept>

namespace support {
namespace {

ProxyConfig ConfigOf(const StageOptions& options) {
  ProxyConfig config;
  config.Set("routing", "reads", TomlString(options.reads));
  if (!Server().read_only_forms && !options.read_scripts.empty()) {
    std::vector<std::string> shas;
    for (const auto& body : options.read_scripts) shas.push_back(Sha1Hex(body));
    config.Set("routing", "scripts_to_replicas", TomlStrings(shas));
  }
  config.Merge(options.config);
  return config;
}

}  // namespace

StageOptions OneNode() {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  return options;
}

Stage::Stage(const StageOptions& options)
    : nodes(options.replicas, options.server),
      proxy({nodes.master().address()}, ConfigOf(options)) {
  proxy.SetPassword(options.server.password);
  if (options.server.password.empty()) proxy.WaitReady(nodes.replicas());
}

RedisProcess& Stage::Attach() {
  RedisProcess& node = nodes.Attach();
  proxy.WaitReady(nodes.replicas());
  return node;
}

void Stage::VoidKnowledge() {
  const size_t before = AttachesSeen();
  master()("CONFIG", "RESETSTAT");
  if (!WaitUntil([&] { return AttachesSeen() > before; }))
    throw std::runtime_error("shacast does not see that the master's counters fell");
}

std::string EvalShaForm() {
  return Server().read_only_forms ? "EVALSHA_RO" : "EVALSHA";
}
std::string EvalForm() {
  return Server().read_only_forms ? "EVAL_RO" : "EVAL";
}
std::string EvalShaStat() {
  return Lower(EvalShaForm());
}
std::string EvalStat() {
  return Lower(EvalForm());
}

int64_t LeasesLent(const Stage& stage) {
  int64_t lent = 0;
  for (const Value& node : stage.proxy.Nodes()) lent += node.at("leases").number();
  return lent;
}

}  // namespace support
