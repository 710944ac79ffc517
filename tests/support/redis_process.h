// A real server of the tests' own: on loopback, in a temporary folder, ended by its pid.
//
// Which server: SHACAST_REDIS_SERVER (the path of a redis-server or valkey-server), else
// redis-server on PATH, else Debian's redis-check-rdb, which is the same program under another name
// (so the package redis-tools is enough).
//
// Used by the test's main thread only; clients from Connect() may go to other threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/child_process.h"
#include "tests/support/resp_client.h"
#include "tests/support/temp_folder.h"

namespace support {

// What the server under test is, by its own word.
struct ServerTraits {
  std::string version;  // "redis 7.0.15", "valkey 8.1.1"
  int major = 0;        // of Redis' versions; every Valkey counts as the 7.2 that it came from
  bool valkey = false;
  bool read_only_forms = false;  // EVAL_RO, EVALSHA_RO, `#!lua`: from 7.0 on
  bool evicts = false;           // scripts that came by EVAL may be evicted: 7.4, Valkey 8
};
const ServerTraits& Server();
// A program beside the server's: "cli".
std::string ServerTool(const std::string& name);

// A port of 127.0.0.1, as clients of the system tests speak to it.
Endpoint TestEndpoint(int port, bool tls = TestTls());

class RedisProcess {
 public:
  struct Options {
    std::vector<std::string> args;  // "--name", "value", ...
    std::string password;           // said by Connect(); what the server wants is in `args`
    int port = 0;                   // 0: a free one
    bool wait = true;               // until it answers
    // Speaks nothing but TLS, with what TestCertificate() says, and asks its clients for theirs.
    bool tls = TestTls();
  };

  RedisProcess() : RedisProcess(Options()) {}
  explicit RedisProcess(Options options);

  int port() const { return port_; }
  pid_t pid() const { return process_.pid(); }
  Endpoint endpoint() const;
  std::string address() const { return endpoint().ToString(); }
  std::string folder() const { return folder_->path(); }

  // Its clients; authenticated, if there is a password.
  RespClient Connect() const;
  // One command on a connection that is kept for this.
  Value Ask(const RespClient::Args& args);
  template <typename... Words>
  std::string operator()(const Words&... words) {
    return Ask({std::string(words)...}).Show();
  }
  // A field of INFO; "" if it has none of that name.
  std::string Info(const std::string& field);
  int64_t InfoNumber(const std::string& field);
  // master_link_status:up, asked of a replica.
  bool LinkUp();
  std::string Log() const { return ReadFile(folder_->File("server.log")); }

  // SIGSTOP, SIGCONT: it is there, but does not move.
  void Pause();
  void Continue();
  // SIGTERM (with what --save says) or SIGKILL, and waits for its end.
  void Stop();
  void Kill();
  // SHUTDOWN SAVE.
  void ShutdownSave();
  // Again on the same port, from what is in its folder. `args` replaces the options' own.
  void Start(bool wait = true);
  void Start(std::vector<std::string> args, bool wait = true);
  // Deletes the RDB file, so that the next start knows nothing.
  void DeleteData() const;
  bool HasData() const;
  bool Running() { return process_.Running(); }
  bool AnswersPing();
  // It is there, and says LOADING.
  bool AnswersLoading();

 private:
  Options options_;
  std::unique_ptr<TempFolder> folder_;
  int port_;
  ChildProcess process_;
  std::optional<RespClient> asks_;
};

// The ids of a server's clients of that name (CLIENT SETNAME): "shacast" are the connections for
// commands, "shacast-control" the one that watches the node.
std::vector<std::string> ClientsNamed(RedisProcess& server, const std::string& name);

}  // namespace support
