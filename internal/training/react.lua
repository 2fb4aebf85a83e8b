-- Keeps someone's answer, unless a newer one is kept.
--
-- KEYS  1 answers to the session
-- ARGV  1 field  2 stamp of the answer ("<ms>-<n>")  3 answer  4 when it expires (Unix time)
-- Returns 1 kept, 0 a newer one is there.
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  local a, b = string.match(old, '^(%d+)-(%d+) ')
  local c, d = string.match(ARGV[2], '^(%d+)-(%d+)$')
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a > c or a == c and b > d then
    return 0
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
redis.call('EXPIREAT', KEYS[1], ARGV[4])
return 1
