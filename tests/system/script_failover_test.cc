// The master changes while scripts run, and replicas that are cut off from theirs: cases 22 and 28.
#include <gtest/gtest.h>

#include <signal.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/script_load.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

constexpr int kScripts = 10;
const std::string kPush = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]";

// One client that calls a script that writes, again and again, each time with a number of its own.
class WriteStream {
 public:
  explicit WriteStream(const Endpoint& endpoint) : thread_([this, endpoint] { Run(endpoint); }) {}
  ~WriteStream() { Stop(); }
  WriteStream(const WriteStream&) = delete;
  WriteStream& operator=(const WriteStream&) = delete;

  bool WaitDone(int64_t more) const {
    const int64_t enough = done_.load() + more;
    return WaitUntil([&] { return done_.load() >= enough || ended_.load(); }) && !ended_.load();
  }
  // Ends it, and tells what was wrong: "" if nothing.
  std::string Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return wrong_;
  }

  // After Stop(): the numbers of the calls by what became of them.
  std::set<std::string> done;     // answered
  std::set<std::string> refused;  // with an error that says that nothing was done
  std::set<std::string> unsure;   // with UPSTREAMLOST

 private:
  void Run(const Endpoint& endpoint) {
    try {
      RespClient client(endpoint);
      for (int64_t i = 0; !stop_ && wrong_.empty(); ++i) {
        const std::string number = std::to_string(i);
        const Value answer = client.Ask({"EVALSHA", Sha1Hex(kPush), "1", "list", number});
        const std::string words = answer.Show();
        if (words == number) {
          done.insert(number);
          done_.fetch_add(1);
        } else if (answer.code() == "UPSTREAMLOST") {
          unsure.insert(number);
        } else if (answer.code() == "UPSTREAMDOWN" ||
                   (answer.is_error() && words.find("READONLY") != std::string::npos)) {
          refused.insert(number);
        } else {
          wrong_ = words + " instead of " + number;
        }
      }
    } catch (const std::exception& error) {
      wrong_ = error.what();
    }
    ended_ = true;
  }

  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::atomic<int64_t> done_{0};
  std::string wrong_;
  std::thread thread_;
};

// What the list holds: in the order of the calls, none twice, none that was refused.
std::set<std::string> ExpectInOrderAndOnce(RedisProcess& master, const WriteStream& writes) {
  std::set<std::string> held;
  int64_t last = -1;
  for (const Value& number : master.Ask({"LRANGE", "list", "0", "-1"}).elements) {
    EXPECT_GT(number.number(), last);
    last = number.number();
    held.insert(number.text);
  }
  for (const auto& number : writes.refused) EXPECT_EQ(held.count(number), 0u) << number;
  return held;
}

// Both streams run across `change`, which makes replica 0 the master; then the old master takes its
// part as a replica.
void ExpectStreamsRunThrough(const std::function<void(Stage&)>& change, bool loses_nothing) {
  StageOptions options;
  options.read_scripts = ReadScripts(kScripts);
  Stage stage(options);
  RespClient client = stage.Connect();
  for (int i = 0; i < kScripts; ++i) client("SCRIPT", "LOAD", ReadScript(i));
  ASSERT_EQ(client("SCRIPT", "LOAD", kPush), Sha1Hex(kPush));
  // The body alone is what brings it to the next master.
  stage.replica(0)("SCRIPT", "FLUSH");
  ScriptLoad::Options load_options;
  load_options.endpoint = stage.proxy.endpoint();
  load_options.scripts = kScripts;
  load_options.deepest_pipeline = 10;
  ScriptLoad load(load_options);
  WriteStream writes(stage.proxy.endpoint());
  ASSERT_TRUE(writes.WaitDone(100));
  RedisProcess& next = stage.replica(0);
  change(stage);
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(next) == "serves"; }));
  ASSERT_TRUE(writes.WaitDone(100));
  ASSERT_TRUE(load.WaitCalls(200));
  // The old master serves reads, with every body and then the digests.
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.StateOf(stage.master()) == "readable"; }));
  CommandCounts old_master(stage.master());
  ASSERT_TRUE(WaitUntil([&] { return old_master(EvalShaStat()) > 3 * kScripts; }));
  EXPECT_EQ(load.Stop(), "");
  EXPECT_EQ(writes.Stop(), "");
  ASSERT_EQ(next.Info("role"), "master");
  const auto held = ExpectInOrderAndOnce(next, writes);
  if (!loses_nothing) return;
  for (const auto& number : writes.done) EXPECT_EQ(held.count(number), 1u) << number;
}

void Follow(RedisProcess& node, const RedisProcess& master) {
  ASSERT_EQ(node("REPLICAOF", "127.0.0.1", std::to_string(master.port())), "+OK");
}

TEST(ScriptCases, Case22_AStreamOfEvalshaRunsThroughAFailoverByReplicaof) {
  ExpectStreamsRunThrough(
      [](Stage& stage) {
        ASSERT_EQ(stage.replica(0)("REPLICAOF", "NO", "ONE"), "+OK");
        Follow(stage.master(), stage.replica(0));
        Follow(stage.replica(1), stage.replica(0));
      },
      false);  // what the old master took until then is not on the new one
}

TEST(ScriptCases, Case22_AStreamOfEvalshaRunsThroughAFailoverByFailover) {
  RedisProcess server;
  if (server.Ask({"COMMAND", "INFO", "failover"}).elements.at(0).is_null())
    GTEST_SKIP() << Server().version << " has no FAILOVER";
  ExpectStreamsRunThrough(
      [](Stage& stage) {
        RedisProcess& next = stage.replica(0);
        const std::string port = std::to_string(next.port());
        ASSERT_EQ(stage.master()("FAILOVER", "TO", "127.0.0.1", port), "+OK");
        ASSERT_TRUE(WaitUntil([&] { return next.Info("role") == "master"; }));
      },
      true);
}

TEST(ScriptCases, Case22_AStreamOfEvalshaRunsThroughTheDeathAndTheReturnOfTheMaster) {
  ExpectStreamsRunThrough(
      [](Stage& stage) {
        RedisProcess& old = stage.master();
        old.Kill();
        ASSERT_EQ(stage.replica(0)("REPLICAOF", "NO", "ONE"), "+OK");
        Follow(stage.replica(1), stage.replica(0));
        old.Start({"--replicaof", "127.0.0.1", std::to_string(stage.replica(0).port())});
        ASSERT_TRUE(WaitUntil([&] { return old.LinkUp(); }));
      },
      false);  // replication is behind when a master dies
}

// errorstat_MASTERDOWN of INFO: how often the node said so. Not counted before 6.2.
bool HasSaidMasterDown(RedisProcess& node) {
  return node.Ask({"INFO", "everything"}).text.find("errorstat_MASTERDOWN") != std::string::npos;
}

TEST(ScriptCases, Case28_AReplicaThatServesNoStaleDataProvesNothingAndRecovers) {
  const std::string body = ReadScript(1);
  StageOptions options;
  options.replicas = 1;
  options.reads = "replica";
  options.read_scripts = {body};
  options.server.args = {"--replica-serve-stale-data", "no"};
  options.config.Set("routing", "failover_hold", TomlString("200ms")).Set("proxy", "workers", "1");
  Stage stage(options);
  RedisProcess& replica = stage.replica(0);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  bool said = false;
  for (int round = 0; round < 10 && (round < 2 || (!said && Server().major >= 7)); ++round) {
    // Nobody believes in the replica, and the connection to it is there.
    const size_t seen = stage.AttachesSeen();
    stage.master()("CLIENT", "KILL", "TYPE", "replica");
    ASSERT_TRUE(WaitUntil([&] { return stage.AttachesSeen() > seen; }));
    ASSERT_TRUE(WaitUntil([&] { return stage.nodes.Synced() && stage.proxy.Ready(1); }));
    ASSERT_EQ(client("GET", "nothing"), "(nil)");
    // shacast stands still until the replica is stale, and then sends before it can know.
    stage.proxy.process().Signal(SIGSTOP);
    stage.master().Kill();
    ASSERT_TRUE(WaitUntil([&] { return !replica.LinkUp(); }));
    client.Send({EvalShaForm(), Sha1Hex(body), "0", "x"});
    stage.proxy.process().Signal(SIGCONT);
    for (int i = 0; i < 3; ++i) {
      const Value answer = client.Receive();
      EXPECT_TRUE(answer.code() == "MASTERDOWN" || answer.code() == "UPSTREAMDOWN") << answer;
      client.Send({EvalShaForm(), Sha1Hex(body), "0", "x"});
    }
    EXPECT_TRUE(client.Receive().is_error());
    said = HasSaidMasterDown(replica);
    const Value told = client.Ask({"PROXY", "SCRIPTS", Sha1Hex(body)});
    EXPECT_TRUE(told.at("nodes").elements.empty()) << told;

    stage.master().Start();
    ASSERT_TRUE(WaitUntil([&] { return replica.LinkUp(); }));
    stage.proxy.WaitReady(1);
    CommandCounts counts(replica);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), "1:x");
    EXPECT_EQ(counts(EvalStat()), 1);
    EXPECT_EQ(counts(EvalShaStat()), 2);
  }
  EXPECT_TRUE(said || Server().major < 7) << "not one call reached the stale replica";
}

}  // namespace
