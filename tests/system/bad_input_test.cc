// Clients that do not speak RESP, or as little of it as they can. The judge is a server that is
// sent the same bytes.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/random_commands.h"
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

struct Bad {
  const char* what;
  std::string bytes;
};

std::vector<Bad> BadInputs() {
  const std::string two63 = "9223372036854775808";
  return {
      {"no number of arguments", "*\r\n"},
      {"a word for the number of arguments", "*x\r\n"},
      {"2^63 arguments", "*" + two63 + "\r\n"},
      {"2^63-1 arguments", "*9223372036854775807\r\n"},
      {"2^31 arguments", "*2147483648\r\n"},
      {"-2^63 arguments", "*-" + two63 + "\r\n"},
      {"minus five arguments", "*-5\r\n+\r\nPING\r\n"},
      {"a number with a sign", "*+1\r\n$4\r\nPING\r\n"},
      {"a number with a leading zero", "*01\r\n$4\r\nPING\r\n"},
      {"a number with a blank", "* 1\r\n$4\r\nPING\r\n"},
      {"an argument without a dollar", "*1\r\n4\r\nPING\r\n"},
      {"a status where an argument should be", "*1\r\n+PING\r\n"},
      {"a colon where an argument should be", "*2\r\n$3\r\nGET\r\n:1\r\n"},
      {"an argument of length x", "*1\r\n$x\r\nPING\r\n"},
      {"an argument of negative length", "*2\r\n$3\r\nGET\r\n$-1\r\n"},
      {"an argument of 2^63 bytes", "*2\r\n$3\r\nGET\r\n$" + two63 + "\r\nx\r\n"},
      {"an argument of 2^63-1 bytes", "*2\r\n$3\r\nGET\r\n$9223372036854775807\r\nx\r\n"},
      {"an argument of 600 MB", "*2\r\n$3\r\nGET\r\n$629145600\r\nxxxxx"},
      {"an argument of 512 MB and one byte", "*2\r\n$3\r\nGET\r\n$536870913\r\nx"},
      {"an argument of 600 MB behind good commands",
       Encode({"SET", "a", "1"}) + Encode({"GET", "a"}) +
           "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$629145600\r\n"},
      {"an empty command name", "*1\r\n$0\r\n\r\n" + Encode({"PING"})},
      {"nothing but line ends", "\r\n\n\r\n\r\n" + Encode({"PING"})},
      {"an empty array", "*0\r\n*-1\r\n" + Encode({"PING"})},
      {"a count that never ends", "*" + std::string(70'000, '1')},
      {"a length that never ends", "*1\r\n$" + std::string(70'000, '1')},
      {"70 KB of an inline command", std::string(70'000, 'a')},
      {"unbalanced quotes", "SET k \"v\r\n" + Encode({"PING"})},
      {"bytes that are no text",
       std::string("\x16\x03\x01\x02\x00\x01\x00\r\n", 9) + Encode({"PING"})},
      {"a line with a NUL byte behind one without",
       std::string("PING\r\nPING\0\r\nPING\r\n", 19) + Encode({"PING"})},
      {"70 KB of an inline command behind a NUL byte",
       std::string("PING \0\r\n", 8) + std::string(70'000, 'a')},
      {"an argument longer than it says", "*1\r\n$4\r\nPINGPONG\r\n" + Encode({"PING"})},
      {"an argument shorter than it says", "*2\r\n$4\r\nECHO\r\n$10\r\nab\r\n" + Encode({"PING"})},
      {"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"HTTP's POST", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"good commands and then nonsense",
       Encode({"INCR", "n"}) + Encode({"INCR", "n"}) + "*x\r\n" + Encode({"INCR", "n"})},
      {"wrong numbers of arguments", Encode({"GET"}) + Encode({"SET", "k"}) + Encode({"EVALSHA"}) +
                                         Encode({"EVAL", "return 1"}) + Encode({"SCRIPT"}) +
                                         Encode({"MULTI", "x"}) + Encode({"SELECT"}) +
                                         Encode({"SUBSCRIBE"}) + Encode({"BLPOP", "k"})},
      {"wrong numbers of arguments of what has a connection of its own",
       Encode({"PSUBSCRIBE"}) + Encode({"MONITOR", "x"}) + Encode({"WAIT", "0"}) +
           Encode({"PSYNC"}) + Encode({"CLIENT", "REPLY"}) + Encode({"WATCH"}) +
           Encode({"INCR", "m"}) + Encode({"MULTI"}) + Encode({"INCR", "m"}) +
           Encode({"BRPOP", "k"}) + Encode({"EXEC"}) + Encode({"INCR", "m"})},
  };
}

// Everything that comes back for these bytes, until the end.
std::string AnswerTo(const Endpoint& endpoint, const std::string& bytes) {
  RespClient client(endpoint);
  client.SendUntilFull(bytes, Patience());
  client.ShutdownWrite();
  return client.ReadToEnd();
}

TEST(BadInput, IsAnsweredAsByTheServerAndHarmsNoOtherClient) {
  Stage stage(MasterOnly());
  RedisProcess oracle;
  RespClient other = stage.Connect();
  int asked = 0;
  for (const Bad& bad : BadInputs()) {
    EXPECT_EQ(AnswerTo(stage.proxy.endpoint(), bad.bytes), AnswerTo(oracle.endpoint(), bad.bytes))
        << bad.what;
    ASSERT_EQ(other("INCR", "other"), ":" + std::to_string(++asked));
  }
  EXPECT_TRUE(stage.proxy.process().Running());
}

TEST(BadInput, ByteByByteItIsTheSameBadInput) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RedisProcess oracle;
  RespClient others[2] = {stage.Connect(), oracle.Connect()};
  for (const Bad& bad : BadInputs()) {
    if (bad.bytes.size() > 300) continue;
    std::string answers[2];
    const Endpoint endpoints[2] = {stage.proxy.endpoint(), oracle.endpoint()};
    for (int i = 0; i < 2; ++i) {
      RespClient client(endpoints[i]);
      ASSERT_EQ(client("PING"), "+PONG");
      for (const char byte : bad.bytes) {
        if (client.SendUntilFull(std::string_view(&byte, 1), Patience()) == 0) break;
        // Who closes without a word drops what has not left yet: so what is owed for this line has
        // left before the next one comes, here and there.
        if (byte == '\n') {
          ASSERT_EQ(others[i]("PING"), "+PONG");
        }
      }
      client.ShutdownWrite();
      answers[i] = client.ReadToEnd();
    }
    EXPECT_EQ(answers[0], answers[1]) << bad.what;
  }
}

TEST(BadInput, ByChanceItIsAnsweredAsByTheServer) {
  Stage stage(MasterOnly());
  RedisProcess oracle;
  std::mt19937 random(2);
  for (int round = 0; round < 400; ++round) {
    RandomCommands commands(static_cast<unsigned>(round), "r");
    std::string bytes;
    // Commands that leave no trace in other rounds' replies, with a few bytes changed.
    for (int i = 0; i < 5; ++i) bytes += Encode({"ECHO", std::string(random() % 30, 'e')});
    for (int i = 0; i < 3; ++i) {
      constexpr std::string_view kBytes = "*$\r\n0123456789-+ abc\"'";
      const size_t at = random() % bytes.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          bytes[at] = byte;
          break;
        case 1:
          bytes.insert(at, 1, byte);
          break;
        default:
          bytes.erase(at, 1);
          break;
      }
    }
    const std::string answer = AnswerTo(stage.proxy.endpoint(), bytes);
    ASSERT_EQ(answer, AnswerTo(oracle.endpoint(), bytes)) << testing::PrintToString(bytes);
  }
}

TEST(BadInput, AMegabyteOfAnInlineCommandIsRefusedInBoundedMemory) {
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  // The answer may be lost where bytes come in behind it: what counts is that it ends.
  client.SendUntilFull(std::string(kMb, 'a'), milliseconds(500));
  std::string answer;
  try {
    answer = client.ReadToEnd();
  } catch (const ConnectionEnded&) {
  }
  EXPECT_TRUE(answer.empty() || answer == "-ERR Protocol error: too big inline request\r\n")
      << answer;
  EXPECT_LT(stage.proxy.PeakKilobytes() / 1024, before_mb + (stage.proxy.sanitized() ? 200 : 16));
}

TEST(BadInput, ACommandLargerThanTheQueryLimitClosesItsClientOnly) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "client_query_limit", TomlString("1mb"));
  Stage stage(options);
  RespClient other = stage.Connect();
  RespClient client = stage.Connect();
  client.SendRaw("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + std::to_string(2 * kMb) + "\r\n");
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_EQ(other("SET", "k", std::string(kMb / 2, 'v')), "+OK");
  EXPECT_EQ(stage.proxy.Counter("clients_closed_query"), 1);
}

TEST(BadInput, ManyArgumentsAreCountedAsTheyComeAndNotBelieved) {
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  client.SendRaw("*1000000000\r\n$4\r\nMGET\r\n$1\r\nk\r\n");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(other("PING"), "+PONG");
  EXPECT_LT(stage.proxy.PeakKilobytes() / 1024, before_mb + (stage.proxy.sanitized() ? 200 : 16));
  client.Close();
  // A million that do come are passed on.
  RespClient many = stage.Connect();
  std::vector<std::string> keys = {"EXISTS"};
  keys.resize(200'001, "k");
  EXPECT_EQ(many.Ask(keys).Show(), ":0");
}

TEST(BadInput, ClientsThatSendNothingOrDribbleCostNobodyAnything) {
  Stage stage(MasterOnly());
  std::vector<RespClient> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(stage.Connect());
  std::vector<RespClient> dribbling;
  for (int i = 0; i < 20; ++i) dribbling.push_back(stage.Connect());
  const std::string bytes = Encode({"SET", "dribbled", std::string(40, 'x')});
  RespClient other = stage.Connect();
  int asked = 0;
  const auto began = std::chrono::steady_clock::now();
  for (const char byte : bytes) {
    for (auto& client : dribbling) client.SendRaw(std::string_view(&byte, 1));
    for (int i = 0; i < 5; ++i) ASSERT_EQ(other("INCR", "n"), ":" + std::to_string(++asked));
  }
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took, milliseconds(3000) * PatienceFactor());
  for (auto& client : dribbling) EXPECT_EQ(client.Receive().Show(), "+OK");
  for (auto& client : silent) EXPECT_EQ(client("PING"), "+PONG");
}

TEST(BadInput, OneThatSendsWithoutEndAndReadsNothingIsBounded) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "client_output_limit", TomlString("2mb"));
  Stage stage(options);
  RespClient other = stage.Connect();
  const int64_t before_mb = stage.proxy.ResidentKilobytes() / 1024;
  stage.proxy.ResetPeak();
  RespClient client = stage.Connect();
  std::string bytes;
  while (bytes.size() < 64 * kMb) bytes += Encode({"ECHO", std::string(1000, 'e')});
  std::thread sender([&] { client.SendUntilFull(bytes, milliseconds(1000)); });
  for (int i = 0; i < 200; ++i) EXPECT_EQ(other("PING"), "+PONG");
  sender.join();
  EXPECT_LT(stage.proxy.PeakKilobytes() / 1024, before_mb + (stage.proxy.sanitized() ? 400 : 24));
}

TEST(BadInput, InsideASubscriptionAndATransactionItEndsThemCleanly) {
  Stage stage(MasterOnly());
  RespClient subscriber = stage.Connect();
  subscriber("SUBSCRIBE", "c");
  subscriber.SendRaw("*x\r\n");
  static_cast<void>(subscriber.ReadToEnd());
  RespClient transaction = stage.Connect();
  transaction("MULTI");
  transaction("SET", "k", "v");
  transaction.SendRaw("*1\r\n:1\r\n");
  EXPECT_TRUE(transaction.ReadToEnd().starts_with("-ERR Protocol error"));
  RespClient other = stage.Connect();
  EXPECT_EQ(other("EXISTS", "k"), ":0");
  EXPECT_TRUE(WaitUntil([&] { return other("PUBLISH", "c", "x") == ":0"; }));
  EXPECT_EQ(other("MULTI"), "+OK");
  EXPECT_EQ(other("EXEC"), "[]");
}

}  // namespace
