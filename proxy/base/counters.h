// What a worker counts. One row for each metric: name, and the sentence that explains it.
//
// A counter has one writer, the worker that owns it, and is read by anybody: relaxed loads and
// stores, no lock and no locked instruction. Sums over workers are made when somebody asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace base {

// clang-format off
#define SHACAST_COUNTERS(ROW)                                                                      \
  ROW(clients_accepted,       "Clients accepted.")                                                 \
  ROW(clients_refused,        "Clients refused because of max_clients.")                           \
  ROW(clients_closed_output,  "Clients closed because they did not read their replies.")           \
  ROW(clients_closed_query,   "Clients closed because of a command beyond client_query_limit.")    \
  ROW(clients_closed_idle,    "Clients closed because of client_idle_timeout.")                    \
  ROW(protocol_errors,        "Clients closed because what they sent was not RESP.")               \
  ROW(commands,               "Commands received from clients.")                                   \
  ROW(evalsha_as_came,        "Script calls sent as EVALSHA.")                                     \
  ROW(evalsha_with_body,      "EVALSHA calls sent as EVAL, with the body.")                        \
  ROW(eval_as_evalsha,        "EVAL calls sent as EVALSHA.")                                       \
  ROW(scripts_learned,        "Bodies that entered lua_scripts.")                                  \
  ROW(noscript_repaired,      "NOSCRIPT replies that a client did not see.")                       \
  ROW(noscript_passed_unknown, "NOSCRIPT passed on: nobody ever gave us the body.")                \
  ROW(noscript_passed_script, "NOSCRIPT passed on: the script's own words.")                       \
  ROW(noscript_passed_unsure, "NOSCRIPT passed on: the node could not be asked whose word it is.")  \
  ROW(noscript_passed_order,  "NOSCRIPT passed on: a repair would have changed the order.")        \
  ROW(reads_repeated,         "Reads sent again after a node was lost or refused them.")           \
  ROW(upstream_lost,          "Commands answered with UPSTREAMLOST.")                              \
  ROW(upstream_down,          "Commands answered with UPSTREAMDOWN.")                              \
  ROW(leases_taken,           "Times a client was given a connection of its own.")                 \
  ROW(generations_raised,     "Times a worker raised a node's generation.")
// clang-format on

class Counter {
 public:
  // By the owner's thread.
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // By any thread.
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Counters {
#define SHACAST_ROW(name, sentence) Counter name;
  SHACAST_COUNTERS(SHACAST_ROW)
#undef SHACAST_ROW
};

// A row of the table, for whoever prints them all.
struct CounterRow {
  std::string_view name;
  std::string_view sentence;
  Counter Counters::*member;
};

inline const std::vector<CounterRow>& CounterRows() {
  static const std::vector<CounterRow> rows = {
#define SHACAST_ROW(name, sentence) {#name, sentence, &Counters::name},
      SHACAST_COUNTERS(SHACAST_ROW)
#undef SHACAST_ROW
  };
  return rows;
}

}  // namespace base
