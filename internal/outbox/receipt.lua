-- Moves the status of a text message forward, never back.
--
-- KEYS  1 receipts of the day  2 counts of the day
-- ARGV  1 digest of its id     2 rank of the status  3 name of the count  4 life of receipts in s  5 life of counts in s
--       6 the status, or what a tally says of it if it is an end, "/" for the space: "arrived", "undelivered/30007"
-- Returns {} if the status was passed before; else {"moved"}, or {"again"} if it is the one that was reached. If it is an
-- end of a message that is acknowledged, what that is about ("": nobody counts) and the sealed id of whom it is
-- for follow: whoever died before that was counted is told once more.
--
-- A receipt is kept as "<rank> <status>", followed by " <about> <person>" once the message is acknowledged.
local said = redis.call('HGET', KEYS[1], ARGV[1]) or '-1 -'
local rank, status, rest = string.match(said, '^(%S+) (%S+)(.*)$')
local answer = {'moved'}
if ARGV[2] == rank and ARGV[6] == status then
  answer = {'again'}
elseif tonumber(ARGV[2]) <= tonumber(rank) then
  return {}
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[6] .. rest)
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  if redis.call('HINCRBY', KEYS[2], ARGV[3], 1) == 1 then
    redis.call('EXPIRE', KEYS[2], ARGV[5])
  end
end
local about, person = string.match(rest, '^ (%S*) (%S+)$')
if person and tonumber(ARGV[2]) >= 4 then
  answer[2], answer[3] = about, person
end
return answer
