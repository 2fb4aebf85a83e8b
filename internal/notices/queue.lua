-- Queues a notice for some people of a partition, each once, and keeps how far it got: all or nothing.
--
-- KEYS  1 tally  2 its counts  3 queue of Telegram  4 queue of SMS  5 how far it got  6 followers that are walked
--       7... the people's records
-- ARGV  1 what it is about, "" if nobody counts    2 when it is too late to send (Unix time)  3 life of the tally in s
--       4 a field of 5, or ""   5 its value as read ("" if none)           6 its new value
--       7 only who is in one of these states, between bars: "|held|failed 500|"; "" only who is in none
--       8... five for each person: sealed id, record as read, what to do ("3" or "4" the queue, "lapsed"
--       follows no more, else the state of who does not get it now), sealed message, when it is held back because
--       they sleep (Unix time) or ""
-- Returns {-1} if another process was first, else the people (from 1) whose record has changed since it
-- was read: in both cases nothing was done. {} if it is done.
if ARGV[4] ~= '' and (redis.call('HGET', KEYS[5], ARGV[4]) or '') ~= ARGV[5] then
  return {-1}
end
local all, kept = {}, {} -- the people, and their states
if #KEYS > 6 then
  local changed = {}
  local records = redis.call('MGET', unpack(KEYS, 7)) -- false where there is none
  for i = 1, #records do
    all[i] = ARGV[3 + i * 5]
    if (records[i] or '') ~= ARGV[4 + i * 5] then
      changed[#changed + 1] = i
    end
  end
  if #changed > 0 then
    return changed
  end
  kept = redis.call('HMGET', KEYS[1], unpack(all))
end
local people, states, before = {}, {}, {}
for i = 1, #all do
  local at = 3 + i * 5
  local id, what, body, hold = all[i], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  if what == 'lapsed' then
    redis.call('ZREM', KEYS[6], id)
  else
    local state = kept[i]
    local due
    if ARGV[1] == '' then
      due = what == '3' or what == '4'
    elseif ARGV[7] == '' then
      due = not state
    else
      due = state and string.find(ARGV[7], '|' .. string.match(state, '^[^#]*') .. '|', 1, true)
    end
    if due then
      if what == '3' or what == '4' then
        local queue = KEYS[tonumber(what)]
        if hold == '' then
          redis.call('XADD', queue, '*', 'p', id, 'b', body, 'n', ARGV[1], 'u', ARGV[2])
        else
          redis.call('XADD', queue, '*', 'p', id, 'b', body, 'n', ARGV[1], 'u', ARGV[2], 'h', hold)
        end
        what = 'queued'
      end
      if ARGV[1] ~= '' then
        local n = #people + 1
        people[n], states[id], before[n] = id, what, state
      end
    end
  end
end
if #people > 0 then
  move(KEYS[1], KEYS[2], people, states, ARGV[3], before)
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[5], ARGV[4], ARGV[6])
  redis.call('EXPIRE', KEYS[5], ARGV[3])
end
return {}
