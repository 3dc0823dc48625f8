-- n steps of five bodies that attract each other. Speeds come a day and masses in suns. Gives the energy.
local sqrt = math.sqrt
local DAYS, SOLAR, DT = 365.24, 39.47841760435743, 0.01

local function body(x, y, z, vx, vy, vz, mass)
  return { x = x, y = y, z = z, vx = vx * DAYS, vy = vy * DAYS, vz = vz * DAYS, mass = mass * SOLAR }
end

local function start()
  local bodies = {
    body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    body(4.841431442464721, -1.1603200440274284, -0.10362204447112311,
      0.001660076642744037, 0.007699011184197404, -0.0000690460016972063, 0.0009547919384243266),
    body(8.34336671824458, 4.124798564124305, -0.403523417114321,
      -0.002767425107268624, 0.004998528012349172, 0.000023041729757376393, 0.0002858859806661308),
    body(12.894369562139131, -15.111151401698631, -0.22330757889265574,
      0.002964601375647616, 0.0023784717395948095, -0.00002965895685402376, 0.00004366244043351563),
    body(15.379697114850917, -25.919314609987964, 0.17925877295037118,
      0.0026806777249038932, 0.001628241700382423, -0.00009515922545197158, 0.000051513890204661145),
  }
  local px, py, pz = 0.0, 0.0, 0.0
  for i = 1, #bodies do
    local b = bodies[i]
    px = px + b.vx * b.mass
    py = py + b.vy * b.mass
    pz = pz + b.vz * b.mass
  end
  local sun = bodies[1]
  sun.vx, sun.vy, sun.vz = 0.0 - px / SOLAR, 0.0 - py / SOLAR, 0.0 - pz / SOLAR
  return bodies
end

local function advance(bodies)
  local count = #bodies
  for i = 1, count do
    local a = bodies[i]
    for j = i + 1, count do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = DT / (d2 * sqrt(d2))
      local ma, mb = a.mass * mag, b.mass * mag
      a.vx = a.vx - dx * mb
      a.vy = a.vy - dy * mb
      a.vz = a.vz - dz * mb
      b.vx = b.vx + dx * ma
      b.vy = b.vy + dy * ma
      b.vz = b.vz + dz * ma
    end
  end
  for i = 1, count do
    local b = bodies[i]
    b.x = b.x + DT * b.vx
    b.y = b.y + DT * b.vy
    b.z = b.z + DT * b.vz
  end
end

local function energy(bodies)
  local e = 0.0
  for i = 1, #bodies do
    local a = bodies[i]
    e = e + 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz)
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      e = e - a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return e
end

return function(n)
  local bodies = start()
  for _ = 1, n do advance(bodies) end
  return energy(bodies)
end
