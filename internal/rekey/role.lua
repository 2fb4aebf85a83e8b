-- Moves someone's role and wrong codes from their id under one key to that under another.
--
-- KEYS  1 roles  2 wrong codes of the old id  3 of the new id
-- ARGV  1 old id  2 new id  3 role of the old id as read ("" if none)  4 the same, sealed anew
-- Returns 1 done, 0 the role changed since it was read: nothing was done.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[3] then
  return 0
end
if ARGV[3] ~= '' then
  redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[4])
  redis.call('HDEL', KEYS[1], ARGV[1])
end
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('RENAMENX', KEYS[2], KEYS[3]) == 0 then
  redis.call('DEL', KEYS[2])
end
return 1
