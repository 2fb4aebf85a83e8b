-- Makes someone known who has not written yet.
--
-- KEYS  1 person  2 followers of their facility  3 number of arrivals
-- ARGV  1 record if there is none  2 its life in s  3 sealed person id  4 "" if they have no facility
-- Returns 1 made, 0 they are known already: what they chose stays.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then
  return 0
end
if ARGV[4] ~= '' and not redis.call('ZSCORE', KEYS[2], ARGV[3]) then
  redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[3])
end
return 1
