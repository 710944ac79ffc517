// Chance for histories: small, fast, and the same on every machine for the same seed.
#pragma once

#include <cstdint>

namespace history {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}

  uint32_t Next() {
    state_ += 0x9e3779b97f4a7c15ull;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
  }
  // From 0 up to, but not including, `end`; 0 if there is nothing.
  uint32_t Below(size_t end) {
    return end == 0 ? 0 : static_cast<uint32_t>((uint64_t{Next()} * end) >> 32);
  }
  bool Chance(uint32_t percent) { return Below(100) < percent; }

 private:
  uint64_t state_;
};

}  // namespace history
