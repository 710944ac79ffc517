#include "tests/support/scripts.h"

#include <openssl/evp.h>

#include <array>

namespace support {

std::string Sha1Hex(const std::string& body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &size, EVP_sha1(), nullptr);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string Upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}

std::string ReadScript(int i) {
  return "return '" + std::to_string(i) + ":' .. (ARGV[1] or '')";
}

std::vector<std::string> ReadScripts(int count) {
  std::vector<std::string> scripts;
  for (int i = 0; i < count; ++i) scripts.push_back(ReadScript(i));
  return scripts;
}

std::string WriteScript(int i) {
  return "return redis.call('INCR', KEYS[1]) --" + std::to_string(i) + "\n";
}

}  // namespace support
