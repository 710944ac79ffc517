// Streams of commands by chance, whose replies depend on nothing but the stream.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/resp_client.h"

namespace support {

class RandomCommands {
 public:
  // `owner`: a word in all keys and scripts, so that streams do not meet.
  RandomCommands(unsigned seed, std::string owner);

  RespClient::Args Next();
  // Bytes of some commands, most as arrays, some inline.
  std::string NextBytes(int commands);

 private:
  std::string Key();
  std::string Value();
  std::string Script();
  RespClient::Args NextPlain();
  RespClient::Args NextOfScripts();

  std::mt19937 random_;
  const std::string owner_;
  int left_in_multi_ = 0;
};

// Sends in pieces of random sizes, up to `largest`; small ones leave the machine by themselves.
void SendInPieces(RespClient& client, std::string_view bytes, std::mt19937& random, size_t largest);

}  // namespace support
