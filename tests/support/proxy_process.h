// The real shacast, with a configuration of the test's own and its log in a file.
//
// The program is SHACAST_BINARY of the environment, else the one that was built with the tests.
// When a test ends it is told to stop, and has to do that with status 0: a sanitizer's complaint or
// a crash fails the test that caused it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/redis_process.h"
#include "tests/support/resp_client.h"
#include "tests/support/temp_folder.h"

namespace support {

std::string ProxyBinary();

// A configuration file: sections of keys, values as TOML.
class ProxyConfig {
 public:
  ProxyConfig& Set(const std::string& section, const std::string& key, const std::string& toml);
  // One more address of proxy.listen, beside that of ProxyProcess::endpoint().
  ProxyConfig& AlsoListen(const std::string& address);
  const std::vector<std::string>& also_listen() const { return also_listen_; }
  // What `other` sets wins.
  ProxyConfig& Merge(const ProxyConfig& other);
  bool Has(const std::string& section, const std::string& key) const;
  std::string ToString() const;

 private:
  std::map<std::string, std::map<std::string, std::string>> sections_;
  std::vector<std::string> also_listen_;
};

std::string TomlString(const std::string& text);
std::string TomlStrings(const std::vector<std::string>& texts);

class ProxyProcess {
 public:
  // Starts, and waits until it accepts clients. Set by itself unless the configuration does: a free
  // port, two workers, a poll each 100 ms, the log at level debug; with SHACAST_TEST_TLS, TLS to
  // both sides.
  ProxyProcess(const std::vector<std::string>& nodes, const ProxyConfig& config);
  ~ProxyProcess();

  Endpoint endpoint() const { return TestEndpoint(port_); }
  RespClient Connect() const { return RespClient(endpoint()); }
  std::string folder() const { return folder_.path(); }
  ChildProcess& process() { return process_; }

  // What those that follow say AUTH with: PROXY is for whom the server lets in.
  void SetPassword(const std::string& password) { password_ = password; }
  // PROXY and what is behind it.
  Value AskProxy(const RespClient::Args& args) const;
  // The nodes as PROXY NODES tells them.
  std::vector<Value> Nodes() const;
  // "serves", "readable", "up", "down"; "" if it is not listed.
  std::string StateOf(const RedisProcess& node) const;
  int64_t GenerationOf(const RedisProcess& node) const;
  // The master serves, this many replicas may be read, and the master's commands are known.
  bool Ready(size_t replicas) const;
  void WaitReady(size_t replicas) const;
  // One of PROXY INFO's numbers.
  int64_t Counter(const std::string& name) const;

  std::string Log() const { return ReadFile(folder_.File("shacast.log")); }
  // The log's lines about `event` that contain `words`.
  std::vector<std::string> LogLines(const std::string& event, const std::string& words = "") const;
  bool WaitLog(const std::string& event, const std::string& words = "") const;

  // The most memory that it ever had, and has now.
  int64_t PeakKilobytes() const { return Status("VmHWM"); }
  int64_t ResidentKilobytes() const { return Status("VmRSS"); }
  // Forgets the peak so far, so that the next one is what comes from now on.
  void ResetPeak() const;
  bool sanitized() const;

  // SIGTERM, and a second one if it waits for clients; returns the exit status.
  int Stop();
  // What a test does when it has ended the process itself.
  void ExpectGone() { expect_gone_ = true; }

 private:
  int64_t Status(const std::string& field) const;

  TempFolder folder_;
  int port_;
  std::string password_;
  bool expect_gone_ = false;
  ChildProcess process_;
};

}  // namespace support
