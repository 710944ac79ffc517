// The scripts and libraries of the oracle's grammar. Two keys, two arguments: a small number (most
// often) and bytes.
#include "tests/support/oracle_grammar.h"

namespace support {
namespace {

const std::vector<std::string> kPlain = {
    "return 1",
    "return KEYS[1]",
    "return {KEYS[1], KEYS[2], ARGV[1], ARGV[2]}",
    "return #KEYS .. '/' .. #ARGV",
    "return 3.99",
    "return -3.99",
    "return 2^53",
    "return true",
    "return false",
    "return nil",
    "return {1, 2, nil, 4}",
    "return {1, {2, {3, {'four', false, true}}}}",
    "return {}",
    "return ''",
    "return tonumber(ARGV[1])",
    "return 1/0",
    "return {ok='FINE'}",
    "return {err='My own error'}",
    "return {err='MYCODE My own error'}",
    "return {err='-MYCODE with a dash'}",
    "return {err=''}",
    "return redis.status_reply('DONE')",
    "return redis.error_reply('OWN words')",
    "return redis.error_reply('-OWN words')",
    "return {map={a=1}}",
    "return {set={a=true}}",
    "return {double=3.25}",
    "return redis.sha1hex(ARGV[2])",
    "return cjson.encode({a=1, b={1,2,3}, c='x'})",
    "return cjson.decode('[1,2,[3,\"x\"],null,true]')",
    "return cjson.decode(ARGV[2])",
    "return cmsgpack.pack({1, 'two', 3.5})",
    "return {cmsgpack.unpack(cmsgpack.pack({1, 'two', 3.5}))}",
    "return struct.pack('>I2', 258)",
    "return {bit.band(12, 10), bit.tohex(255)}",
    "return math.random(100000)",
    "return string.format('%5.2f|%s|%d', 3.14159, 'x', 42)",
    "local t = {} for i = 1, 300 do t[i] = i end return t",
    "return string.rep('x', 5000)",
    "return tostring(redis.REDIS_VERSION_NUM ~= nil)",
    "-- a comment only",
    "",
};

const std::vector<std::string> kCalls = {
    "return redis.call('GET', KEYS[1])",
    "return redis.call('SET', KEYS[1], ARGV[2])",
    "return redis.pcall('SET', KEYS[1], ARGV[1])",
    "return redis.call('INCRBY', KEYS[1], ARGV[1])",
    "return redis.pcall('INCRBY', KEYS[1], ARGV[1])",
    "return redis.call('INCRBYFLOAT', KEYS[1], '0.5')",
    "return redis.call('RPUSH', KEYS[2], ARGV[1], ARGV[2])",
    "return redis.call('LRANGE', KEYS[2], 0, -1)",
    "return redis.call('HSET', KEYS[1], 'm1', ARGV[2])",
    "return redis.pcall('HGET', KEYS[1], 'm1')",
    "return redis.call('ZADD', KEYS[1], ARGV[1], 'm1')",
    "return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')",
    "return redis.call('ZSCORE', KEYS[1], 'm1')",
    "return redis.call('TYPE', KEYS[1])",
    "return redis.call('TYPE', KEYS[1]).ok",
    "return redis.call('EXISTS', KEYS[1], KEYS[2])",
    "return redis.call('DEL', KEYS[1])",
    "return redis.call('RENAME', KEYS[1], KEYS[2])",
    "return redis.call('XADD', KEYS[1], '1-1', 'm1', ARGV[2])",
    "return redis.call('XRANGE', KEYS[1], '-', '+')",
    "return redis.call('RESTORE', KEYS[2], 0, redis.call('DUMP', KEYS[1]), 'REPLACE')",
    "redis.setresp(3) return type(redis.call('HGETALL', KEYS[1]).map)",
    "redis.setresp(3) return redis.call('ZSCORE', KEYS[1], 'm1')",
    "redis.setresp(3) return redis.call('GET', KEYS[1])",
    "redis.setresp(2) return redis.call('GET', KEYS[1])",
    "redis.setresp(4)",
    "redis.setresp(3) return {map={a=redis.call('GET', KEYS[1]), a2=nil}}",
    "return redis.call('PUBLISH', KEYS[1], ARGV[2])",
    "return redis.call('SELECT', 1)",
    "redis.call('SELECT', 1) return redis.call('GET', KEYS[1])",
    "return redis.call('BLPOP', KEYS[2], 0)",
    "return redis.call('EVALSHA', KEYS[1], 0)",
    "return redis.call('SUBSCRIBE', KEYS[1])",
    "return redis.call('CLIENT', 'ID')",
    "return redis.call('MULTI')",
    "return redis.call('AUTH', 'x')",
    "redis.call('SET', KEYS[1], 'half') error('then it fails')",
    "redis.call('SET', KEYS[1], 'half') return redis.call('INCR', KEYS[1])",
    "local r = redis.pcall('LPUSH', KEYS[1], ARGV[2]) if r.err then return r.err end return r",
    "local r = redis.pcall('NONSENSE', KEYS[1]) return r",
    "local r = redis.pcall('GET') return r",
    "for i = 1, 20 do redis.call('RPUSH', KEYS[2], i) end return redis.call('LLEN', KEYS[2])",
    "if redis.replicate_commands then redis.replicate_commands() end "
    "return redis.call('INCR', KEYS[1])",
    "return redis.acl_check_cmd and redis.acl_check_cmd('SET', KEYS[1], 'x')",
};

// Not error({code=1}): Redis 7.0 crashes.
const std::vector<std::string> kFailing = {
    "error('plain')",
    "error({err='MYCODE in a table'})",
    "return nothing.at.all",
    "return undefined_global",
    "a_global = 1",
    "return redis.call()",
    "return redis.call(1.5)",
    "return redis.call({})",
    "return redis.call('NONSENSE')",
    "return redis.call('GET')",
    "return redis.call('GET', 'a', 'b')",
    "return redis.pcall()",
    "syntax error here",
    "return 'unfinished",
    "return (",
    "return redis.nosuch()",
    "return require('os')",
    "return tostring(os.getenv)",
    "return {} .. 'x'",
    "local a = nil return a.b",
    "return redis.error_reply()",
    "return redis.status_reply(1, 2)",
    "return redis.sha1hex()",
    "redis.log(redis.LOG_DEBUG)",
    "redis.log(99, 'x')",
    "redis.log(redis.LOG_DEBUG, 'never seen') return 'logged'",
    "redis.set_repl(99)",
    "redis.breakpoint() return 'on'",
    "return {err='NOSCRIPT No matching script. Please use EVAL.'}",
    "return redis.error_reply('NOSCRIPT No matching script')",
    "redis.call('INCR', KEYS[1]) return {err='NOSCRIPT No matching script. Please use EVAL.'}",
    "return redis.error_reply('READONLY it says')",
    "return redis.error_reply('BUSY it says')",
    "return redis.error_reply('LOADING it says')",
    "return redis.error_reply('MASTERDOWN it says')",
    "return redis.error_reply('EXECABORT it says')",
    "return redis.error_reply('NOPERM it says')",
    "return redis.error_reply('ERR Error compiling script (new function): it says')",
    "return redis.error_reply('UPSTREAMLOST it says')",
};

const std::vector<std::string> kWithShebang = {
    "#!lua\nreturn 'plain'",
    "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])",
    "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 'x')",
    "#!lua flags=allow-stale,no-cluster\nreturn redis.call('INCR', KEYS[1])",
    "#!lua flags=nonsense\nreturn 1",
    "#!lua name=lib\nreturn 1",
    "#!python\nreturn 1",
    "#!lua",
};

std::vector<std::string> All() {
  std::vector<std::string> all;
  for (const auto* list : {&kPlain, &kCalls, &kFailing, &kWithShebang})
    all.insert(all.end(), list->begin(), list->end());
  // The calls once more, under other names.
  for (const std::string& body : kCalls) all.push_back(body + " -- again");
  return all;
}

const std::vector<std::string> kLibraries = {
    "#!lua name=lib0\n"
    "redis.register_function('first', function(keys, args) return {keys[1], args[1]} end)\n"
    "redis.register_function('fails', function(keys, args) return redis.call('NONSENSE') end)\n",
    "#!lua name=lib1\n"
    "redis.register_function('second', function(keys, args)\n"
    "  return redis.call('SET', keys[1], args[1] or 'none') end)\n",
    "#!lua name=lib1\n"
    "redis.register_function{function_name='reads', flags={'no-writes'},\n"
    "  callback=function(keys, args) return redis.call('GET', keys[1]) end}\n",
    "#!lua name=lib0\nredis.register_function('second', function() return 'of lib0' end)\n",
    "#!lua name=lib2\nreturn 1\n",
    "#!lua\nredis.register_function('x', function() end)\n",
    "#!lua name=lib2\nthis is no lua\n",
    "redis.register_function('x', function() end)",
};

}  // namespace

const std::vector<std::string>& OracleScripts() {
  static const std::vector<std::string> all = All();
  return all;
}

const std::vector<std::string>& OracleLibraries() {
  return kLibraries;
}

}  // namespace support
