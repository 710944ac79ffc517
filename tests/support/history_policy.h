// The rules under trial, each of which can be left out.
//
// The defaults are what the product does. Leaving out one of most of them breaks a promise in some
// history, and tests/replication/simulation_test.cc holds the simulation to noticing that; the
// others are covered by another rule, or chance hardly gets there.
#pragma once

namespace history {

struct Policy {
  // --- replication/ -----------------------------------------------------------------------------
  bool guard = true;                // PipelineGuard is asked
  bool guard_sees_eviction = true;  // ... and told that the node evicts
  bool guard_sees_age = true;       // ... and how old the knowledge is
  bool repair_in_order = true;      // Repairable is asked
  bool learn_by_generation = true;  // a reply of an old generation proves nothing
  bool mark_by_answer = true;       // not when the body is sent
  bool ride_own_lane_only = true;
  bool registry_epochs = true;  // what was sent before a flush is not learned after it
  bool keep_ro = true;          // EVALSHA_RO becomes EVAL_RO

  // --- proxy/ -----------------------------------------------------------------------------------
  bool confirm_misses = true;         // SCRIPT EXISTS before anything is sent again
  bool lost_in_by_generation = true;  // "1" is the server's word only for old generations
  bool raise_on_loss = true;          // a lost connection voids what is known of its node
  bool raise_on_attach = true;
  bool raise_on_miss = true;
  bool body_in_multi = true;
  bool drain_before_read = true;  // letters are read before a client's bytes
  bool flush_waits_for_bodies = true;
  bool flush_nodes = true;  // not only the master

  // Found by the simulation.
  bool resend_forgets_body_at_flush = true;  // a call that missed does not outlive a SCRIPT FLUSH
  bool lease_bodies_count = true;            // a flush waits for bodies on leases too
  bool flush_waits_for_own_past = true;      // ... of the epoch before, whatever was heard since
  bool distribute_only_in_epoch = true;      // SCRIPT LOAD goes round only if no flush came between
  bool only_replicas_reads_go_to_master = true;  // not what went to a node that was master then
  bool owing_node_runs_nothing_unknown = true;   // until it was told of the SCRIPT FLUSH
  bool unsure_eval_is_lost = true;               // UPSTREAMLOST instead of NOSCRIPT for an EVAL
  bool imitators_carry_bodies = true;            // a script with the word in it is never exposed
};

// The surroundings of a history.
struct Scenario {
  int nodes = 3;
  int workers = 2;
  int sessions = 4;  // all workers together
  int lanes = 1;
  bool evicts = false;
  bool pins = false;
  bool convert_eval = true;
  bool read_replicas = false;
  bool imitators = false;  // clients call scripts that imitate the server's NOSCRIPT
  bool flushes = true;     // SCRIPT FLUSH through the proxy
  bool strangers = true;   // clients that talk past the proxy flush and EVAL
  bool restarts = true;
  bool cuts = true;
  bool failovers = false;
  bool busy = true;
};

}  // namespace history
