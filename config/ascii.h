// Characters of the ASCII range, whatever the locale says. <cctype> asks the locale, and takes an
// int that may not be negative; configuration text is neither.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace config {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool IsLetter(char c) {
  return IsUpper(c) || (c >= 'a' && c <= 'z');
}
constexpr char ToLower(char c) {
  return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ToLower);
  return out;
}

}  // namespace config
