// `shacast demo`: a private replica set and shacast in front of it, and a short story told with
// real commands and their real answers.
//
// The main thread; blocking. Everything it starts is gone when it ends, however it ends.
#pragma once

namespace demo {

struct Options {
  bool once = false;  // end after the story instead of waiting for Ctrl-C
};

// Returns the exit status: 0, or 1 if something could not be started or a step was not as told.
int Run(const Options& options);

}  // namespace demo
