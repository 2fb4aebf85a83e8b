-- Moves the status of a text message forward, never back.
--
-- KEYS  1 receipts of the day  2 counts of the day
-- ARGV  1 the provider's id    2 rank of the status  3 name of the count  4 life of receipts in s  5 life of counts in s
-- Returns 1 moved, 0 the status was reached or passed before.
local rank = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or -1)
if tonumber(ARGV[2]) <= rank then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if redis.call('HINCRBY', KEYS[2], ARGV[3], 1) == 1 then
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
return 1
