// "Did you mean": the word nearest to one that nobody knows.
//
// The distance counts inserted, dropped, changed and swapped neighbouring characters, since those
// are what fingers do. A word too far away is no hint: a wrong hint costs more than none.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace config {

size_t EditDistance(std::string_view a, std::string_view b);

// The nearest of `words` (the first of several equally near), case aside; else the first of which
// `word` is the beginning; "" where there is none.
std::string NearMiss(std::string_view word, std::span<const std::string_view> words);

}  // namespace config
