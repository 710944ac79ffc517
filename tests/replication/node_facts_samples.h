// What real servers say to INFO and CLIENT LIST: shortened to sections that matter and to some
// that do not, run ids and replication ids made up.
#pragma once

#include <string>
#include <string_view>

namespace replication {

// Lines end in CR LF on the wire.
inline std::string OnTheWire(std::string_view text) {
  std::string wire;
  for (const char c : text) {
    if (c == '\n') wire += '\r';
    wire += c;
  }
  return wire;
}

struct Sample {
  const char* server;
  std::string_view master;
  std::string_view replica;
  std::string_view clients;  // the master's
};

inline constexpr Sample kSamples[] = {
    {"Redis 6.0.16",
     R"(# Server
redis_version:6.0.16
redis_git_sha1:00000000
redis_mode:standalone
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0
tcp_port:7000

# Clients
connected_clients:1

# Memory
used_memory:1968136
number_of_cached_scripts:1

# Persistence
loading:0
rdb_changes_since_last_save:2

# Stats
total_commands_processed:12
sync_full:1
sync_partial_ok:0
sync_partial_err:0
evicted_keys:0
slave_expires_tracked_keys:0

# Replication
role:master
connected_slaves:1
slave0:ip=127.0.0.1,port=7001,state=online,offset=77,lag=0
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_replid2:0000000000000000000000000000000000000000
master_repl_offset:77
second_repl_offset:-1
repl_backlog_active:1

# Cluster
cluster_enabled:0

# Keyspace
db0:keys=2,expires=0,avg_ttl=0
)",
     R"(# Server
redis_version:6.0.16
redis_mode:standalone
run_id:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1

# Memory
number_of_cached_scripts:0

# Persistence
loading:0

# Stats
sync_full:0
sync_partial_ok:0
sync_partial_err:0
slave_expires_tracked_keys:0

# Replication
role:slave
master_host:127.0.0.1
master_port:7000
master_link_status:up
master_last_io_seconds_ago:0
master_sync_in_progress:0
slave_repl_offset:77
slave_priority:100
slave_read_only:1
connected_slaves:0
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     "id=4 addr=127.0.0.1:33547 fd=7 name= age=1 idle=0 flags=S db=0 sub=0 psub=0 multi=-1 qbuf=0 "
     "qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=20520 events=r cmd=psync user=default\n"
     "id=10 addr=127.0.0.1:37168 fd=8 name= age=0 idle=0 flags=N db=0 sub=0 psub=0 multi=-1 "
     "qbuf=26 qbuf-free=32742 argv-mem=10 obl=0 oll=0 omem=0 tot-mem=61466 events=r cmd=client "
     "user=default\n"},
    {"Redis 7.0.15",
     R"(# Server
redis_version:7.0.15
redis_mode:standalone
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0

# Memory
number_of_cached_scripts:1
number_of_functions:0
number_of_libraries:0

# Persistence
loading:0
async_loading:0

# Stats
sync_full:1
sync_partial_ok:0
sync_partial_err:0
evicted_keys:0
evicted_clients:0
slave_expires_tracked_keys:0

# Replication
role:master
connected_slaves:1
slave0:ip=127.0.0.1,port=7001,state=online,offset=77,lag=0
master_failover_state:no-failover
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_replid2:0000000000000000000000000000000000000000
master_repl_offset:77
second_repl_offset:-1

# Errorstats
errorstat_NOSCRIPT:count=1

# Keyspace
db0:keys=2,expires=0,avg_ttl=0
)",
     R"(# Server
redis_version:7.0.15
run_id:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1

# Memory
number_of_cached_scripts:0

# Persistence
loading:0
async_loading:0

# Stats
sync_full:0
sync_partial_ok:0
reply_buffer_shrinks:1

# Replication
role:slave
master_host:127.0.0.1
master_port:7000
master_link_status:up
master_last_io_seconds_ago:0
master_sync_in_progress:0
slave_read_repl_offset:77
slave_repl_offset:77
slave_priority:100
slave_read_only:1
replica_announced:1
connected_slaves:0
master_failover_state:no-failover
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     "id=4 addr=127.0.0.1:53012 laddr=127.0.0.1:7000 fd=7 name= age=0 idle=0 flags=S db=0 sub=0 "
     "psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=0 rbs=1024 rbp=7 obl=0 "
     "oll=1 omem=20504 tot-mem=42776 events=r cmd=replconf user=default redir=-1 resp=2\n"
     "id=9 addr=127.0.0.1:53068 laddr=127.0.0.1:7000 fd=8 name= age=0 idle=0 flags=N db=0 sub=0 "
     "psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=16384 rbp=16384 "
     "obl=0 oll=0 omem=0 tot-mem=37658 events=r cmd=client|list user=default redir=-1 resp=2\n"},
    {"Redis 8.0.2",
     R"(# Server
redis_version:8.0.2
redis_mode:standalone
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0

# Memory
number_of_cached_scripts:1

# Persistence
loading:0
async_loading:0

# Threads
io_thread_0:clients=2,reads=11,writes=9

# Stats
sync_full:1
sync_partial_ok:0
sync_partial_err:0
evicted_keys:0
evicted_clients:0
evicted_scripts:0

# Replication
role:master
connected_slaves:1
slave0:ip=127.0.0.1,port=7001,state=online,offset=77,lag=0
master_failover_state:no-failover
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_replid2:0000000000000000000000000000000000000000
master_repl_offset:77

# Keysizes
db0_distrib_strings_sizes:1=2
)",
     R"(# Server
redis_version:8.0.2
run_id:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1

# Memory
number_of_cached_scripts:0

# Persistence
loading:0
async_loading:0

# Stats
sync_full:0
sync_partial_ok:0
evicted_scripts:0

# Replication
role:slave
master_host:127.0.0.1
master_port:7000
master_link_status:up
master_sync_in_progress:0
slave_read_repl_offset:77
slave_repl_offset:77
replica_full_sync_buffer_size:0
replica_full_sync_buffer_peak:0
connected_slaves:0
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     "id=4 addr=127.0.0.1:44014 laddr=127.0.0.1:7000 fd=12 name= age=0 idle=0 flags=S db=0 sub=0 "
     "psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=16384 rbp=0 "
     "obl=0 oll=1 omem=20504 tot-mem=37784 events=r cmd=replconf user=default redir=-1 resp=2 "
     "lib-name= lib-ver= io-thread=0\n"},
    {"valkey 8.1.1",
     R"(# Server
redis_version:7.2.4
server_name:valkey
valkey_version:8.1.1
valkey_release_stage:ga
server_mode:standalone
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0

# Memory
number_of_cached_scripts:1

# Persistence
loading:0
async_loading:0

# Stats
sync_full:1
sync_partial_ok:0
sync_partial_err:0
evicted_scripts:0

# Replication
role:master
connected_slaves:1
slave0:ip=127.0.0.1,port=7001,state=online,offset=77,lag=0,type=replica
replicas_waiting_psync:0
master_failover_state:no-failover
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_replid2:0000000000000000000000000000000000000000
master_repl_offset:77
)",
     R"(# Server
redis_version:7.2.4
server_name:valkey
valkey_version:8.1.1
run_id:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1

# Memory
number_of_cached_scripts:0

# Persistence
loading:0

# Stats
sync_full:0
sync_partial_ok:0
evicted_scripts:0

# Replication
role:slave
master_host:127.0.0.1
master_port:7000
master_link_status:up
master_sync_in_progress:0
slave_repl_offset:77
replicas_repl_buffer_size:0
connected_slaves:0
replicas_waiting_psync:0
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     "id=4 addr=127.0.0.1:49168 laddr=127.0.0.1:7000 fd=9 name= age=0 idle=0 flags=S capa= db=0 "
     "sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 "
     "rbp=7 obl=0 oll=1 omem=20504 tot-mem=22168 events=r cmd=replconf user=default redir=-1 "
     "resp=2 lib-name= lib-ver= tot-net-in=229 tot-net-out=99 tot-cmds=6\n"},
    {"valkey 9.1.2",
     R"(# Server
redis_version:7.2.4
server_name:valkey
valkey_version:9.1.2
server_mode:standalone
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0

# Memory
number_of_cached_scripts:1

# Persistence
loading:0
async_loading:0

# Stats
sync_full:1
sync_partial_ok:0
sync_partial_err:0
evicted_scripts:0

# Replication
role:master
connected_slaves:1
slave0:ip=127.0.0.1,port=7001,state=online,offset=77,lag=0,type=replica
replicas_waiting_psync:0
master_failover_state:no-failover
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     R"(# Server
redis_version:7.2.4
server_name:valkey
valkey_version:9.1.2
run_id:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1

# Memory
number_of_cached_scripts:0

# Persistence
loading:0

# Stats
sync_full:0
sync_partial_ok:0
evicted_scripts:0

# Replication
role:slave
master_host:127.0.0.1
master_port:7000
master_link_status:up
connected_slaves:0
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
master_repl_offset:77
)",
     "id=4 addr=127.0.0.1:50912 laddr=127.0.0.1:7000 fd=9 name= age=2 idle=0 flags=S capa= db=0 "
     "sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 "
     "rbp=0 obl=0 oll=1 omem=20504 tot-mem=22168 events=r cmd=replconf user=default redir=-1 "
     "resp=2 lib-name= lib-ver= tot-net-in=229 tot-net-out=113 tot-cmds=6\n"
     "id=9 addr=127.0.0.1:50966 laddr=127.0.0.1:7000 fd=11 name= age=0 idle=0 flags=N capa= db=0 "
     "sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=16384 "
     "rbp=16384 obl=0 oll=0 omem=0 tot-mem=17050 events=r cmd=client|list user=default redir=-1 "
     "resp=2 lib-name= lib-ver= tot-net-in=26 tot-net-out=0 tot-cmds=0\n"},
};

// The list of a Redis 6.0 with a replica over IPv6 and somebody who only said SYNC.
inline constexpr std::string_view kIpv6AndSync =
    R"(redis_version:6.0.16
run_id:a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0
role:master
connected_slaves:2
slave0:ip=::1,port=7001,state=online,offset=14,lag=1
slave1:ip=127.0.0.1,port=0,state=online,offset=0,lag=1
master_replid:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0
)";
inline constexpr std::string_view kIpv6AndSyncClients =
    "id=4 addr=[::1]:37383 fd=8 name= age=3 idle=0 flags=S db=0 sub=0 psub=0 multi=-1 qbuf=0 "
    "qbuf-free=32768 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=61472 events=r cmd=replconf "
    "user=default\n"
    "id=5 addr=127.0.0.1:50576 fd=9 name= age=1 idle=1 flags=S db=0 sub=0 psub=0 multi=-1 qbuf=0 "
    "qbuf-free=0 argv-mem=0 obl=0 oll=0 omem=0 tot-mem=20496 events=r cmd=sync user=default\n";

}  // namespace replication
