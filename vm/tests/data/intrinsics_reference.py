#!/usr/bin/env python3
"""Makes intrinsics.txt, the reference values of intrinsics over numbers. Needs mpmath.

A line is `name arguments => results`, all slots as hex bits. Where results are rounded more than once or by a
function that is not exact, `~ results` follows: the true value, computed with 400 bits and rounded once. The results in
front of it are those of the VM (`OPFORGE_BLESS=1 cargo test -p opforge-vm --test intrinsics`), at most 1 ulp away.
"""
import math, random, struct, sys
import mpmath as mp

mp.mp.prec = 400
random.seed(1)
NAN, INF = float("nan"), float("inf")

def bits(x):
    return "7ff8000000000000" if x != x else "%016x" % struct.unpack("<Q", struct.pack("<d", x))[0]

def word(n):
    return "%016x" % (n & (2**64 - 1))

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 0.1, 10.0, 1e-5, 1e16, -1e22, 5e-324, -5e-324,
         2.2250738585072014e-308, 1e-300, 1e154, 1e300, 1.7976931348623157e308, -1.7976931348623157e308,
         math.pi, math.pi / 2, -math.pi / 2, math.pi / 4, 0.9999999999999999, 1.0000000000000002, 709.782712893384,
         -745.1332191019411, 1000.0, 1024.0, INF, -INF, NAN]

def some(count, low=-30, high=30):
    return [random.choice([-1, 1]) * random.uniform(1, 2) * 2.0 ** random.randint(low, high) for _ in range(count)]

def once(true, c):
    """The true value rounded once; `c` is C's function, for what is not finite or not in the domain."""
    def f(*args):
        # A zero has a sign, which mpmath does not know.
        if all(math.isfinite(a) and a != 0 for a in args):
            try:
                value = true(*[mp.mpf(a) for a in args])
                if isinstance(value, mp.mpc) or not mp.isfinite(value):
                    return c(*args)
                if value == 0:
                    return c(*args)
                return float(value)
            except (ValueError, ZeroDivisionError, OverflowError):
                return c(*args)
        return c(*args)
    return f

def guarded(f, pole=None):
    def g(*args):
        try:
            return f(*args)
        except ValueError:
            return pole(*args) if pole else NAN
        except OverflowError:
            return INF
    return g

log_pole = lambda x: -INF if x == 0 else NAN

def pow_pole(x, y):
    if x == 0 and y < 0:
        odd = math.isfinite(y) and math.fmod(y, 2) in (1, -1)
        return math.copysign(INF, x) if odd else INF
    return NAN

def c_pow(x, y):
    try:
        return math.pow(x, y)
    except ValueError:
        return pow_pole(x, y)
    except OverflowError:
        odd = math.fmod(y, 2) in (1, -1)
        return -INF if x < 0 and odd else INF

def true_pow(x, y):
    if x < 0 and y != int(y):
        raise ValueError
    if abs(y) > 1e10 and x not in (0, 1, -1):
        raise OverflowError
    return mp.power(x, int(y)) if y == int(y) else mp.power(x, y)

UNARY = {
    "sin": (once(mp.sin, guarded(math.sin)), 30), "cos": (once(mp.cos, guarded(math.cos)), 30),
    "tan": (once(mp.tan, guarded(math.tan)), 30), "asin": (once(mp.asin, guarded(math.asin)), 0),
    "acos": (once(mp.acos, guarded(math.acos)), 0), "atan": (once(mp.atan, guarded(math.atan)), 30),
    "exp": (once(mp.exp, guarded(math.exp)), 9), "ln": (once(mp.log, guarded(math.log, log_pole)), 900),
    "log2": (once(lambda x: mp.log(x, 2), guarded(math.log2, log_pole)), 900),
    "log10": (once(mp.log10, guarded(math.log10, log_pole)), 900),
    "cbrt": (once(lambda x: mp.sign(x) * mp.cbrt(abs(x)), lambda x: x), 900),
}
BINARY = {
    "atan2": once(lambda y, x: mp.atan2(y, x), guarded(math.atan2)),
    "hypot": once(mp.hypot, guarded(math.hypot)),
    "pow": once(true_pow, c_pow),
}

def exact_fmod(x, y):
    try:
        return math.fmod(x, y)
    except ValueError:
        return NAN

def minimum(a, b):
    if a != a or b != b:
        return NAN
    return min(a, b) if a != b else (a if math.copysign(1, a) < 0 else b)

def maximum(a, b):
    return -minimum(-a, -b)

out = ["# Made by intrinsics_reference.py; see there."]

def line(name, args, results, true=None):
    tail = " ~ " + " ".join(true) if true else ""
    out.append("%s %s => %s%s" % (name, " ".join(args), " ".join(results), tail))

def floats(name, args, results, near=False):
    b = [bits(r) for r in results]
    line(name, [bits(a) for a in args], b, b if near else None)

for name, (f, high) in UNARY.items():
    low = -30 if high else -20
    for x in EDGES + some(40, low, high):
        floats("math." + name, [x], [f(x)], True)
pairs = [(a, b) for a in EDGES for b in random.sample(EDGES, 9)]
for name, f in BINARY.items():
    for x, y in pairs + list(zip(some(40), some(40))):
        floats("math." + name, [x, y], [f(x, y)], True)
    for x, y in zip(some(20, -3, 3), some(20, -3, 6)):
        floats("math." + name, [abs(x), y], [f(abs(x), y)], True)
for x, y in pairs + list(zip(some(40, -100, 100), some(40))):
    floats("math.fmod", [x, y], [exact_fmod(x, y)])

hyp = BINARY["hypot"]
near = [(a, b, c, d) for (a, b), (c, d) in zip(random.sample(pairs, 30), random.sample(pairs, 30))]
near += list(zip(some(10), some(10), some(10), some(10)))
# Cancellation: a fused multiply-add would show in the last bits.
near += [(1.0 + 2**-30, 1.0 - 2**-30, 1.0 - 2**-30, -(1.0 + 2**-30)), (3e200, 3e200, 3e200, -3e200)]
for a, b, c, d in near:
    floats("vec2.new", [a, b], [a, b]); floats("vec2.x", [a, b], [a]); floats("vec2.y", [a, b], [b])
    floats("vec2.add", [a, b, c, d], [a + c, b + d])
    floats("vec2.sub", [a, b, c, d], [a - c, b - d])
    floats("vec2.mul", [a, b, c, d], [a * c, b * d])
    floats("vec2.scale", [a, b, c], [a * c, b * c])
    floats("vec2.dot", [a, b, c, d], [a * c + b * d])
    floats("vec2.length_squared", [a, b], [a * a + b * b])
    floats("vec2.neg", [a, b], [-a, -b])
    floats("vec2.lerp", [a, b, c, d, 0.25], [a * 0.75 + c * 0.25, b * 0.75 + d * 0.25])
    floats("vec2.min", [a, b, c, d], [minimum(a, c), minimum(b, d)])
    floats("vec2.max", [a, b, c, d], [maximum(a, c), maximum(b, d)])
    floats("vec2.clamp", [a, b, c, d, 1.0, -0.0],
           [minimum(maximum(a, c), 1.0), minimum(maximum(b, d), -0.0)])
    floats("vec2.length", [a, b], [hyp(a, b)], True)
    floats("vec2.distance", [a, b, c, d], [hyp(c - a, d - b)], True)
    floats("vec2.angle", [a, b], [BINARY["atan2"](b, a)], True)
def unit_of(a, b):
    if a == 0 and b == 0:
        return [a, b]
    if not (math.isfinite(a) and math.isfinite(b)):
        part = lambda x: NAN if not math.isfinite(x) else math.copysign(0.0, x)
        return [part(a), part(b)] if INF in (abs(a), abs(b)) else [NAN, NAN]
    length = mp.hypot(mp.mpf(a), mp.mpf(b))
    at = lambda x: float(mp.mpf(x) / length) if x else x
    return [at(a), at(b)]
for a, b in [(c, d) for _, _, c, d in near] + [(5e-324, 0.0), (-5e-324, 5e-324), (1e-310, 1e-312), (1e308, 1e308)]:
    floats("vec2.normalize", [a, b], unit_of(a, b), True)
for a, b, angle, _ in near[:40]:
    if all(abs(v) < 1e10 for v in (a, b, angle)):
        s, c = UNARY["sin"][0](angle), UNARY["cos"][0](angle)
        floats("vec2.rotate", [a, b, angle], [a * c - b * s, a * s + b * c], True)

colors = [0, 255, 2**32 - 1, 0x12345678, 0xFF8000FF, 0x80808080, 2**63 + 7] + [random.getrandbits(64) for _ in range(20)]
rgba = lambda c: [(c >> s) & 255 for s in (24, 16, 8, 0)]
pack = lambda l: l[0] << 24 | l[1] << 16 | l[2] << 8 | l[3]
clamp = lambda v: max(0, min(255, v))
linear = lambda v: v / 255 / 12.92 if v / 255 <= 0.04045 else float(mp.power(mp.mpf((v / 255 + 0.055) / 1.055), mp.mpf(2.4)))
def encoded(x):
    x = 1.0 if x >= 1 else x if x > 0 else 0.0
    y = mp.mpf(x) * 12.92 if x <= 0.0031308 else 1.055 * mp.power(x, mp.mpf(1) / mp.mpf(2.4)) - mp.mpf(0.055)
    return int(y * 255 + mp.mpf(0.5))
for i, c in enumerate(colors):
    d = colors[(i * 7 + 3) % len(colors)]
    for name, v in zip("rgba", rgba(c)):
        line("color." + name, [word(c)], [word(v)])
    for a in (-1, 0, 77, 255, 256, 2**63 - 1, -2**63):
        line("color.with_alpha", [word(c), word(a)], [word((c & 0xFFFFFF00) | clamp(a))])
    ch = rgba(c)
    line("color.from_rgba", [word(v) for v in ch], [word(pack(ch))])
    line("color.from_rgba", [word(-ch[0]), word(ch[1] + 256), word(ch[2] * 2), word(ch[3] - 100)],
         [word(pack([clamp(-ch[0]), 255, clamp(ch[2] * 2), clamp(ch[3] - 100)]))])
    line("color.mul", [word(c), word(d)], [word(pack([round(mp.mpf(a * b) / 255) for a, b in zip(rgba(c), rgba(d))]))])
    for t in (0.0, 1.0, 0.5, 0.25, 0.1, -1.0, 2.0, NAN, -INF, INF):
        u = 1.0 if t >= 1 else t if t > 0 else 0.0
        mixed = [int(math.floor(a * (1.0 - u) + b * u + 0.5)) for a, b in zip(rgba(c), rgba(d))]
        line("color.lerp", [word(c), word(d), bits(t)], [word(pack(mixed))])
    lin = [linear(v) for v in ch[:3]] + [ch[3] / 255]
    line("color.to_linear", [word(c)], [bits(v) for v in lin], [bits(v) for v in lin])
    line("color.from_linear", [bits(v) for v in lin], [word(pack(ch))])
for r, g, b, a in [(0.0, -0.0, NAN, 1.0), (-1.0, 2.0, INF, -INF), (0.0031308, 0.5, 0.001, 0.5), (5e-324, 0.999, 1e300, NAN)]:
    alpha = 1.0 if a >= 1 else a if a > 0 else 0.0
    line("color.from_linear", [bits(v) for v in (r, g, b, a)],
         [word(pack([encoded(r), encoded(g), encoded(b), int(alpha * 255 + 0.5)]))])
for x, y, c in [(0, 0, 0), (-1, 2, 2**40 + 5), (2**63 - 1, -2**63, 2**64 - 1), (7, 8, 9)]:
    low = c & 0xFFFFFFFF
    line("pixel.new", [word(x), word(y), word(c)], [word(x), word(y), word(low)])
    line("pixel.x", [word(x), word(y), word(c)], [word(x)])
    line("pixel.y", [word(x), word(y), word(c)], [word(y)])
    line("pixel.color", [word(x), word(y), word(c)], [word(low)])
    line("pixel.with_color", [word(x), word(y), word(c), word(c + 2**33 + 1)], [word(x), word(y), word((c + 1) & 0xFFFFFFFF)])
    line("pixel.offset", [word(x), word(y), word(c), word(5), word(-9)], [word(x + 5), word(y - 9), word(low)])

sys.stdout.write("\n".join(dict.fromkeys(out)) + "\n")
