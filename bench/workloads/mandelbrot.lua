-- The inner iterations of n Mandelbrot images of 32 by 32 points.
return function(n)
  local total = 0
  for image = 0, n - 1 do
    local offset = image * 0.0009765625
    for y = 0, 31 do
      local ci = y * 0.078125 - 1.25
      for x = 0, 31 do
        local cr = x * 0.09375 - 2.0 + offset
        local zr, zi, it = 0.0, 0.0, 0
        while it < 100 do
          local zr2, zi2 = zr * zr, zi * zi
          if zr2 + zi2 > 4.0 then break end
          zi = 2.0 * zr * zi + ci
          zr = zr2 - zi2 + cr
          it = it + 1
        end
        total = total + it
      end
    end
  end
  return total
end
