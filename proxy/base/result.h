// A value or the reason why there is none.
//
// For start-up, configuration and control: places where a failure is told to a person. The data
// path does not use it: there a failure is a reply to the client or the end of a connection.
// g++ 12 has no std::expected in C++20.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace base {

// What went wrong, in words for an operator. Context is put in front on the way up.
struct [[nodiscard]] Error {
  std::string words;

  Error Prefixed(const std::string& context) const { return Error{context + ": " + words}; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return value_.has_value(); }
  // REQUIRES: ok()
  const T& value() const& { return *value_; }
  T& value() & { return *value_; }
  T&& value() && { return *std::move(value_); }
  // REQUIRES: !ok()
  const Error& error() const { return error_; }

 private:
  std::optional<T> value_;
  Error error_;
};

// Success, or the reason why not.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace base
