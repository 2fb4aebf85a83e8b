-- Writes a person's record, if it is still the one that was read. Its life stays.
--
-- KEYS  1 person
-- ARGV  1 record as read  2 new record
-- Returns 1 written, 0 it has changed.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
