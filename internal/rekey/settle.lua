-- Moves what a partition keeps of a person from their id under one key to that under another: all or nothing.
--
-- KEYS  1 dialogue  2 person  3 sweep list, of the old id   4, 5, 6 the same of the new id
--       7... hashes with a field for each person, then sorted sets with a member for each
-- ARGV  1 old id  2 new id   3 dialogue, 4 person of the old id, 5 person of the new id, as read ("" if none)
--       6 dialogue, 7 person to write for the new id ("" if none)   8 how many of the keys are hashes
--       9 what stands in the place of the old person, and 10 how long, in s
-- Returns 1 done, 0 something changed since it was read: nothing was done.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[3] or (redis.call('GET', KEYS[2]) or '') ~= ARGV[4] or
    (redis.call('GET', KEYS[5]) or '') ~= ARGV[5] then
  return 0
end
local function put(from, to, value)
  local life = math.max(redis.call('PTTL', from), redis.call('PTTL', to))
  redis.call('DEL', from)
  if life > 0 then
    redis.call('SET', to, value, 'PX', life)
  else
    redis.call('SET', to, value)
  end
end
if ARGV[3] ~= '' then
  if redis.call('EXISTS', KEYS[4]) == 1 then
    redis.call('DEL', KEYS[1])
  else
    put(KEYS[1], KEYS[4], ARGV[6])
  end
end
if redis.call('EXISTS', KEYS[3]) == 1 then
  if redis.call('RENAMENX', KEYS[3], KEYS[6]) == 0 then
    redis.call('DEL', KEYS[3])
  end
end
if ARGV[7] ~= '' then
  put(KEYS[2], KEYS[5], ARGV[7])
  redis.call('SET', KEYS[2], ARGV[9], 'EX', ARGV[10])
end
for i = 7, #KEYS do
  if i < 7 + tonumber(ARGV[8]) then
    local old = redis.call('HGET', KEYS[i], ARGV[1])
    if old then
      local new = redis.call('HGET', KEYS[i], ARGV[2])
      if not new then
        redis.call('HSET', KEYS[i], ARGV[2], old)
      elseif string.find(KEYS[i], '}told:', 1, true) then -- told once is told
        redis.call('HSET', KEYS[i], ARGV[2], new .. old)
      end
      redis.call('HDEL', KEYS[i], ARGV[1])
    end
  else
    local score = redis.call('ZSCORE', KEYS[i], ARGV[1])
    if score then
      if not redis.call('ZSCORE', KEYS[i], ARGV[2]) then
        redis.call('ZADD', KEYS[i], score, ARGV[2])
      end
      redis.call('ZREM', KEYS[i], ARGV[1])
    end
  end
end
return 1
