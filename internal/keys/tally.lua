-- move says what has become of messages to some people, each named once, and keeps the counts of it.
-- A state may carry an id after "#", which is not counted: "delivered#4711". Before is what their states are, in the
-- same order, if the script has read them.
local function move(tally, counts, people, states, life, before)
  before = before or redis.call('HMGET', tally, unpack(people))
  local fields, change = {}, {}
  for i, person in ipairs(people) do
    fields[#fields + 1], fields[#fields + 2] = person, states[person]
    if before[i] then
      local was = string.match(before[i], '^[^#]*')
      change[was] = (change[was] or 0) - 1
    end
    local is = string.match(states[person], '^[^#]*')
    change[is] = (change[is] or 0) + 1
  end
  redis.call('HSET', tally, unpack(fields))
  for state, n in pairs(change) do
    if n ~= 0 then
      redis.call('HINCRBY', counts, state, n)
    end
  end
  redis.call('EXPIRE', tally, life)
  redis.call('EXPIRE', counts, life)
end
