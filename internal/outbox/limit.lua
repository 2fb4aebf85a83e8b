-- Takes one place in a provider's pace, shared by all processes (generic cell rate algorithm).
--
-- KEYS  1 when the next place would be free, in microseconds  2 pause of the account
-- ARGV  1 microseconds a message  2 messages that may go ahead of the pace
-- Returns 0 go, else the microseconds to wait before asking again.
local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then
  return paused * 1000
end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local free = tonumber(redis.call('GET', KEYS[1]) or now)
-- Whoever asks a little late, as timers do, does not delay those behind: up to half a place is made up for.
free = math.max(free, now - ARGV[1] / 2)
local wait = free - now - ARGV[1] * (ARGV[2] - 1)
if wait > 0 then
  return wait
end
local next = free + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
return 0
