-- Ends messages of one queue: takes them off it and keeps what became of each.
--
-- KEYS  1 queue     2 holder of the partition  3 counts of the day  4 failures  5 receipts of the day
--       6 tally     7 its counts
--       8... three for each message: sweep list, dialogue, person
-- ARGV  1 this process        2 life of the counts in s   3 most failures   4 life of the receipts in s
--       5 what the messages are about ("": nobody counts) 6 life of the tally in s
--       7... eight for each message: entry id, name of the count, failure ("" if delivered): its code, id of
--       the message now in the chat or "", "swept" if the sweep list is of no use any more, digest of the
--       provider's id of a text message or "", sealed person id, state for the tally
-- Of whom nothing is kept any more, because they erased it, nothing is kept again.
-- Returns {} if this process does not hold the partition any more, else {"done"}, followed by two for each person of
-- whom a receipt said before this that nobody is there any more: sealed id, "opted-out" or "unreachable".
if not ours(KEYS[2], ARGV[1]) then
  return {}
end
local answer = {'done'}
local ids, day, people, states = {}, {}, {}, {}
local seen = {}
local lists = redis.call('MGET', unpack(KEYS, 8)) -- false where there is none
for i = 0, (#ARGV - 6) / 8 - 1 do
  local at = 7 + i * 8
  local count, code, shown, swept, sid, person, state =
    ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
  local sweep, dialogue = KEYS[8 + i * 3], KEYS[9 + i * 3]
  local known = lists[3 + i * 3]
  ids[#ids + 1] = ARGV[at]
  day[count] = (day[count] or 0) + 1
  if code ~= '' then
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], '*', 'outcome', count, 'code', code)
  end
  if swept == 'swept' then
    redis.call('DEL', sweep)
    seen[person] = true
  end
  if shown ~= '' then
    local list, stored = lists[1 + i * 3], lists[2 + i * 3]
    if seen[person] then -- they have changed since
      list, stored = redis.call('GET', sweep), redis.call('GET', dialogue)
    end
    seen[person] = true
    if list then
      redis.call('SET', sweep, append(list, shown), 'KEEPTTL')
    elseif stored then -- "<length>:<record><ids>", see commit.lua
      local colon = string.find(stored, ':', 1, true)
      local record = colon + tonumber(string.sub(stored, 1, colon - 1))
      redis.call('SET', dialogue, string.sub(stored, 1, record) .. append(string.sub(stored, record + 1), shown), 'KEEPTTL')
    end
  end
  if sid ~= '' and known then -- a receipt may have come before this, and be further
    local said = redis.call('HGET', KEYS[5], sid)
    local rank, status = string.match(said or '0 -', '^(%d+) (%S+)')
    if tonumber(rank) >= 4 then
      state = string.gsub(status, '/', ' ')
      if state == 'opted-out' or state == 'unreachable' then
        answer[#answer + 1], answer[#answer + 2] = person, state
      end
    end
    redis.call('HSET', KEYS[5], sid, rank .. ' ' .. status .. ' ' .. ARGV[5] .. ' ' .. person)
    redis.call('EXPIRE', KEYS[5], ARGV[4])
  end
  if ARGV[5] ~= '' and known then
    if not states[person] then
      people[#people + 1] = person
    end
    states[person] = state
  end
end
redis.call('XDEL', KEYS[1], unpack(ids))
for count, n in pairs(day) do
  if redis.call('HINCRBY', KEYS[3], count, n) == n then
    redis.call('EXPIRE', KEYS[3], ARGV[2])
  end
end
if #people > 0 then
  move(KEYS[6], KEYS[7], people, states, ARGV[6])
end
return answer
