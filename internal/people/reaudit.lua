-- Puts a copy of the audit log in its place, if it has all lines.
--
-- KEYS  1 log  2 copy
-- ARGV  1 id of the last line of the copy
-- Returns 1 done, 0 there is a newer line: nothing was done.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if not last[1] or last[1][1] ~= ARGV[1] or redis.call('XLEN', KEYS[1]) ~= redis.call('XLEN', KEYS[2]) then
  return 0
end
redis.call('RENAME', KEYS[2], KEYS[1])
return 1
