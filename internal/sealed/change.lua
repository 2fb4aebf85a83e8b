-- Changes records, if nobody else has since they were read.
--
-- KEYS  1 hash
-- ARGV  1 version as read   2, 3 a field and its sealed record ("" deletes it), and so on
-- Returns 1 changed, 0 somebody else did (read again).
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then
  return 0
end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HINCRBY', KEYS[1], 'v', 1)
return 1
