//! The workloads with data in memory.

use std::hint::black_box;

const SIEVE_LEN: usize = 65_536;
const SIEVE_MODULUS: u64 = 1_000_003;
const SIDE: usize = 64;
const BODIES: usize = 5;
const DAYS: f64 = 365.24;
const SOLAR: f64 = 39.478_417_604_357_43;
const DT: f64 = 0.01;

/// Sun, Jupiter, Saturn, Uranus, Neptune: place, speed a day, mass in suns.
const PLANETS: [[f64; 7]; BODIES] = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [
        4.841_431_442_464_721,
        -1.160_320_044_027_428_4,
        -0.103_622_044_471_123_11,
        0.001_660_076_642_744_037,
        0.007_699_011_184_197_404,
        -0.000_069_046_001_697_206_3,
        0.000_954_791_938_424_326_6,
    ],
    [
        8.343_366_718_244_58,
        4.124_798_564_124_305,
        -0.403_523_417_114_321,
        -0.002_767_425_107_268_624,
        0.004_998_528_012_349_172,
        0.000_023_041_729_757_376_393,
        0.000_285_885_980_666_130_8,
    ],
    [
        12.894_369_562_139_131,
        -15.111_151_401_698_631,
        -0.223_307_578_892_655_74,
        0.002_964_601_375_647_616,
        0.002_378_471_739_594_809_5,
        -0.000_029_658_956_854_023_76,
        0.000_043_662_440_433_515_63,
    ],
    [
        15.379_697_114_850_917,
        -25.919_314_609_987_964,
        0.179_258_772_950_371_18,
        0.002_680_677_724_903_893_2,
        0.001_628_241_700_382_423,
        -0.000_095_159_225_451_971_58,
        0.000_051_513_890_204_661_145,
    ],
];

/// Clears the flags of all multiples. Gives how many candidates it has read and multiples it has cleared.
#[inline(always)]
fn cross_out(flags: &mut [u8]) -> u64 {
    let (mut i, mut accesses) = (2, 0);
    while i * i < SIEVE_LEN {
        accesses += 1;
        if flags[i] != 0 {
            let mut j = i * i;
            while j < SIEVE_LEN {
                flags[j] = 0;
                accesses += 1;
                j += i;
            }
        }
        i += 1;
    }
    accesses
}

pub(in super::super) fn sieve(n: u64) -> u64 {
    let mut flags = vec![0u8; SIEVE_LEN];
    let mut total = 0;
    for _ in 0..n {
        let flags = black_box(&mut flags);
        flags.fill(1);
        cross_out(flags);
        let count: u64 = flags[2..].iter().map(|&flag| u64::from(flag)).sum();
        total = (total * 7 + count) % SIEVE_MODULUS;
    }
    total
}

/// All bytes are written, and all but two are read to count, besides what is crossed out.
pub(in super::super) fn sieve_accesses(n: u64) -> u64 {
    n * (2 * SIEVE_LEN as u64 - 2 + cross_out(&mut vec![1; SIEVE_LEN]))
}

pub(in super::super) fn matmul(n: u64) -> u64 {
    const LEN: usize = SIDE * SIDE;
    let mut a: Vec<f64> = (0..LEN).map(|i| (i % 17) as f64 * 0.25 - 1.0).collect();
    let mut b: Vec<f64> = (0..LEN).map(|i| (i % 13) as f64 * 0.5 - 2.0).collect();
    let mut c = vec![0.0; LEN];
    for round in 0..n as usize {
        let (a, b, c) = black_box((&mut a, &mut b, &mut c));
        for i in 0..SIDE {
            for j in 0..SIDE {
                let mut sum = 0.0;
                for k in 0..SIDE {
                    sum += a[i * SIDE + k] * b[k * SIDE + j];
                }
                c[i * SIDE + j] = sum;
            }
        }
        a[round % LEN] = c[(round * 7) % LEN] * 0.015_625;
    }
    c.iter().fold(0.0, |sum, value| sum + value).to_bits()
}

pub(in super::super) fn matmul_terms(n: u64) -> u64 {
    n * (SIDE * SIDE * SIDE) as u64
}

/// What the places of two bodies differ by, and the square of that.
fn between(a: &[f64; 7], b: &[f64; 7]) -> ([f64; 3], f64) {
    let [dx, dy, dz] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    ([dx, dy, dz], dx * dx + dy * dy + dz * dz)
}

/// One step: speeds by attraction, pair by pair, then places.
fn advance(bodies: &mut [[f64; 7]; BODIES]) {
    for i in 0..BODIES {
        for j in i + 1..BODIES {
            let (d, d2) = between(&bodies[i], &bodies[j]);
            let mag = DT / (d2 * d2.sqrt());
            let (mi, mj) = (bodies[i][6] * mag, bodies[j][6] * mag);
            for k in 0..3 {
                bodies[i][3 + k] -= d[k] * mj;
                bodies[j][3 + k] += d[k] * mi;
            }
        }
    }
    for body in bodies {
        for k in 0..3 {
            body[k] += DT * body[3 + k];
        }
    }
}

fn energy(bodies: &[[f64; 7]; BODIES]) -> f64 {
    let mut energy = 0.0;
    for (i, a) in bodies.iter().enumerate() {
        energy += 0.5 * a[6] * (a[3] * a[3] + a[4] * a[4] + a[5] * a[5]);
        for b in &bodies[i + 1..] {
            energy -= a[6] * b[6] / between(a, b).1.sqrt();
        }
    }
    energy
}

pub(in super::super) fn nbody(n: u64) -> u64 {
    let mut bodies = black_box(PLANETS);
    let mut momentum = [0.0; 3];
    for body in &mut bodies {
        body[6] *= SOLAR;
        for k in 0..3 {
            body[3 + k] *= DAYS;
            momentum[k] += body[3 + k] * body[6];
        }
    }
    for k in 0..3 {
        bodies[0][3 + k] = 0.0 - momentum[k] / SOLAR;
    }
    for _ in 0..n {
        advance(&mut bodies);
    }
    energy(&bodies).to_bits()
}
