// One complaint about the configuration: where, what, and what to write instead.
//
// A place is a file with line and column, both counted from 1 (columns in characters, as editors
// do). A complaint about a whole file, or about a command-line flag, has line 0: then `file` is
// the file's or the flag's name, and nothing follows it.
//
// Complaints are collected, never thrown and never printed here: an operator mends a file once,
// not once for each mistake. Words name what is wrong; they never repeat a secret.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace config {

struct Place {
  std::string file;
  uint32_t line = 0;  // 0 = the file as a whole, or a flag
  uint32_t column = 0;

  // "FILE:LINE:COLUMN", or "FILE".
  std::string ToString() const;
};

struct Diagnostic {
  Place place;
  std::string words;
  std::string hint;  // what was probably meant; "" = no idea

  // `PLACE: words`, and `; did you mean "hint"?` where there is a hint.
  std::string ToString() const;
};

using Diagnostics = std::vector<Diagnostic>;

// In the order of the file; those without a line come last, in the order they were made.
void SortByPlace(Diagnostics& complaints);

}  // namespace config
