// Plays a stream to a server and to shacast before another one, and compares what they say.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/oracle_stream.h"
#include "tests/support/oracle_wire.h"
#include "tests/support/proxy_process.h"
#include "tests/support/redis_process.h"

namespace support {

struct OracleDifference {
  OracleStream stream;  // up to the step that differed
  size_t item = 0;      // in that step: the command
  std::string direct;   // what was said
  std::string proxied;
  std::string what;  // "" = the replies differ

  const OracleStep& step() const { return stream.steps.back(); }
  std::string Command() const;
  // Everything a reader wants to know.
  std::string Told() const;
};

class OracleRun {
 public:
  OracleRun();
  ~OracleRun();

  // Both sides begin with nothing. nullopt: they say the same.
  std::optional<OracleDifference> Play(const OracleStream& stream);
  // The same difference with as few commands as are found within that time; nullopt if it does not
  // show again.
  std::optional<OracleDifference> Shrink(const OracleDifference& found, milliseconds time);

  ProxyProcess& proxy() { return *proxy_; }

 private:
  struct Side {
    Endpoint endpoint;
    RedisProcess* server = nullptr;
    std::vector<std::unique_ptr<OracleWire>> wires;
  };
  struct Outcome {
    size_t item = 0;
    std::string direct;
    std::string proxied;
    std::string what;
  };

  void Reset(size_t clients);
  std::optional<Outcome> PlayStep(const OracleStep& step, unsigned seed);
  std::optional<Outcome> Compare(size_t client, const std::vector<OracleItem>& items);
  bool Same(size_t client, const OracleItem& item, const std::string& direct,
            const std::string& proxied);
  void Give(size_t client, const std::vector<OracleItem>& items, size_t largest, unsigned seed);
  // False: not within its time.
  bool Await(size_t client, size_t replies, milliseconds patience);
  void AwaitBlocked(size_t client, size_t replies);
  void AwaitEnds(size_t client);

  RedisProcess direct_server_;
  RedisProcess proxied_server_;
  std::unique_ptr<ProxyProcess> proxy_;
  std::optional<RespClient> proxy_admin_;
  Side direct_;
  Side proxied_;
  // What each client has queued since MULTI.
  std::vector<std::vector<std::vector<std::string>>> queued_;
};

}  // namespace support
