#include "tests/support/random_commands.h"

#include <algorithm>

#include "tests/support/scripts.h"

namespace support {

using Args = RespClient::Args;

RandomCommands::RandomCommands(unsigned seed, std::string owner)
    : random_(seed), owner_(std::move(owner)) {}

std::string RandomCommands::Key() {
  return owner_ + ":" + std::to_string(random_() % 5);
}

std::string RandomCommands::Value() {
  const auto kind = random_() % 20;
  const size_t size = kind == 0  ? random_() % 100'000
                      : kind < 4 ? random_() % 3000
                                 : random_() % 20;
  std::string value(size, ' ');
  for (char& c : value) c = static_cast<char>(random_());
  return value;
}

std::string RandomCommands::Script() {
  return "return {'" + owner_ + std::to_string(random_() % 4) +
         "', redis.call('INCR', KEYS[1] .. ':n'), ARGV[1]}";
}

Args RandomCommands::NextOfScripts() {
  const std::string body = Script();
  const std::string sha = Sha1Hex(body);
  switch (random_() % 6) {
    case 0:
      return {"EVAL", body, "1", Key(), Value()};
    case 1:
      return {"SCRIPT", "LOAD", body};
    case 2:
      return {"EVALSHA", Upper(sha), "1", Key(), Value()};
    case 3:
      return {"EVALSHA", sha, "7", Key()};
    default:
      return {"EVALSHA", sha, "1", Key(), Value()};
  }
}

Args RandomCommands::NextPlain() {
  switch (random_() % 20) {
    case 0:
      return {"SET", Key(), Value()};
    case 1:
      return {"GET", Key()};
    case 2:
      return {"APPEND", Key(), Value()};
    case 3:
      return {"INCR", Key() + ":n"};
    case 4:
      return {"RPUSH", Key() + ":l", Value(), Value()};
    case 5:
      return {"LRANGE", Key() + ":l", "-3", "-1"};
    case 6:
      return {"HSET", Key() + ":h", Key(), Value()};
    case 7:
      return {"HGET", Key() + ":h", Key()};
    case 8:
      return {"MGET", Key(), Key(), Key()};
    case 9:
      return {"DEL", Key()};
    case 10:
      return {"TYPE", Key()};
    case 11:
      return {"ECHO", Value()};
    case 12:
      return {"PING"};
    case 13:
      return {"GETRANGE", Key(), "5", "100"};
    case 14:
      return {"LPUSH", Key() + ":n", "x"};  // WRONGTYPE, most often
    case 15:
      return {"NOSUCHCOMMAND", Key()};
    case 16:
      return {"GET"};
    case 17:
      return {"ZADD", Key() + ":z", std::to_string(random_() % 100), Value()};
    case 18:
      return {"ZRANGE", Key() + ":z", "0", "2", "WITHSCORES"};
    default:
      return {"STRLEN", Key()};
  }
}

Args RandomCommands::Next() {
  if (left_in_multi_ > 0) {
    if (--left_in_multi_ == 0) return random_() % 5 == 0 ? Args{"DISCARD"} : Args{"EXEC"};
  } else if (random_() % 40 == 0) {
    left_in_multi_ = 2 + static_cast<int>(random_() % 5);
    return {"MULTI"};
  }
  return random_() % 4 == 0 ? NextOfScripts() : NextPlain();
}

std::string RandomCommands::NextBytes(int commands) {
  std::string bytes;
  for (int i = 0; i < commands; ++i) {
    const Args args = Next();
    const bool simple = std::all_of(args.begin(), args.end(), [](const std::string& arg) {
      return !arg.empty() && std::all_of(arg.begin(), arg.end(), [](char c) {
        return c > ' ' && c < 127 && c != '"' && c != '\'';
      });
    });
    if (!simple || random_() % 5 != 0) {
      bytes += Encode(args);
      continue;
    }
    for (const auto& arg : args) bytes += arg + " ";
    bytes += random_() % 2 == 0 ? "\r\n" : "\n";
  }
  return bytes;
}

void SendInPieces(RespClient& client, std::string_view bytes, std::mt19937& random,
                  size_t largest) {
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(1 + random() % largest, bytes.size());
    client.SendRaw(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

}  // namespace support
