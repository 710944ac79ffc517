// Clients that call read scripts without a pause, and check every answer.
//
// Each call has an argument of its own, so that an answer that belongs to another call is found
// out.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/resp_client.h"

namespace support {

class ScriptLoad {
 public:
  struct Options {
    Endpoint endpoint;
    int scripts = 20;          // ReadScript(0) and on, loaded before
    int clients = 4;           // one thread each
    int deepest_pipeline = 1;  // every second client sends up to so many at once
    int64_t calls = 0;         // of all clients together; 0: until Stop()
  };

  explicit ScriptLoad(Options options);
  ~ScriptLoad();
  ScriptLoad(const ScriptLoad&) = delete;
  ScriptLoad& operator=(const ScriptLoad&) = delete;

  int64_t calls() const { return answered_.load(); }
  bool finished() const { return running_.load() == 0; }
  // Waits until that many more calls were answered.
  bool WaitCalls(int64_t more) const;
  // Ends, and returns what was wrong, "" if nothing: the first few answers, and how many.
  std::string Stop();

 private:
  void Run(int number);
  void Round(RespClient& client, int number, int depth, uint64_t* turn);
  void Wrong(const std::string& words);

  const Options options_;
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> answered_{0};
  std::atomic<int> running_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::string wrong_;
  int64_t wrongs_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace support
