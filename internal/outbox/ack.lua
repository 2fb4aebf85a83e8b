-- Ends one message: takes it off its queue and keeps what became of it.
--
-- KEYS  1 queue  2 holder of the partition  3 counts of the day  4 failures  5 sweep list  6 dialogue  7 receipts of the day
-- ARGV  1 this process    2 entry id          3 name of the count
--       4 life of counts  5 failure ("" if delivered): its code
--       6 most failures   7 id of the message now in the chat, or ""
--       8 "swept" if the messages of the sweep list are deleted from the chat
--       9 the provider's id of a text message, or ""   10 life of receipts in s
-- Returns 1 done, 0 this process does not hold the partition any more.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('XACK', KEYS[1], 'faro', ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
if redis.call('HINCRBY', KEYS[3], ARGV[3], 1) == 1 then
  redis.call('EXPIRE', KEYS[3], ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'outcome', ARGV[3], 'code', ARGV[5])
end
if ARGV[8] == 'swept' then
  redis.call('DEL', KEYS[5])
end
if ARGV[7] ~= '' then
  local swept = redis.call('GET', KEYS[5])
  local stored = redis.call('GET', KEYS[6])
  if swept then
    redis.call('SET', KEYS[5], append(swept, ARGV[7]), 'KEEPTTL')
  elseif stored then -- "<length>:<record><ids>", see commit.lua
    local colon = string.find(stored, ':', 1, true)
    local record = colon + tonumber(string.sub(stored, 1, colon - 1))
    redis.call('SET', KEYS[6], string.sub(stored, 1, record) .. append(string.sub(stored, record + 1), ARGV[7]), 'KEEPTTL')
  end
end
if ARGV[9] ~= '' and redis.call('HSETNX', KEYS[7], ARGV[9], 0) == 1 then
  redis.call('EXPIRE', KEYS[7], ARGV[10])
end
return 1
