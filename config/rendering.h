// A row of the schema as text: the value it has, and the range it allows.
//
// The value is TOML that reads back as the same value. A secret is never rendered: it gives "".
#pragma once

#include <string>

#include "config/schema.h"

namespace config {

// What stands behind "key = ".
std::string RenderValue(const Row& row, const Settings& settings);

// The value is that of a fresh Settings.
bool IsDefault(const Row& row, const Settings& settings);

// Such as `"10ms" to "1m"`; "" for kinds that have no range.
std::string RenderRange(const Row& row);

}  // namespace config
