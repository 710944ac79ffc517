// A node that loses and is given the same scripts for months must not make us grow.
//
// Counts what the whole process holds, by new and delete of our own: nothing else can tell whether
// notes of the forgotten pile up inside.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "replication/script_cache.h"

namespace {

size_t bytes_held = 0;  // this program allocates in one thread

}  // namespace

void* operator new(size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  bytes_held += malloc_usable_size(memory);
  return memory;
}

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory != nullptr) bytes_held += malloc_usable_size(memory);
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  bytes_held -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept {
  operator delete(memory);
}

namespace replication {
namespace {

std::vector<Sha1> Names(int count) {
  std::vector<Sha1> names;
  for (int i = 0; i < count; ++i) names.push_back(Sha1::Of(std::to_string(i)));
  return names;
}

// What `rounds` of work leave behind, once it has settled.
template <typename Round>
size_t GrowthOf(int rounds, Round round) {
  for (int i = 0; i < rounds; ++i) round(i);
  const size_t settled = bytes_held;
  for (int i = 0; i < 20 * rounds; ++i) round(i);
  return bytes_held > settled ? bytes_held - settled : 0;
}

constexpr size_t kCapacity = 100;
constexpr size_t kNothing = 16 * 1024;  // a few blocks of a deque, a table that grew once

TEST(ScriptCache, DoesNotGrowWhileGenerationsAreRaised) {
  const auto names = Names(kCapacity / 2);
  ScriptCache cache(kCapacity);
  uint64_t generation = 0;
  EXPECT_LT(GrowthOf(1000,
                     [&](int) {
                       cache.Enter(++generation);
                       for (const Sha1& sha : names) cache.MarkKnown(sha, generation);
                       for (const Sha1& sha : names) cache.BeginLoading(sha, 1);
                     }),
            kNothing);
}

TEST(ScriptCache, DoesNotGrowBeyondItsCapacity) {
  const auto names = Names(20 * kCapacity);
  ScriptCache cache(kCapacity);
  EXPECT_LT(GrowthOf(100,
                     [&](int) {
                       for (const Sha1& sha : names) cache.MarkKnown(sha, 0);
                     }),
            kNothing);
}

// What the two above would see if notes were left lying.
TEST(ScriptCache, TheMeasureOfGrowthSeesWhatGrows) {
  std::vector<std::string> notes;
  EXPECT_GT(GrowthOf(1000, [&](int) { notes.emplace_back(100, 'x'); }), kNothing);
}

}  // namespace
}  // namespace replication
