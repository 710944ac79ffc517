// One value of RESP2 or RESP3, as a tree that a test can look at and print.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace support {

struct Value {
  // RESP's own type byte: + - : $ * _ % ~ > , # ( = !. RESP2's nulls are '_' too.
  char type = '_';
  std::string text;             // of a scalar; numbers as they came
  std::vector<Value> elements;  // a map's keys and values take turns

  bool is_null() const { return type == '_'; }
  bool is_error() const { return type == '-' || type == '!'; }
  // Its first word, if it is an error.
  std::string code() const;
  int64_t number() const { return std::stoll(text); }
  // The value behind `key`, in a map or in an array of keys and values; throws if it has none.
  const Value& at(const std::string& key) const;

  // "+OK", "-ERR words", ":1", "(nil)", "[a, b]", "{k: v}", ">[push]"; bulk strings as they are.
  std::string Show() const;
};

inline std::ostream& operator<<(std::ostream& out, const Value& value) {
  return out << value.Show();
}

// A command as clients write it.
std::string Encode(const std::vector<std::string>& args);

}  // namespace support
