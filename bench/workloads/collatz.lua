-- The lengths of the Collatz sequences from 1 to n, mixed into one number.
return function(n)
  local total = 0
  for i = 1, n do
    local x, steps = i, 0
    while x ~= 1 do
      if x % 2 == 0 then x = x // 2 else x = 3 * x + 1 end
      steps = steps + 1
    end
    total = (total * 31 + steps) % 1000000007
  end
  return total
end
