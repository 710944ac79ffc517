#include "replication/sha1.h"

#include <openssl/evp.h>

#include <memory>

namespace replication {
namespace {

// Fetching the algorithm costs more than hashing a short body, so each thread does it once.
class Hasher {
 public:
  Hasher()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA1", nullptr), EVP_MD_free),
        context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {}

  Sha1 Of(std::string_view body) {
    Sha1 sha;
    EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr);
    EVP_DigestUpdate(context_.get(), body.data(), body.size());
    EVP_DigestFinal_ex(context_.get(), sha.bytes.data(), nullptr);
    return sha;
  }

 private:
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> algorithm_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<Sha1> Sha1::Parse(std::string_view text) {
  Sha1 sha;
  if (text.size() != 2 * sha.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < sha.bytes.size(); ++i) {
    const int high = DigitOf(text[2 * i]);
    const int low = DigitOf(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    sha.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return sha;
}

Sha1 Sha1::Of(std::string_view body) {
  thread_local Hasher hasher;
  return hasher.Of(body);
}

std::string Sha1::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace replication
