// Values far larger than what shacast may keep in memory, in both directions, and clients that do
// not read what they asked for.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

constexpr size_t kMb = size_t{1} << 20;

StageOptions MasterOnly() {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  return options;
}

// Bytes that tell where in the value they are.
std::string Block(size_t number) {
  static const std::string pattern = [] {
    std::string text(kMb, ' ');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 131 + (i >> 8));
    return text;
  }();
  std::string block = pattern;
  const std::string head = std::to_string(number) + ".";
  block.replace(0, head.size(), head);
  return block;
}

void SendLargeSet(RespClient& client, const std::string& key, size_t megabytes) {
  client.SendRaw("*3\r\n$3\r\nSET\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$" +
                 std::to_string(megabytes * kMb) + "\r\n");
  for (size_t i = 0; i < megabytes; ++i) client.SendRaw(Block(i));
  client.SendRaw("\r\n");
}

// Number of blocks that came whole and in their place.
size_t ReceiveBlocks(RespClient& client) {
  std::string block;
  size_t number = 0;
  bool right = true;
  client.ReceiveBulk([&](std::string_view piece) {
    while (!piece.empty()) {
      const size_t n = std::min(piece.size(), kMb - block.size());
      block.append(piece.substr(0, n));
      piece.remove_prefix(n);
      if (block.size() < kMb) continue;
      right = right && block == Block(number++);
      block.clear();
    }
  });
  return right && block.empty() ? number : 0;
}

// The peak since ResetPeak(), held against `limit`; a sanitizer's own memory cannot be told apart.
void ExpectPeakBelow(const ProxyProcess& proxy, int64_t limit_mb) {
  const int64_t peak_mb = proxy.PeakKilobytes() / 1024;
  std::cout << "peak " << peak_mb << " MB\n";
  if (proxy.sanitized()) {
    std::cout << "(a sanitized build: not judged)\n";
    return;
  }
  EXPECT_LT(peak_mb, limit_mb);
}

class LargeValue : public testing::TestWithParam<size_t> {};

TEST_P(LargeValue, PassThroughInBothDirectionsWithoutBeingHeld) {
  const size_t megabytes = GetParam();
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  ASSERT_EQ(other("SET", "small", "v"), "+OK");
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  SendLargeSet(client, "large", megabytes);
  EXPECT_EQ(client.Receive().Show(), "+OK");
  EXPECT_EQ(other("GET", "small"), "v");
  EXPECT_EQ(stage.master()("STRLEN", "large"), ":" + std::to_string(megabytes * kMb));
  // Among others, in its place.
  client.SendRaw(Encode({"PING"}) + Encode({"GET", "large"}) + Encode({"ECHO", "behind"}));
  EXPECT_EQ(client.Receive().Show(), "+PONG");
  EXPECT_EQ(ReceiveBlocks(client), megabytes);
  EXPECT_EQ(client.Receive().Show(), "behind");
  ExpectPeakBelow(stage.proxy, before_mb + 24);
}

INSTANTIATE_TEST_SUITE_P(Megabytes, LargeValue, testing::Values(1, 64, 512));

TEST(LargeValues, SeveralClientsAtOnceAreNotMixedUp) {
  Stage stage(MasterOnly());
  constexpr int kClients = 4;
  constexpr size_t kMegabytes = 16;
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  std::vector<std::string> wrong(kClients);
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      try {
        RespClient client = stage.Connect();
        const std::string key = "key" + std::to_string(i);
        for (int round = 0; round < 3; ++round) {
          SendLargeSet(client, key, kMegabytes);
          if (client.Receive().Show() != "+OK") wrong[i] += "SET ";
          client.SendRaw(Encode({"GET", key}) + Encode({"INCR", key + "n"}) + Encode({"GET", key}));
          if (ReceiveBlocks(client) != kMegabytes) wrong[i] += "first GET ";
          if (client.Receive().Show() != ":" + std::to_string(round + 1)) wrong[i] += "INCR ";
          if (ReceiveBlocks(client) != kMegabytes) wrong[i] += "second GET ";
        }
      } catch (const std::exception& error) {
        wrong[i] += error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<std::string>(kClients));
  ExpectPeakBelow(stage.proxy, before_mb + 48);
}

TEST(LargeValues, ALargeArgumentOfAScriptReachesIt) {
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  const std::string body = "return #ARGV[1]";
  const std::string sha = Sha1Hex(body);
  ASSERT_EQ(client("SCRIPT", "LOAD", body), sha);
  const std::string large(40 * kMb, 'x');
  const std::string expected = ":" + std::to_string(large.size());
  EXPECT_EQ(client("EVALSHA", sha, "0", large), expected);
  stage.master()("SCRIPT", "FLUSH");
  EXPECT_EQ(client("EVALSHA", sha, "0", large), expected);
  EXPECT_EQ(client("EVAL", body + " --other", "0", large), expected);
}

TEST(LargeValues, AValueThatNeverEndsCostsOnlyItsClient) {
  Stage stage(MasterOnly());
  RespClient half = stage.Connect();
  RespClient other = stage.Connect();
  half.SendRaw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + std::to_string(200 * kMb) + "\r\n");
  for (size_t i = 0; i < 50; ++i) {
    half.SendRaw(Block(i));
    if (i % 10 == 0) {
      ASSERT_EQ(other("INCR", "n").substr(0, 1), ":");
    }
  }
  half.Close(true);
  EXPECT_EQ(other("EXISTS", "k"), ":0");
  EXPECT_TRUE(WaitUntil([&] { return stage.proxy.Nodes()[0].at("leases").number() == 0; }));
}

TEST(SlowClients, OneThatNeverReadsItsManyRepliesIsClosedAtItsLimit) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "client_output_limit", TomlString("4mb"));
  Stage stage(options);
  RespClient other = stage.Connect();
  ASSERT_EQ(other("SET", "value", std::string(10'000, 'v')), "+OK");
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  RespClient greedy = stage.Connect();
  std::string gets;
  for (int i = 0; i < 50'000; ++i) gets += Encode({"GET", "value"});
  std::thread sender([&] { greedy.SendUntilFull(gets, milliseconds(2000)); });
  EXPECT_TRUE(stage.proxy.WaitLog("client.closed", "it does not read its replies"));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(other("PING"), "+PONG");
  sender.join();
  EXPECT_TRUE(stage.proxy.WaitLog("client.closed"));
  EXPECT_EQ(stage.proxy.LogLines("client.closed").size(), 1u);
  EXPECT_EQ(stage.proxy.Counter("clients_closed_output"), 1);
  ExpectPeakBelow(stage.proxy, before_mb + 40);
  // What it had not read yet, and then the end.
  EXPECT_LT(greedy.ReadToEnd().size(), 50'000u * 10'000u);
}

// The longest that `client` waits for one of its commands while `going_on`.
template <typename Condition>
milliseconds LongestWait(RespClient& client, Condition going_on) {
  auto longest = std::chrono::steady_clock::duration::zero();
  while (going_on()) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(client.Ask({"INCR", "n"}).type, ':');
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
  }
  return std::chrono::duration_cast<milliseconds>(longest);
}

TEST(SlowClients, OneThatNeverReadsALargeValueHoldsUpNobody) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RespClient other = stage.Connect();
  SendLargeSet(other, "large", 200);
  ASSERT_EQ(other.Receive().Show(), "+OK");
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  std::vector<RespClient> deaf;
  for (int i = 0; i < 3; ++i) {
    deaf.push_back(stage.Connect());
    deaf.back().Send({"GET", "large"});
  }
  // A command that was right behind such a value waits until its client has had its chance: a
  // second.
  int left = 500;
  EXPECT_LT(LongestWait(other, [&] { return --left > 0; }), milliseconds(2500) * PatienceFactor());
  ExpectPeakBelow(stage.proxy, before_mb + 100);
}

// Bytes of replies to shacast that the server could not send yet.
int64_t KeptByTheServer(RedisProcess& server) {
  int64_t kept = 0;
  std::istringstream list(server.Ask({"CLIENT", "LIST"}).text);
  for (std::string line; std::getline(list, line);) {
    const size_t omem = line.find(" omem=");
    if (line.find(" name=shacast ") != std::string::npos) kept += std::atoll(&line[omem + 6]);
  }
  return kept;
}

TEST(SlowClients, OneThatStopsInTheMiddleOfALargeValueMayGoOnLater) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "workers", "1")
      .Set("proxy", "client_output_limit", TomlString("8mb"));
  Stage stage(options);
  RespClient client = stage.Connect();
  SendLargeSet(client, "large", 100);
  ASSERT_EQ(client.Receive().Show(), "+OK");
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  client.Send({"GET", "large"});
  // Others come when it has come to a stop, and take another connection.
  int64_t kept = 0;
  int times_the_same = 0;
  ASSERT_TRUE(WaitUntil([&] {
    const int64_t before = std::exchange(kept, KeptByTheServer(stage.master()));
    times_the_same = kept > 0 && kept == before ? times_the_same + 1 : 0;
    return times_the_same == 10;
  }));
  RespClient other = stage.Connect();
  int left = 2000;
  EXPECT_LT(LongestWait(other, [&] { return --left > 0; }), milliseconds(500) * PatienceFactor());
  EXPECT_EQ(ReceiveBlocks(client), 100u);
  EXPECT_EQ(client("PING"), "+PONG");
  ExpectPeakBelow(stage.proxy, before_mb + 24);
}

TEST(SlowClients, OneThatReadsSlowlyGetsEverythingAndOthersDoNotWaitForIt) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RespClient other = stage.Connect();
  constexpr size_t kMegabytes = 48;  // less than client_output_limit
  SendLargeSet(other, "large", kMegabytes);
  ASSERT_EQ(other.Receive().Show(), "+OK");
  RespClient slow = stage.Connect();
  slow.Send({"GET", "large"});
  std::atomic<bool> done{false};
  std::string wrong;
  std::thread reader([&] {
    try {
      size_t since_pause = 0;
      const size_t bytes = slow.ReceiveBulk([&](std::string_view piece) {
        since_pause += piece.size();
        if (since_pause < kMb) return;
        since_pause = 0;
        WaitUntil([] { return false; }, milliseconds(20));
      });
      if (bytes != kMegabytes * kMb) wrong = std::to_string(bytes);
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    done = true;
  });
  EXPECT_LT(LongestWait(other, [&] { return !done; }), milliseconds(500) * PatienceFactor());
  reader.join();
  EXPECT_EQ(wrong, "");
}

}  // namespace
