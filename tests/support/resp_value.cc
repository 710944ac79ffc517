#include "tests/support/resp_value.h"

#include <stdexcept>

namespace support {
namespace {

std::string Joined(const std::vector<Value>& elements, const char* between_pair) {
  std::string text;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) text += i % 2 == 1 ? between_pair : ", ";
    text += elements[i].Show();
  }
  return text;
}

}  // namespace

std::string Value::code() const {
  return is_error() ? text.substr(0, text.find(' ')) : std::string();
}

const Value& Value::at(const std::string& key) const {
  for (size_t i = 0; i + 1 < elements.size(); i += 2)
    if (elements[i].text == key) return elements[i + 1];
  throw std::out_of_range("no \"" + key + "\" in " + Show());
}

std::string Value::Show() const {
  switch (type) {
    case '_':
      return "(nil)";
    case '$':
    case '=':
      return text;
    case '!':
      return "-" + text;
    case '*':
      return "[" + Joined(elements, ", ") + "]";
    case '~':
    case '>':
      return type + ("[" + Joined(elements, ", ") + "]");
    case '%':
      return "{" + Joined(elements, ": ") + "}";
    default:
      return type + text;
  }
}

std::string Encode(const std::vector<std::string>& args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto& arg : args)
    out.append("$").append(std::to_string(arg.size())).append("\r\n").append(arg).append("\r\n");
  return out;
}

}  // namespace support
