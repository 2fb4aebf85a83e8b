-- Takes or renews a lease.
--
-- KEYS  1 holder   ARGV  1 this process  2 life in ms
-- Returns 1 taken now, 2 held already and renewed, 0 another process holds it.
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 2
end
if holder then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
