// A node's reply to the control thread, as a tree of plain values: small, copied, easy to read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace control {

struct ReplyTree {
  enum class Type : uint8_t { kNil, kStatus, kError, kInteger, kText, kArray };
  Type type = Type::kNil;
  std::string text;     // kStatus, kError, kText
  int64_t integer = 0;  // kInteger
  std::vector<ReplyTree> elements;

  bool is_error() const { return type == Type::kError; }
  bool is_text() const { return type == Type::kText; }
  // The error begins with this code.
  bool is_error(const char* code) const {
    return is_error() && text.substr(0, text.find(' ')) == code;
  }
};

}  // namespace control
