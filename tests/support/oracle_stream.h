// What several clients send, one after the other, made from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace support {

// What is left out or kept as a whole: most often one command.
struct OracleItem {
  std::string bytes;
  std::vector<std::string> args;  // empty if it is no command
  int replies = 1;
  bool ends = false;  // the server closes behind it
};

// One client sends, in one go or in pieces, and the next step begins when all replies are there.
struct OracleStep {
  size_t client = 0;
  std::vector<OracleItem> items;
  size_t largest_piece = 0;  // 0: all at once
  // Something in it waits in the server: when it does, this is sent by a client that is there for
  // that.
  bool blocks = false;
  std::vector<OracleItem> by_helper;
};

struct OracleStream {
  uint32_t seed = 0;
  size_t clients = 0;  // the helper not counted
  std::vector<OracleStep> steps;

  size_t commands() const;
};

OracleStream MakeOracleStream(uint32_t seed, size_t commands);

}  // namespace support
