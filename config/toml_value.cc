#include "config/toml_value.h"

#include <toml++/toml.h>

#include <exception>
#include <utility>

#include "config/quoting.h"

namespace config {

namespace {

Place PlaceOf(const toml::source_region& source, const std::string& name) {
  return {name, source.begin.line, source.begin.column};
}

Value::Kind KindOf(toml::node_type type) {
  switch (type) {
    case toml::node_type::string:
      return Value::Kind::kString;
    case toml::node_type::integer:
      return Value::Kind::kInteger;
    case toml::node_type::floating_point:
      return Value::Kind::kFloat;
    case toml::node_type::boolean:
      return Value::Kind::kBoolean;
    case toml::node_type::date:
      return Value::Kind::kDate;
    case toml::node_type::time:
      return Value::Kind::kTime;
    case toml::node_type::date_time:
      return Value::Kind::kDateTime;
    case toml::node_type::array:
      return Value::Kind::kArray;
    case toml::node_type::table:
    case toml::node_type::none:
      break;
  }
  return Value::Kind::kTable;
}

// toml++ bounds the depth of brackets, but not that of dotted keys ("a.b.c"), and overflows the
// stack where they are tens of thousands deep. We use one dot in a whole file.
constexpr size_t kMostDots = 2000;

// Dots outside of strings and comments. Judged line by line, which is exact enough for a bound.
size_t CountDots(std::string_view toml) {
  size_t dots = 0;
  char quote = 0;
  bool comment = false;
  for (size_t i = 0; i < toml.size(); ++i) {
    const char c = toml[i];
    if (c == '\n') {
      quote = 0;
      comment = false;
    } else if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (comment) {
      continue;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      comment = true;
    } else if (c == '.') {
      ++dots;
    }
  }
  return dots;
}

// As deep as the document is nested.
Value Copy(const toml::node& node, const std::string& name) {
  Value value;
  value.kind = KindOf(node.type());
  value.place = PlaceOf(node.source(), name);
  if (const auto* text = node.as_string()) value.text = text->get();
  if (const auto* integer = node.as_integer()) value.integer = integer->get();
  if (const auto* boolean = node.as_boolean()) value.boolean = boolean->get();
  if (const auto* array = node.as_array()) {
    for (const toml::node& item : *array) value.items.push_back(Copy(item, name));
  }
  if (const auto* table = node.as_table()) {
    for (const auto& [key, member] : *table) {
      Value copy = Copy(member, name);
      copy.key = std::string(key.str());
      copy.key_place = PlaceOf(key.source(), name);
      value.items.push_back(std::move(copy));
    }
  }
  return value;
}

}  // namespace

const Value* Value::Find(std::string_view member) const {
  for (const Value& item : items) {
    if (kind == Kind::kTable && item.key == member) return &item;
  }
  return nullptr;
}

std::string_view KindWords(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kString:
      return "a string";
    case Value::Kind::kInteger:
      return "an integer";
    case Value::Kind::kFloat:
      return "a floating-point number";
    case Value::Kind::kBoolean:
      return "a boolean";
    case Value::Kind::kDate:
      return "a date";
    case Value::Kind::kTime:
      return "a time of day";
    case Value::Kind::kDateTime:
      return "a date and time";
    case Value::Kind::kArray:
      return "a list";
    case Value::Kind::kTable:
      break;
  }
  return "a table";
}

TomlDocument ParseToml(std::string_view toml, const std::string& name) {
  TomlDocument document;
  const auto complain = [&](Place place, std::string_view words) {
    document.complaints.push_back({std::move(place), OneLine(words), ""});
  };
  if (CountDots(toml) > kMostDots) {
    complain({name, 0, 0}, "too many dotted keys");
    return document;
  }
  try {
    const toml::table table = toml::parse(toml, std::string_view(name));
    document.root = Copy(table, name);
  } catch (const toml::parse_error& error) {
    complain(PlaceOf(error.source(), name), error.description());
  } catch (const std::exception& error) {
    complain({name, 0, 0}, error.what());
  }
  return document;
}

}  // namespace config
