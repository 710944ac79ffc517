// Where replies end, and whether two of them say the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// The bytes of the value at the front of `bytes`; 0 if more must come. Throws if it is no RESP.
size_t ReplySize(std::string_view bytes);

// A message that somebody published, or another push that answers no command.
bool IsMessage(std::string_view reply);

// What two replies to one command may differ in.
enum class OracleRule {
  kAnyOrder,       // of elements
  kAnyOrderPairs,  // ... which belong together two by two
  kWithin,         // numbers, by so much
  kNumberBehind,   // the number behind a certain word is not looked at
  kThird,          // nor is the third element of each element
  kShape,          // only the types are looked at
  kAnything,
};

// One row for each exception.
struct OracleException {
  const char* command;  // its first words, in upper case
  const char* word;     // ... and one that is somewhere behind them; "" = any
  OracleRule rule;
  const char* names;  // kNumberBehind: the words, divided by blanks
  long long within;   // kWithin
  const char* reason;
};
const std::vector<OracleException>& OracleExceptions();

// As far as some row allows it. `args` is the command that was answered.
bool SameReply(const std::vector<std::string>& args, std::string_view direct,
               std::string_view proxied);

// The elements of an array's reply, each as it came; nullopt-like empty if it is no array.
std::vector<std::string_view> ElementsOf(std::string_view reply);

// What can be printed, and not too much of it.
std::string Printable(std::string_view bytes, size_t most = 1500);

}  // namespace support
