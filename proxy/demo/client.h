// A blocking connection to one server, and its answers.
//
// hiredis, behind this one .cc. The demo is its own witness: nothing here is shared with the
// proxy's data path. The main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;

namespace demo {

struct Answer {
  enum class Type : uint8_t { kLost, kNil, kStatus, kError, kText, kInteger, kArray };
  Type type = Type::kLost;
  std::string text;     // kStatus, kError, kText; kLost: why
  int64_t integer = 0;  // kInteger
  std::vector<Answer> elements;

  bool IsText(std::string_view wanted) const { return type == Type::kText && text == wanted; }
  bool IsOk() const { return type == Type::kStatus && text == "OK"; }
  // The error begins with this code, such as "NOSCRIPT".
  bool IsError(std::string_view code) const;
  // Of an array of names and values in turn: the value; an empty answer if there is none.
  const Answer& Field(std::string_view name) const;
  // As redis-cli writes it.
  std::string ToString() const;
};

class Client {
 public:
  // To 127.0.0.1. Null: nobody listens there.
  static std::unique_ptr<Client> Connect(int port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Answer Ask(const std::vector<std::string>& args);

 private:
  explicit Client(redisContext* context) : context_(context) {}

  redisContext* context_;
};

// The value of `name` in a reply to INFO; "" if it is not there.
std::string InfoField(std::string_view info, std::string_view name);

}  // namespace demo
