-- Queues what some people of a partition are told about a session, and marks them as told: both or
-- neither, once for each mark.
--
-- KEYS  1 what people have been told  2 queue of Telegram  3 queue of SMS  4 which session people were last
--       asked about  5... the people's records
-- ARGV  1 the mark                    2 whom: "new" who has not this mark, "missed" who has none of this version,
--                                       "told" who has one of another version, but none of this
--       3 what marks of this version begin with
--       4 when the marks expire (Unix time)       5 what the message is about ("": nobody counts)
--       6 when it is too late to send (Unix time) 7 life of a record in s
--       8 the session people are asked about, "" if they are not
--       9... five for each person: sealed id, record as read, record to write if there was none,
--       2 or 3 for the queue, sealed message ("" only marks)
-- Returns the people (from 1) whose record has changed since it was read; nothing was done for them.
local changed = {}
for i = 1, #KEYS - 4 do
  local at = 4 + i * 5
  local id, record, first, queue, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local marks = redis.call('HGET', KEYS[1], id) or ' '
  local tell
  if ARGV[2] == 'new' then
    tell = not string.find(marks, ' ' .. ARGV[1] .. ' ', 1, true)
  else
    tell = not string.find(marks, ' ' .. ARGV[3], 1, true) and (ARGV[2] == 'missed' or string.find(marks, ' v', 1, true))
  end
  if tell then
    if (redis.call('GET', KEYS[4 + i]) or '') ~= record then
      changed[#changed + 1] = i
    else
      redis.call('HSET', KEYS[1], id, marks .. ARGV[1] .. ' ')
      if body ~= '' then
        redis.call('XADD', KEYS[tonumber(queue)], '*', 'p', id, 'b', body, 'n', ARGV[5], 'u', ARGV[6])
        if ARGV[8] ~= '' then
          redis.call('HSET', KEYS[4], id, ARGV[8])
        end
        if record == '' then
          redis.call('SET', KEYS[4 + i], first, 'EX', ARGV[7])
        elseif redis.call('TTL', KEYS[4 + i]) < tonumber(ARGV[7]) then -- nobody is forgotten in the middle of a course
          redis.call('EXPIRE', KEYS[4 + i], ARGV[7])
        end
      end
    end
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('EXPIREAT', KEYS[1], ARGV[4])
end
return changed
