// Reads one value into the field of its row: type, unit, spelling, range, duplicates.
//
// A value comes from a file or from a flag; the difference is only in how a complaint begins, since
// a flag has no line that would say which key is meant.
//
// What one value says about another is not judged here: see contradictions.h.
#pragma once

#include "config/draft.h"
#include "config/schema.h"
#include "config/toml_value.h"

namespace config {

// Either the setting and its origin are taken over, or there is a complaint and the row is marked
// as broken. A value that is right but not yet supported does both the first and the complaint.
void ReadRow(const Row& row, const Value& value, Draft& draft);

}  // namespace config
