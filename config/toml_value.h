// A TOML document as a plain tree in which everything knows its place.
//
// toml++ stays behind ParseToml(): it costs every file that includes it a second to compile, and it
// throws. Behind this line there are no exceptions and no templates, and a flag of the command line
// can be made a Value as well, so that flags and files go through the same reader.
//
// The tree owns its text. It knows nothing of sections, keys or types that we expect.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace config {

struct Value {
  enum class Kind { kString, kInteger, kFloat, kBoolean, kDate, kTime, kDateTime, kArray, kTable };

  Kind kind = Kind::kTable;
  Place place;
  std::string text;     // kString
  int64_t integer = 0;  // kInteger
  bool boolean = false;
  std::vector<Value> items;  // elements of a kArray, members of a kTable

  // Only where this is a member of a table.
  std::string key;
  Place key_place;

  // The member of that name; null where there is none.
  const Value* Find(std::string_view member) const;
};

// "an integer", "a string", ...: for complaints.
std::string_view KindWords(Value::Kind kind);

// The document's root, a table. Or one complaint, in the library's words: TOML's grammar gives up
// at the first mistake.
struct [[nodiscard]] TomlDocument {
  Value root;
  Diagnostics complaints;
};
TomlDocument ParseToml(std::string_view toml, const std::string& name);

}  // namespace config
