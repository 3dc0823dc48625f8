-- n products of two matrices of 64 x 64 numbers, in tables. Gives the sum of the last product.
return function(n)
  local a, b, c = {}, {}, {}
  for i = 0, 4095 do
    a[i] = (i % 17) * 0.25 - 1.0
    b[i] = (i % 13) * 0.5 - 2.0
    c[i] = 0.0
  end
  for round = 0, n - 1 do
    for i = 0, 4032, 64 do
      for j = 0, 63 do
        local sum, at = 0.0, j
        for k = i, i + 63 do
          sum = sum + a[k] * b[at]
          at = at + 64
        end
        c[i + j] = sum
      end
    end
    a[round % 4096] = c[round * 7 % 4096] * 0.015625
  end
  local sum = 0.0
  for i = 0, 4095 do sum = sum + c[i] end
  return sum
end
