// --print-config: what is really in force, and where it came from.
//
// The text is a configuration file: every key of the schema with its effective value, and behind
// each a comment with its origin ("default", FILE:LINE, or the flag), and whether this version can
// do it at all. Loaded again it gives the same Settings, but for secrets: a password that was
// written into the file is printed as "***", and the comment says that there is one. That passes
// --check-config; the nodes refuse it until the password is put back.
#pragma once

#include <string>

#include "config/loaded.h"

namespace config {

std::string PrintConfig(const Loaded& loaded);

}  // namespace config
