-- append adds the id of a message to a list of them, and returns the list. A list is the newest id in
-- 4 bytes, then each id as the 2 bytes it is above the one before, or as 255 255 and 4 bytes.
-- Past maxIds bytes, some two thousand messages in two days, it begins anew.
local maxIds = 4000
local function four(n)
  return string.char(math.floor(n / 16777216) % 256, math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
end
local function append(ids, id)
  id = tonumber(id)
  if #ids < 4 or #ids > maxIds then
    return four(id) .. '\255\255' .. four(id)
  end
  local a, b, c, d = string.byte(ids, 1, 4)
  local step = id - (a * 16777216 + b * 65536 + c * 256 + d)
  if step == 0 then
    return ids
  end
  if step > 0 and step < 65535 then
    return four(id) .. string.sub(ids, 5) .. string.char(math.floor(step / 256), step % 256)
  end
  return four(id) .. string.sub(ids, 5) .. '\255\255' .. four(id)
end
