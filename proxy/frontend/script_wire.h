// The splice: a script call's bytes with another first part, everything behind it untouched.
//
//   as it came    *4 | $7 EVALSHA | $40 c5a1... | $1 1 $3 key $3 arg
//   with the body *4 | $4 EVAL    | $812 <the body, shared> | $1 1 $3 key $3 arg
//
// The body is one buffer however many rewrites are in flight, and what came from the client is
// passed on as the slice that it was read into.
//
// One worker's thread.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "proxy/base/bytes.h"
#include "replication/script_registry.h"
#include "replication/script_rewriter.h"

namespace frontend {

// The pieces of a command, in their order; the last ones may be empty.
using Pieces = std::array<base::Slice, 4>;

// EVALSHA(_RO) as EVAL(_RO) with the body.
Pieces WithBody(const base::Slice& request, const replication::ScriptRef& body);
// EVAL(_RO) as EVALSHA(_RO).
Pieces AsSha(const base::Slice& request, const replication::Sha1& sha);

// The name of the script call ends in _RO: without it the call could write.
bool HasReadOnlyName(const base::Slice& request);

// numkeys (the third argument) is a number that fits the number of arguments: a server that takes
// the call gets as far as the script.
bool HasValidNumkeys(const std::vector<std::string_view>& args);

}  // namespace frontend
