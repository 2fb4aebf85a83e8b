-- Deletes a person's record, if it is still the one that was read.
--
-- KEYS  1 person
-- ARGV  1 record as read
-- Returns 1 deleted, 0 it has changed.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
