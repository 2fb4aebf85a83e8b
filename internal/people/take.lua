-- Takes someone's role away and notes that in the audit log.
--
-- KEYS  1 roles  2 audit log
-- ARGV  1 sealed entry of the log  2... sealed ids of the person, under each key
-- Returns 1 taken, 0 they had none.
if redis.call('HDEL', KEYS[1], unpack(ARGV, 2)) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', 'b', ARGV[1])
return 1
