-- n rounds of the sieve of Eratosthenes over 65536 numbers, in a table.
local flags = {}

return function(n)
  local total = 0
  for _ = 1, n do
    for i = 0, 65535 do flags[i] = 1 end
    local i = 2
    while i * i < 65536 do
      if flags[i] ~= 0 then
        for j = i * i, 65535, i do flags[j] = 0 end
      end
      i = i + 1
    end
    local count = 0
    for j = 2, 65535 do count = count + flags[j] end
    total = (total * 7 + count) % 1000003
  end
  return total
end
