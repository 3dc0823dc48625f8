-- xorshift and FNV mixing; Lua has no rotation.
return function(n)
  local s, hash = 0x9E3779B97F4A7C15, 0xCBF29CE484222325
  for _ = 1, n do
    s = s ~ (s << 13)
    s = s ~ (s >> 7)
    s = s ~ (s << 17)
    hash = (hash ~ s) * 0x100000001B3
    hash = (hash << 23) | (hash >> 41)
  end
  return hash
end
