// Addresses as an operator writes them: "host:port", "[v6]:port", "unix:/path", "tls://host:port".
//
// Only the spelling is judged: whether a name resolves, or whether a port is free, is found out by
// those who connect and bind. The port is always written out; where it is missing, the hint carries
// the one that is usual at that place.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/parsed.h"
#include "config/settings.h"

namespace config {

// `usual_port` is for the hint only.
Parsed<Address> ParseAddress(std::string_view text, uint16_t usual_port);
Parsed<ListenAddress> ParseListenAddress(std::string_view text, uint16_t usual_port);

}  // namespace config
