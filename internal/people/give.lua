-- Gives a role to someone who has none and notes that in the audit log.
--
-- KEYS  1 roles  2 audit log
-- ARGV  1 sealed person id  2 sealed role  3 sealed entry of the log
-- Returns 1 given, 0 they have one.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', 'b', ARGV[3])
return 1
