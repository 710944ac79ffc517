// From a configuration file and flags to Settings: all of them, or all complaints about them.
//
//   text ──► ParseToml ──► rows of the schema ──► flags ──► password files ──► contradictions
//              Value          Settings, Origins                                      │
//                                                     Loaded, or Diagnostics ◄───────┘
//
// Order of precedence: default < file < flag. Nothing is half loaded: a result is either fit for
// use or holds complaints only. Loading reads files and has no other effect; it may run on any
// thread, and again at a reload. No exceptions.
//
// Does not compare with the Settings in use: what a reload may change is another's business.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/loaded.h"

namespace config {

class [[nodiscard]] LoadResult {
 public:
  explicit LoadResult(Loaded loaded) : loaded_(std::move(loaded)) {}
  // REQUIRES: there is at least one complaint
  explicit LoadResult(Diagnostics complaints) : complaints_(std::move(complaints)) {}

  bool ok() const { return complaints_.empty(); }
  // REQUIRES: ok()
  const Loaded& value() const { return loaded_; }
  // In the order of the file, those about flags last. Empty if ok().
  const Diagnostics& complaints() const { return complaints_; }

 private:
  Loaded loaded_;
  Diagnostics complaints_;
};

// What the command line overrides. A complaint about it names the flag instead of a place.
struct Flags {
  std::vector<std::string> listen;  // --listen ADDRESS, each time it was given: proxy.listen
  std::string upstream;  // --upstream ADDRESS[,ADDRESS...]: upstream.nodes; "" = not given
};

// Without a path: the defaults, and the flags.
LoadResult Load(const std::optional<std::string>& path, const Flags& flags);

LoadResult LoadFile(const std::string& path);

// `name` is what complaints call the text.
LoadResult LoadText(std::string_view text, const std::string& name);

}  // namespace config
