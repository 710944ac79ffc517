-- The requests' side of it: what OpenResty calls resty.redis has Debian's name here.
local redis = require "nginx.redis"

local limit = [[
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if n > tonumber(ARGV[1]) then return {0, n} end
return {1, n}]]

local function hex(bytes)
  return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

local sha = hex(ngx.sha1_bin(limit))

local M = {}

function M.open()
  local r = redis:new()
  r:set_timeout(10000)
  assert(r:connect("127.0.0.1", tonumber(os.getenv("CLIENT_PORT"))))
  return r
end

local function keep(r)
  local ok, why = r:set_keepalive(10000, 8)
  if not ok then ngx.log(ngx.ERR, "not kept: ", why) end
end

local function say(...)
  local words = {}
  for i = 1, select("#", ...) do
    local word = select(i, ...)
    if type(word) == "table" then
      local inner = {}
      for j, one in ipairs(word) do
        inner[j] = type(one) == "table" and table.concat({tostring(one[1]), one[2]}, " ")
          or tostring(one)
      end
      word = "{" .. table.concat(inner, ", ") .. "}"
    end
    words[i] = tostring(word)
  end
  ngx.say(table.concat(words, " "))
end

-- EVALSHA, and EVAL where the server has not got it.
function M.limit()
  local r = M.open()
  local got, why = r:evalsha(sha, 1, "limit:" .. ngx.var.arg_who, 5, 60000)
  if not got and why:find("^NOSCRIPT") then
    got, why = r:eval(limit, 1, "limit:" .. ngx.var.arg_who, 5, 60000)
  end
  say(got or why)
  keep(r)
end

function M.values()
  local r = M.open()
  say(r:ping(), r:set("k", "v"), r:get("k"), r:get("none") == ngx.null)
  say(r:hmset("h", {a = 1}), r:hgetall("h"))
  say(r:lpush("h", 1))
  r:init_pipeline()
  for _ = 1, 100 do r:incr("n") end
  r:lpush("h", 1)
  r:evalsha(sha, 1, "limit:piped", 5, 60000)
  local all = r:commit_pipeline()
  say(#all, all[100], all[101], all[102])
  say(r:multi(), r:incr("n"), r:evalsha(sha, 1, "limit:multi", 5, 60000), r:exec())
  say(r:multi(), r:incr("n"), r:discard(), r:get("n"))
  keep(r)
end

function M.others()
  local r, sub = M.open(), M.open()
  say(r:auth(os.getenv("CLIENT_USER"), os.getenv("CLIENT_PASSWORD")))
  say(r:auth(os.getenv("CLIENT_USER"), "no"))
  say(sub:subscribe("news"), r:publish("news", "hello"), sub:read_reply())
  say(sub:unsubscribe("news"), sub:get("k"))
  say(r:blpop("empty", 1) == ngx.null, r:rpush("queue", "job"), r:blpop("queue", 5))
  say(r:select(3), r:dbsize(), r:select(0))
  keep(r)
  keep(sub)
end

return M
