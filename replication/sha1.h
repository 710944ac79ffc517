// A script's name: the SHA-1 of its body, 20 bytes, written as 40 hex digits.
//
// Servers take the digits in any case of letters and answer in lower case; so do we. The name of a
// body is always computed here, never taken from a client.
//
// Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace replication {

struct Sha1 {
  std::array<uint8_t, 20> bytes{};

  // Returns nullopt if `text` is not 40 hex digits: then it names no script, and what a server says
  // to it is the server's business.
  static std::optional<Sha1> Parse(std::string_view text);
  static Sha1 Of(std::string_view body);

  std::string ToString() const;

  friend bool operator==(const Sha1&, const Sha1&) = default;
  friend auto operator<=>(const Sha1&, const Sha1&) = default;
};

// Digests are uniform already: their first bytes are a hash.
struct Sha1Hash {
  size_t operator()(const Sha1& sha) const {
    size_t hash;
    std::memcpy(&hash, sha.bytes.data(), sizeof hash);
    return hash;
  }
};

}  // namespace replication
