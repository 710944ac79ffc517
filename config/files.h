// What the settings say about files, held against the file system: passwords are read, and the log
// file's folder has to be there.
//
// Only what would otherwise fail later, in the middle of the work, is looked at. Nothing is created
// and nothing is kept open. Relative paths are relative to the folder that shacast was started in.
#pragma once

#include <cstddef>
#include <string>

#include "config/draft.h"
#include "config/parsed.h"

namespace config {

// A whole file. Without a value the words are errno's, such as "No such file or directory".
Parsed<std::string> ReadWholeFile(const std::string& path, size_t max_bytes);

// Fills in upstream.password (password_file wins) and the users' passwords. One newline at the
// end of a password file is not part of the password.
void ReadPasswordFiles(Draft& draft);

void CheckLogFile(Draft& draft);

}  // namespace config
