// What a parser of one value gives: the value, or words about what is wrong with the text.
//
// The words do not say which key it was about, nor where it stood: whoever asked knows both, and
// puts them in front.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace config {

template <typename T>
struct [[nodiscard]] Parsed {
  std::optional<T> value;
  std::string words;  // without a value: what is wrong
  std::string hint;   // without a value: what was probably meant, or ""

  static Parsed Ok(T value) { return {std::move(value), "", ""}; }
  static Parsed Wrong(std::string words, std::string hint = "") {
    return {std::nullopt, std::move(words), std::move(hint)};
  }
  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
};

}  // namespace config
