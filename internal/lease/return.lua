-- Gives a lease back, if this process has it. KEYS 1 lease   ARGV 1 this process   Returns 1 if it did.
if ours(KEYS[1], ARGV[1]) then
  return redis.call('DEL', KEYS[1])
end
return 0
