-- Counts a text message as what its carrier says, if it is counted as taken by the provider.
--
-- KEYS  1 tally  2 its counts
-- ARGV  1 sealed person id  2 its state: "arrived", "undelivered 30007"  3 life of the tally in s
-- Returns 1 counted, 0 it was not.
local state = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if string.match(state, '^[^#]*') ~= 'delivered' then
  return 0
end
move(KEYS[1], KEYS[2], {ARGV[1]}, {[ARGV[1]] = ARGV[2]}, ARGV[3])
return 1
