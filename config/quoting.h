// Text of unknown content, made fit for one line: for a complaint, or for TOML.
//
// Both are TOML's basic strings: control characters, quotes and backslashes are escaped, so what
// an operator reads in a complaint can be pasted back into the file.
#pragma once

#include <string>
#include <string_view>

namespace config {

// In double quotes, whole. For TOML.
std::string Quoted(std::string_view text);

// In double quotes, cut after 60 bytes or a little less. For complaints.
std::string Shown(std::string_view text);

// At most 60 bytes, and "..." where something is missing.
std::string Cut(std::string_view text);

// Without quotes, control characters replaced: file names in comments and positions.
std::string OneLine(std::string_view text);

}  // namespace config
