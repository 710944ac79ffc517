// Many calls of many scripts by many clients, while the replica set does what replica sets do.
//
// 100,000 calls (SHACAST_SOAK_CALLS; a fifth of that where shacast was built with a sanitizer), and
// on until every disturbance has happened often enough.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/script_load.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

constexpr int kScripts = 200;

int64_t LeastCalls(const Stage& stage) {
  const char* given = std::getenv("SHACAST_SOAK_CALLS");
  const bool sanitized = stage.proxy.sanitized();
  const int64_t calls = given != nullptr ? std::atoll(given) : sanitized ? 20'000 : 100'000;
  std::cout << "at least " << calls << " calls" << (sanitized ? " (sanitized build)" : "") << "\n";
  return calls;
}

StageOptions Options() {
  StageOptions options;
  options.read_scripts = ReadScripts(kScripts);
  // As it is by default; the faster polls of the other tests would see more in time.
  options.config.Set("upstream", "poll_interval", TomlString("500ms"));
  return options;
}

void LoadScripts(Stage& stage) {
  std::vector<RespClient::Args> loads;
  for (int i = 0; i < kScripts; ++i) loads.push_back({"SCRIPT", "LOAD", ReadScript(i)});
  const auto answers = stage.Connect().Pipeline(loads);
  for (int i = 0; i < kScripts; ++i) ASSERT_EQ(answers[i].Show(), Sha1Hex(ReadScript(i)));
}

ScriptLoad::Options LoadOf(const Stage& stage) {
  ScriptLoad::Options options;
  options.endpoint = stage.proxy.endpoint();
  options.scripts = kScripts;
  options.clients = 6;
  options.deepest_pipeline = 64;
  return options;
}

TEST(Soak, NoClientSeesNoscriptWhileAThirdReplicaAttachesFlapsAndRestarts) {
  Stage stage(Options());
  LoadScripts(stage);
  const int64_t enough = LeastCalls(stage);
  ScriptLoad load(LoadOf(stage));
  ASSERT_TRUE(load.WaitCalls(enough / 20));
  RedisProcess& third = stage.Attach();
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(load.WaitCalls(enough / 20));
    // It flaps, and with it the other two.
    EXPECT_EQ(stage.master()("CLIENT", "KILL", "TYPE", "replica"), ":3");
    ASSERT_TRUE(WaitUntil([&] { return stage.nodes.Synced(); }));
    ASSERT_TRUE(load.WaitCalls(enough / 20));
    // It restarts, with what it had, without it, and on its way to a full sync.
    third.Kill();
    if (round == 1) third.DeleteData();
    ASSERT_TRUE(load.WaitCalls(round == 0 ? 0 : enough / 50));
    third.Start();
    ASSERT_TRUE(WaitUntil([&] { return third.LinkUp(); }));
    stage.proxy.WaitReady(3);
    ASSERT_TRUE(load.WaitCalls(enough / 20));
  }
  ASSERT_TRUE(WaitUntil([&] { return load.calls() >= enough; }, 10 * Patience()));
  EXPECT_EQ(load.Stop(), "");
  std::cout << load.calls() << " calls, " << stage.AttachesSeen() << " attaches, "
            << stage.proxy.Counter("noscript_repaired") << " repaired, "
            << stage.proxy.Counter("reads_repeated") << " repeated\n";
  EXPECT_GE(stage.AttachesSeen(), 1u + kRounds);
  // The third one took its share, so that its restarts were felt.
  EXPECT_GT(CommandCounts::SinceStart(third)({EvalStat(), EvalShaStat()}), 0);
}

TEST(Soak, NoClientSeesNoscriptWhileNodesAreFlushedBehindOurBack) {
  Stage stage(Options());
  LoadScripts(stage);
  const int64_t enough = LeastCalls(stage) / 2;
  ScriptLoad load(LoadOf(stage));
  while (load.calls() < enough && !load.finished()) {
    ASSERT_TRUE(load.WaitCalls(enough / 100));
    for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  }
  EXPECT_EQ(load.Stop(), "");
  EXPECT_GT(stage.proxy.Counter("noscript_repaired"), 0);
}

// One client's own counter: every answer is one more than the last.
void CountUp(const Endpoint& endpoint, int number, int depth, int rounds, std::string* wrong) {
  try {
    RespClient client(endpoint);
    int64_t value = 0;
    for (int round = 0; round < rounds && wrong->empty(); ++round) {
      std::vector<RespClient::Args> calls;
      for (int i = 0; i < depth; ++i)
        calls.push_back({"EVALSHA", Sha1Hex(WriteScript((round + i) % 10)), "1",
                         "counter" + std::to_string(number)});
      for (const Value& answer : client.Pipeline(calls))
        if (answer.Show() != ":" + std::to_string(++value))
          *wrong += answer.Show() + " instead of :" + std::to_string(value) + "\n";
    }
  } catch (const std::exception& error) {
    *wrong += error.what();
  }
}

TEST(Soak, EveryWriteRunsOnceWhileTheMasterIsFlushedBehindOurBack) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(i)), Sha1Hex(WriteScript(i)));
  const int rounds = static_cast<int>(LeastCalls(stage) / 50);
  constexpr int kClients = 6;
  std::vector<std::string> wrong(kClients);
  std::vector<std::thread> clients;
  std::atomic<int> running{kClients};
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const int depth = i % 2 == 0 ? 1 : 10;
      CountUp(stage.proxy.endpoint(), i, depth, rounds / depth, &wrong[i]);
      running.fetch_sub(1);
    });
  }
  int flushes = 0;
  EXPECT_TRUE(WaitUntil(
      [&] {
        stage.master()("SCRIPT", "FLUSH");
        ++flushes;
        return running.load() == 0;
      },
      10 * Patience()));
  for (auto& thread : clients) thread.join();
  EXPECT_EQ(wrong, std::vector<std::string>(kClients)) << client("PROXY", "INFO");
  for (int i = 0; i < kClients; ++i) {
    const int depth = i % 2 == 0 ? 1 : 10;
    EXPECT_EQ(stage.master()("GET", "counter" + std::to_string(i)),
              std::to_string(rounds / depth * depth));
  }
  EXPECT_GT(flushes, 5);
  EXPECT_GT(stage.proxy.Counter("noscript_repaired"), 0);
}

}  // namespace
