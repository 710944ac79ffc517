// Settings, and for each of them the place where it was set.
//
// The origins exist for the operator: --print-config names them, and a contradiction found after
// everything was read can still point at the line that made it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/settings.h"

namespace config {

struct Origin {
  Place place;               // of the value; a flag has its name for a file
  std::vector<Place> items;  // of a list: its elements (of users: their password_file)
};

// By "section.key". What is not here has its default.
class Origins {
 public:
  void Set(const std::string& name, Origin origin) { by_name_[name] = std::move(origin); }
  // Null: the default. Valid until the next Set().
  const Origin* Find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, Origin, std::less<>> by_name_;
};

struct Loaded {
  Settings settings;
  Origins origins;
};

}  // namespace config
