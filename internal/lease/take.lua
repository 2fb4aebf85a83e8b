-- Takes or renews a lease. It is kept as the name of its holder, a space, and what changes each time it is renewed.
--
-- KEYS  1 lease   ARGV  1 this process  2 what no renewal had yet  3 the lease that has run out, or ""  4 how long it is kept in ms
-- Returns 1 taken now, 2 held already and renewed, 0 another process holds it; and how that one left it, or "".
local left = redis.call('GET', KEYS[1]) or ''
local mine = ours(KEYS[1], ARGV[1])
if left ~= '' and not mine and left ~= ARGV[3] then
  return {0, left}
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[4])
return {mine and 2 or 1, ''}
