-- Moves someone's role from their id under one key to that under another.
--
-- KEYS  1 roles
-- ARGV  1 old id  2 new id  3 role of the old id as read ("" if none)  4 the same, sealed anew
-- Returns 1 done, 0 the role changed since it was read: nothing was done.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[3] then
  return 0
end
if ARGV[3] ~= '' then
  redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[4])
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
