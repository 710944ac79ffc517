// What one worker learns every worker knows, before the client that brought it is answered.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

StageOptions FourWorkers() {
  StageOptions options;
  options.config.Set("proxy", "workers", "4");
  return options;
}

std::vector<RespClient> Clients(const Stage& stage, int count) {
  std::vector<RespClient> clients;
  for (int i = 0; i < count; ++i) clients.push_back(stage.Connect());
  return clients;
}

TEST(Workers, AScriptThatWasLoadedOnOneConnectionIsKnownOnEveryOtherAtOnce) {
  Stage stage(FourWorkers());
  auto clients = Clients(stage, 12);
  for (int i = 0; i < 100; ++i) {
    const std::string body = WriteScript(i);
    RespClient& loader = clients[i % clients.size()];
    // No node has it when the digest comes: only what shacast knows can answer.
    const bool by_load = i % 2 == 0;
    if (by_load) {
      ASSERT_EQ(loader("SCRIPT", "LOAD", body), Sha1Hex(body));
    } else {
      ASSERT_FALSE(loader.Ask({"EVAL", body, "1", "n"}).is_error());
    }
    stage.master()("SCRIPT", "FLUSH");
    stage.master()("DEL", "n");
    for (auto& client : clients) client.Send({"EVALSHA", Sha1Hex(body), "1", "n"});
    std::vector<bool> came(clients.size(), false);
    for (auto& client : clients) {
      const Value answer = client.Receive();
      ASSERT_EQ(answer.type, ':') << answer;
      came.at(static_cast<size_t>(answer.number() - 1)) = true;
    }
    EXPECT_EQ(came, std::vector<bool>(clients.size(), true));
  }
}

TEST(Workers, WhatOneConnectionFlushedIsGoneForEveryOtherAtOnce) {
  Stage stage(FourWorkers());
  auto clients = Clients(stage, 12);
  const std::string sha = Sha1Hex(WriteScript(1));
  for (int i = 0; i < 50; ++i) {
    RespClient& one = clients[i % clients.size()];
    ASSERT_EQ(one("SCRIPT", "LOAD", WriteScript(1)), sha);
    for (auto& client : clients) client.Send({"EVALSHA", sha, "1", "n"});
    for (auto& client : clients) ASSERT_EQ(client.Receive().type, ':');
    ASSERT_EQ(clients[(i + 5) % clients.size()]("SCRIPT", "FLUSH"), "+OK");
    for (auto& client : clients) client.Send({"EVALSHA", sha, "1", "n"});
    for (auto& client : clients) ASSERT_EQ(client.Receive().code(), "NOSCRIPT");
  }
}

TEST(Workers, LoadsAndFlushesOfManyClientsLeaveEveryWorkerWithTheSame) {
  Stage stage(FourWorkers());
  constexpr int kClients = 8;
  std::vector<std::string> wrong(kClients);
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      try {
        RespClient client = stage.Connect();
        for (int i = 0; i < 100; ++i) {
          const std::string body = WriteScript(i % 10);
          if (i % 20 == c) client("SCRIPT", "FLUSH");
          const std::string sha = client("SCRIPT", "LOAD", body);
          if (sha != Sha1Hex(body)) wrong[c] += sha + "\n";
          // Another client's flush may come between: then NOSCRIPT is right.
          const Value answer = client.Ask({"EVALSHA", sha, "1", "n"});
          if (answer.type != ':' && answer.code() != "NOSCRIPT") wrong[c] += answer.Show() + "\n";
          const Value by_body = client.Ask({"EVAL", body, "1", "n"});
          if (by_body.type != ':') wrong[c] += by_body.Show() + "\n";
        }
      } catch (const std::exception& error) {
        wrong[c] += error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<std::string>(kClients));
  auto clients = Clients(stage, 8);
  ASSERT_EQ(clients[0]("SCRIPT", "FLUSH"), "+OK");
  ASSERT_EQ(clients[1]("SCRIPT", "LOAD", WriteScript(3)), Sha1Hex(WriteScript(3)));
  for (auto& client : clients) {
    const Value held = client.Ask({"PROXY", "SCRIPTS"});
    ASSERT_EQ(held.elements.size(), 1u);
    EXPECT_EQ(held.elements[0].at("sha1").text, Sha1Hex(WriteScript(3)));
  }
}

TEST(Workers, AScriptTooLargeForMaxMemoryMakesRoomByForgettingTheLeastRecentlyUsed) {
  StageOptions options = FourWorkers();
  options.config.Set("scripts", "max_memory", TomlString("256kb"));
  Stage stage(options);
  auto clients = Clients(stage, 8);
  const auto large = [](int i) {
    return "--" + std::string(60'000, static_cast<char>('a' + i)) + "\nreturn " + std::to_string(i);
  };
  for (int i = 0; i < 4; ++i) ASSERT_EQ(clients[i]("EVAL", large(i), "0"), ":" + std::to_string(i));
  // The first is used again, so that the second goes.
  ASSERT_EQ(clients[5]("EVALSHA", Sha1Hex(large(0)), "0"), ":0");
  ASSERT_EQ(clients[0]("EVAL", large(4), "0"), ":4");
  ASSERT_TRUE(stage.proxy.WaitLog("script.evicted"));
  for (auto& client : clients) {
    const auto gone = client.Ask({"PROXY", "SCRIPTS", Sha1Hex(large(1))});
    EXPECT_TRUE(gone.is_error());
    EXPECT_EQ(client.Ask({"PROXY", "SCRIPTS"}).elements.size(), 4u);
    EXPECT_EQ(client("EVALSHA", Sha1Hex(large(0)), "0"), ":0");
  }
}

}  // namespace
