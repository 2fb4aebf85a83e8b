-- Moves the status of a text message forward, never back.
--
-- KEYS  1 receipts of the day  2 counts of the day
-- ARGV  1 digest of its id     2 rank of the status  3 name of the count  4 life of receipts in s  5 life of counts in s
--       6 the status
-- Returns what the message is about and the sealed id of whom it is for, if the status moved to an end
-- and the message is counted; {"moved"} if it only moved; {} if it was reached or passed before.
--
-- A receipt is kept as "<rank> <status>", followed by " <about> <person>" once the message is acknowledged.
local said = redis.call('HGET', KEYS[1], ARGV[1]) or '-1 -'
local rank, rest = string.match(said, '^(%S+) %S+(.*)$')
if tonumber(ARGV[2]) <= tonumber(rank) then
  return {}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[6] .. rest)
redis.call('EXPIRE', KEYS[1], ARGV[4])
if redis.call('HINCRBY', KEYS[2], ARGV[3], 1) == 1 then
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
local about, person = string.match(rest, '^ (%S+) (%S+)$')
if about and tonumber(ARGV[2]) >= 4 then
  return {about, person}
end
return {'moved'}
