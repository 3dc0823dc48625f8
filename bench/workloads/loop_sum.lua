-- Add, xor, multiply, compare and branch on integers.
return function(n)
  local acc = 0
  for i = 0, n - 1 do
    acc = (acc + i) ~ (i * 25214903917)
    if i & 7 == 0 then acc = acc - 19088743 end
  end
  return acc
end
