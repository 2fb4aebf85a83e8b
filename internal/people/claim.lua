-- Gives a person the role of an invitation, once, and notes that or a lock in the audit log.
--
-- KEYS  1 invitation  2 wrong codes the person sent  3 roles  4 audit log  5... wrong codes they sent under other keys
-- ARGV  1 sealed person id  2 sealed role  3 wrong codes before a lock  4 how long they count, in s
--       5 sealed entry of the log if the role is given  6 the same if they are locked out
--       7... digests of the person, of their id under each key: what is kept with the invitation says nothing
--       of them
-- Returns 2 given, 1 it was theirs already, 0 wrong code, -2 wrong code and now locked, -1 locked.
local wrong = tonumber(redis.call('GET', KEYS[2]) or '0')
for i = 5, #KEYS do
  wrong = wrong + tonumber(redis.call('GET', KEYS[i]) or '0')
end
if wrong >= tonumber(ARGV[3]) then
  return -1
end
local by = redis.call('HGET', KEYS[1], 'p')
for i = 7, #ARGV do
  if by == ARGV[i] then -- 0 if the role was taken away since
    return redis.call('HEXISTS', KEYS[3], ARGV[1])
  end
end
if by or redis.call('EXISTS', KEYS[1]) == 0 then
  if redis.call('INCR', KEYS[2]) == 1 then
    redis.call('EXPIRE', KEYS[2], ARGV[4])
  end
  if wrong + 1 >= tonumber(ARGV[3]) then
    redis.call('XADD', KEYS[4], '*', 'b', ARGV[6])
    return -2
  end
  return 0
end
redis.call('HSET', KEYS[1], 'p', ARGV[7])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[4], '*', 'b', ARGV[5])
return 2
