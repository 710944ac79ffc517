// The one mistake that must not happen: to say that a script cannot write when a server would let
// it. So a second reading of the first line stands here, written after what servers were seen to
// do, and ours is held against it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "replication/script_registry.h"

namespace replication {
namespace {

struct Row {
  std::string_view body;
  bool no_writes;
};

using namespace std::literals;

const Row kRows[] = {
    // As servers have it.
    {"#!lua flags=no-writes\nreturn 1", true},
    {"#!lua flags=no-writes\n", true},
    {"#!lua   flags=no-writes  \nreturn 1", true},
    {"#!lua flags=no-writes,allow-stale\nreturn 1", true},
    {"#!lua flags=allow-stale,no-writes\nreturn 1", true},
    {"#!lua flags=allow-oom,no-writes,no-cluster\nreturn 1", true},
    {"#!lua flags=no-writes flags=allow-oom\nreturn 1", true},
    {"#!lua flags=allow-oom flags=no-writes\nreturn 1", true},
    // Writers.
    {"return 1", false},
    {"", false},
    {"#!lua\nreturn 1", false},
    {"#!lua \nreturn 1", false},
    {"#!lua flags=\nreturn 1", false},
    {"#!lua flags=allow-oom\nreturn 1", false},
    {"#!lua flags=allow-oom,allow-stale,no-cluster,allow-cross-slot-keys\nreturn 1", false},
    // Not the first line.
    {"\n#!lua flags=no-writes\nreturn 1", false},
    {" #!lua flags=no-writes\nreturn 1", false},
    {"return 1 -- #!lua flags=no-writes\n", false},
    {"#!lua\n-- flags=no-writes\n", false},
    {"#!lua allow-oom\nflags=no-writes\n", false},
    // Malformed: a server refuses them, or takes them for what we do not.
    {"#!lua flags=no-writes", false},
    {"#!lua flags=no-writes\0\nreturn 1"sv, false},
    {"#!lua\0 flags=no-writes\nreturn 1"sv, false},
    {"#!luaflags=no-writes\nreturn 1", false},
    {"#!lua5 flags=no-writes\nreturn 1", false},
    {"#!LUA flags=no-writes\nreturn 1", false},
    {"#!js flags=no-writes\nreturn 1", false},
    {"#! lua flags=no-writes\nreturn 1", false},
    {"#!lua no-writes\nreturn 1", false},
    {"#!lua FLAGS=no-writes\nreturn 1", false},
    {"#!lua flags=NO-WRITES\nreturn 1", false},
    {"#!lua flags= no-writes\nreturn 1", false},
    {"#!lua flags =no-writes\nreturn 1", false},
    {"#!lua flags=no_writes\nreturn 1", false},
    {"#!lua flags=no-write\nreturn 1", false},
    {"#!lua flags=no-writess\nreturn 1", false},
    {"#!lua flags=xno-writes\nreturn 1", false},
    {"#!lua flags=no-writes x=1\nreturn 1", false},
    {"#!lua x=1 flags=no-writes\nreturn 1", false},
    {"#!lua flags=no-writes;allow-oom\nreturn 1", false},
    // A server takes these for no-writes; on the master they are as right, so they stay there.
    {"#!lua flags=no-writes\r\nreturn 1", false},
    {"#!lua\tflags=no-writes\nreturn 1", false},
    {"#!lua \"flags=no-writes\"\nreturn 1", false},
};

TEST(SaysNoWrites, ReadsTheFirstLineAsAServerDoesOrDoesNotSayYes) {
  for (const Row& row : kRows) EXPECT_EQ(SaysNoWrites(row.body), row.no_writes) << row.body;
}

// --- What servers do (7.0 to 9.1) ----------------------------------------------------------------

// Splits words as redis-cli and the servers do: quotes, escapes, any blanks. Nullopt: unbalanced.
std::optional<std::vector<std::string>> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  size_t i = 0;
  const auto blank = [&](size_t at) { return std::isspace(static_cast<unsigned char>(line[at])); };
  while (true) {
    while (i < line.size() && blank(i)) ++i;
    if (i == line.size()) return words;
    std::string word;
    char quote = 0;
    for (;; ++i) {
      if (quote == 0) {
        if (i == line.size() || blank(i)) break;
        if (line[i] == '"' || line[i] == '\'') {
          quote = line[i];
        } else {
          word += line[i];
        }
        continue;
      }
      if (i == line.size()) return std::nullopt;
      if (line[i] == '\\' && i + 1 < line.size() && (quote == '"' || line[i + 1] == '\'')) {
        word += line[++i];
      } else if (line[i] == quote) {
        if (i + 1 < line.size() && !blank(i + 1)) return std::nullopt;
        quote = 0;
      } else {
        word += line[i];
      }
    }
    words.push_back(std::move(word));
  }
}

enum class Server { kMayWrite, kCannotWrite, kRefuses };

Server WhatAServerMakesOf(const std::string& body) {
  if (body.size() <= 2 || !body.starts_with("#!")) return Server::kMayWrite;
  const std::string text = body.substr(0, body.find('\0'));
  const size_t end = text.find('\n');
  if (end == std::string::npos) return Server::kRefuses;
  const auto words = SplitWords(std::string_view(text).substr(0, end));
  if (!words || words->empty() || words->front() != "#!lua") return Server::kRefuses;
  Server server = Server::kMayWrite;
  for (size_t i = 1; i < words->size(); ++i) {
    std::string word = (*words)[i];
    if (!word.starts_with("flags=")) return Server::kRefuses;
    word.erase(0, 6);
    while (!word.empty()) {
      const size_t comma = word.find(',');
      const std::string flag = word.substr(0, comma);
      static constexpr std::array kOthers = {"allow-oom", "allow-stale", "no-cluster",
                                             "allow-cross-slot-keys"};
      const bool known = std::find(kOthers.begin(), kOthers.end(), flag) != kOthers.end();
      if (flag == "no-writes") {
        server = Server::kCannotWrite;
      } else if (!known) {
        return Server::kRefuses;
      }
      if (comma == std::string::npos) break;
      word.erase(0, comma + 1);
      if (word.empty()) return Server::kRefuses;
    }
  }
  return server;
}

TEST(SaysNoWrites, NeverOfAScriptThatAServerLetsWrite) {
  static constexpr std::array kPieces = {"#!lua",
                                         " ",
                                         "flags=",
                                         "no-writes",
                                         ",",
                                         "allow-oom",
                                         "\n",
                                         "\t",
                                         "allow-stale",
                                         "\"",
                                         "'",
                                         "\\",
                                         "#!",
                                         "lua",
                                         "x",
                                         "\r",
                                         "flags=no-writes",
                                         "no-cluster",
                                         "=",
                                         "#!lua flags=no-writes",
                                         "-"};
  std::mt19937 random(20261122);
  int yes = 0;
  int servers_yes = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string body = random() % 4 == 0 ? "" : "#!lua ";
    const auto length = random() % 7;
    for (auto p = length; p > 0; --p) {
      if (random() % 40 == 0) body += '\0';
      body += kPieces[random() % kPieces.size()];
    }
    body += random() % 4 == 0 ? "return 1" : "\nreturn 1";
    const Server server = WhatAServerMakesOf(body);
    if (SaysNoWrites(body)) {
      ++yes;
      ASSERT_NE(server, Server::kMayWrite) << body;
    }
    if (server == Server::kCannotWrite) ++servers_yes;
  }
  EXPECT_GT(yes, 1000) << "the generator must come near";
  EXPECT_GT(servers_yes, yes / 2);
}

TEST(SaysNoScript, WhereverTheWordStandsInTheBody) {
  EXPECT_TRUE(SaysNoScript("return redis.error_reply('NOSCRIPT x')"));
  EXPECT_TRUE(SaysNoScript("NOSCRIPT"));
  EXPECT_TRUE(ScriptBody("-- NOSCRIPT").says_noscript);
  EXPECT_FALSE(SaysNoScript(""));
  EXPECT_FALSE(SaysNoScript("return redis.error_reply('NOSCRIP')"));
  EXPECT_FALSE(ScriptBody("return 'noscript'").says_noscript) << "an error code is in capitals";
}

}  // namespace
}  // namespace replication
