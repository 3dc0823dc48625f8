-- Calls of a host function in a loop.
local ping = ...

return function(n)
  local x = n
  for _ = 1, n do x = ping(x) end
  return x
end
