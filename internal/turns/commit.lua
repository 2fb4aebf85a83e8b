-- Commits one turn, if nothing changed since it was computed.
--
-- KEYS  1 dialogue  2 person  3 queue of replies  4 mark of a turn that deleted its person  5 sweep list  6 effects
--       7 followers of the facility they left  8 followers of the one they follow now  9 number of arrivals
--       10... their person records under other keys, of which none may have come up since, and behind them with
--       "erase" marks of the turns they took before, as 4
-- ARGV  1 dialogue as read ("" if none)   2 person as read ("" if none)
--       3 new dialogue                    4 new person
--       5 life of the dialogue in s       6 life of the person in s
--       7 id of the message received, or ""
--       8 what to do besides: "" nothing, "clear" forget the messages shown, "erase" delete the person
--       9 life of the mark in s          10 life of the sweep list in s
--      11 sealed person id               12 sealed effects, or ""
--      13 "left" if they follow KEYS[7] no more  14 "came" if they follow KEYS[8] now
--      15 how many person records under other keys there are  16... sealed replies, in order
-- Returns 1 committed, 0 something changed since (read again), 2 this turn was done before.
--
-- A stored dialogue is "<length>:<record><ids>": the record, then the list of the ids of the messages in
-- the chat. The ids grow by themselves as replies are delivered, so they are no part of what must
-- be unchanged.
local stored = redis.call('GET', KEYS[1]) or ''
local record, ids = '', ''
if stored ~= '' then
  local colon = string.find(stored, ':', 1, true)
  local length = tonumber(string.sub(stored, 1, colon - 1))
  record = string.sub(stored, colon + 1, colon + length)
  ids = string.sub(stored, colon + length + 1)
end
if record ~= ARGV[1] or (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then
  return 0
end
local marks = 10 + tonumber(ARGV[15])
for i = 10, marks - 1 do
  local other = redis.call('GET', KEYS[i])
  if other and other ~= '>' then
    return 0
  end
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  return 2
end
if ARGV[7] ~= '' then
  ids = append(ids, ARGV[7])
end
if ARGV[8] ~= '' then
  if ids ~= '' then
    redis.call('SET', KEYS[5], ids, 'EX', ARGV[10])
    ids = ''
  end
end
if ARGV[8] == 'erase' then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('SET', KEYS[4], '1', 'EX', ARGV[9])
  for i = marks, #KEYS do
    redis.call('SET', KEYS[i], '1', 'EX', ARGV[9])
  end
else
  redis.call('SET', KEYS[1], #ARGV[3] .. ':' .. ARGV[3] .. ids, 'EX', ARGV[5])
  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[6])
end
if ARGV[13] ~= '' then
  redis.call('ZREM', KEYS[7], ARGV[11])
end
if ARGV[14] ~= '' and not redis.call('ZSCORE', KEYS[8], ARGV[11]) then
  redis.call('ZADD', KEYS[8], redis.call('INCR', KEYS[9]), ARGV[11])
end
if ARGV[12] ~= '' then
  redis.call('XADD', KEYS[6], '*', 'p', ARGV[11], 'b', ARGV[12])
end
for i = 16, #ARGV do
  redis.call('XADD', KEYS[3], '*', 'p', ARGV[11], 'b', ARGV[i])
end
return 1
