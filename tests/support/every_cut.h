// All ways to cut a byte string into pieces, for feeding whatever reads a stream.
//
// A parser that reads from a socket may see its input cut anywhere, and must come to the same end.
// Very short strings are cut in every way there is, longer ones at each place, at each pair of
// places, and into single bytes: a parser remembers one place at a time, so what a third cut could
// break a second one breaks too.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace support {

using Pieces = std::vector<std::string_view>;

// Up to this length the ways are all 2^(n-1).
inline constexpr size_t kExhaustiveBytes = 12;

// Calls `visit` with the pieces of each way to cut `bytes`. No piece is empty. For n bytes beyond
// kExhaustiveBytes that is about n*n/2 calls: keep it to some hundred bytes.
template <typename Visit>
void ForEveryCut(std::string_view bytes, Visit visit) {
  const size_t n = bytes.size();
  if (n <= kExhaustiveBytes) {
    const size_t ways = n < 2 ? 1 : size_t{1} << (n - 1);
    for (size_t way = 0; way < ways; ++way) {
      Pieces pieces;
      size_t begin = 0;
      for (size_t end = 1; end < n; ++end) {
        if ((way >> (end - 1) & 1) == 0) continue;
        pieces.push_back(bytes.substr(begin, end - begin));
        begin = end;
      }
      if (n > 0) pieces.push_back(bytes.substr(begin));
      visit(pieces);
    }
    return;
  }
  visit(Pieces{bytes});
  for (size_t one = 1; one < n; ++one) {
    visit(Pieces{bytes.substr(0, one), bytes.substr(one)});
    for (size_t two = one + 1; two < n; ++two)
      visit(Pieces{bytes.substr(0, one), bytes.substr(one, two - one), bytes.substr(two)});
  }
  Pieces single;
  for (size_t i = 0; i < n; ++i) single.push_back(bytes.substr(i, 1));
  visit(single);
}

}  // namespace support
