// A configuration on its way: what was read so far, and every complaint about it.
//
// Each step of loading adds to the draft and none stops it, so that the operator gets all
// complaints together. What was refused keeps its former value and is marked as broken: later steps
// do not build on it, because a second complaint about the same mistake only confuses.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/diagnostic.h"
#include "config/loaded.h"

namespace config {

struct Draft {
  Loaded loaded;
  std::set<std::string, std::less<>> broken;  // "section.key"
  Diagnostics complaints;

  void Complain(Place place, std::string words, std::string hint = "") {
    complaints.push_back({std::move(place), std::move(words), std::move(hint)});
  }
  bool Sound(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (broken.contains(name)) return false;
    }
    return true;
  }
};

}  // namespace config
