// What the settings say about each other: each is right for itself, together they make no sense.
//
// Runs when everything is read, flags included, so it judges what would really be used. A complaint
// stands at the value that asks for something, not at the one that is missing. A setting that was
// refused already is left out.
#pragma once

#include "config/draft.h"

namespace config {

void FindContradictions(Draft& draft);

}  // namespace config
