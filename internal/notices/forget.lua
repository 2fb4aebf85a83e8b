-- Takes someone who erased everything out of a tally.
--
-- KEYS  1 tally  2 its counts
-- ARGV  1 sealed id
-- Returns nothing. What became of their message stays counted, because it names nobody; but what nobody will count any
-- more, because it is still queued or held back, is counted no longer: the notice would wait for it for ever.
local state = redis.call('HGET', KEYS[1], ARGV[1])
if state == 'queued' or state == 'held' then
  redis.call('HINCRBY', KEYS[2], state, -1)
end
redis.call('HDEL', KEYS[1], ARGV[1])
