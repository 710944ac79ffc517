// Commands by chance, from rows like "SET %s %v NX|XX|": every family that servers have.
//
// Keys, members and numbers are few, so that commands meet each other's data and its wrong types,
// and a part of what is made is odd: other counts of arguments, numbers that are none, binary and
// empty words, unknown names. What a stream says depends on nothing but its seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// How a row is written:
//   words are divided by blanks; A|B is one of them, an empty one is left out;
//   A+B are two words that belong together; a '*' at the end repeats what stands before it;
//   %name is made by chance (the list is in oracle_grammar.cc).
struct OracleRow {
  const char* words;
  // Its arguments are never made odd: it could block for ever, or take a gigabyte.
  bool as_it_is = false;
};

// All rows of a family are equally likely, families by their weight.
struct OracleFamily {
  const char* name;
  int weight;
  std::vector<OracleRow> rows;
};
const std::vector<OracleFamily>& OracleFamilies();

// Scripts that are called with two keys and two arguments.
const std::vector<std::string>& OracleScripts();
// Libraries for FUNCTION LOAD; each has the functions that "%function" names.
const std::vector<std::string>& OracleLibraries();

class OracleGrammar {
 public:
  using Args = std::vector<std::string>;

  explicit OracleGrammar(uint32_t seed);

  Args Next();
  // One of this row, not made odd.
  Args Of(std::string_view row);

  // 0 ... n-1.
  size_t Below(size_t n) { return random_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  std::string Value();

 private:
  Args Expand(std::string_view row);
  void ExpandWord(std::string_view word, Args* args);
  std::string Placeholder(std::string_view name);
  std::string Key(std::string_view kind);
  std::string Member();
  std::string Number();
  std::string Float();
  std::string Odd();
  void MakeOdd(Args* args);
  template <size_t N>
  std::string OneOf(const char* const (&words)[N]) {
    return words[Below(N)];
  }

  std::mt19937 random_;
  int total_weight_ = 0;
  uint64_t next_stream_id_ = 1;
};

}  // namespace support
