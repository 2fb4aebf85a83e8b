-- Makes an invitation and notes that in the audit log, unless it is made already.
--
-- KEYS  1 invitation  2 audit log
-- ARGV  1 sealed invitation  2 its life in s  3 sealed entry of the log
-- Returns 1 made, 0 it was there.
if redis.call('HSETNX', KEYS[1], 'b', ARGV[1]) == 0 then
  return 0
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'b', ARGV[3])
return 1
