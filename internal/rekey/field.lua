-- Renames a field of a hash, or changes its value, if it is still what was read.
--
-- KEYS  1 hash
-- ARGV  1 field  2 value as read  3 new field  4 new value ("" only deletes the old field)
-- Returns 1 done, 0 it has changed, or the new field has come up since: nothing was done.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
if ARGV[1] ~= ARGV[3] and ARGV[4] ~= '' and redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 then
  return 0
end
if ARGV[1] ~= ARGV[3] then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
return 1
