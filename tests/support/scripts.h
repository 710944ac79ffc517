// Scripts for tests, and their names.
#pragma once

#include <string>
#include <vector>

namespace support {

// Lower case, 40 digits; not by the code under test.
std::string Sha1Hex(const std::string& body);
std::string Lower(std::string text);
std::string Upper(std::string text);

// The i-th of any number of different scripts that only read: returns "i:" and its first argument.
std::string ReadScript(int i);
std::vector<std::string> ReadScripts(int count);
// INCRs its key, and returns the new value.
std::string WriteScript(int i);
// Runs until it is killed; writes nothing.
inline const std::string kEndlessScript = "while true do end";

}  // namespace support
