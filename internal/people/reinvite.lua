-- Writes an invitation sealed anew, if it is still the one that was read. Its life stays.
--
-- KEYS  1 invitation
-- ARGV  1 sealed record, 2 digest of who has used it ("" if nobody has), as read   3, 4 the same, new
-- Returns 1 written, 0 it has changed.
if redis.call('HGET', KEYS[1], 'b') ~= ARGV[1] or (redis.call('HGET', KEYS[1], 'p') or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'b', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'p', ARGV[4])
end
return 1
