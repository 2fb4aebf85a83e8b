-- Takes someone who erased everything out of tallies.
--
-- KEYS  tallies and their counts, by turns
-- ARGV  their sealed ids, under each key
-- Returns nothing. What became of their messages stays counted, because it names nobody; but what nobody will count any
-- more, because it is still queued or held back, is counted no longer: the notice would wait for it for ever.
for i = 1, #KEYS, 2 do
  for _, id in ipairs(ARGV) do
    local state = redis.call('HGET', KEYS[i], id)
    if state == 'queued' or state == 'held' then
      redis.call('HINCRBY', KEYS[i + 1], state, -1)
    end
    redis.call('HDEL', KEYS[i], id)
  end
end
