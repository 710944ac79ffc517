// --print-config: what is really in force, and where it came from.
//
// The text is a configuration file: every key of the schema with its effective value, and behind
// each a comment with its origin ("default", FILE:LINE, or the flag). Loaded again it gives the
// same Settings, but for secrets: a password that was written into the file is printed as "" and
// the comment says that there is one. (With a username beside it the printed file is refused until
// the password is put back; that is the honest answer.)
#pragma once

#include <string>

#include "config/loaded.h"

namespace config {

std::string PrintConfig(const Loaded& loaded);

}  // namespace config
