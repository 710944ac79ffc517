// A client as a line of CLIENT LIST: the fields that the server's version has, with our values.
//
// Which fields these are is read from the server's own lines, so that new versions are right by
// themselves; a field that we know nothing of keeps the server's value. Where the server's reply
// has no line, its version decides.
//
// Any one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/client_facts.h"

namespace frontend {

struct ClientField {
  std::string name;
  std::string value;  // the server's, where we have none
};
using ClientFields = std::vector<ClientField>;

// The fields of the first line in a reply to CLIENT LIST or CLIENT INFO; none if it has no line.
ClientFields FieldsIn(std::string_view reply);
// Those of a version as replication::Node has it: "7.0.15", "valkey 8.1.1".
ClientFields FieldsOf(std::string_view version);

// With the line end.
std::string ClientLine(const ClientFacts& facts, const ClientFields& fields);

}  // namespace frontend
