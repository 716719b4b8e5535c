//! The inverse modulo the prime, by the "divsteps" of Bernstein and Yang: halving steps on the low bits of the prime and
//! the number, 62 at a time, each batch applied to the whole numbers as one matrix. It takes a hundredth of the time of a
//! power, and every block of an index of coin statistics needs one. Nothing here is secret, so its time may tell.

#![expect(clippy::many_single_char_names, reason = "the names of the paper")]

use super::{GAP, LIMBS, Number};

/// Steps of a batch, and bits of a limb here.
const STEPS: u32 = 62;
/// Limbs of that size for 3072 bits and a sign.
const WIDE: usize = 50;
const MASK: u64 = (1 << STEPS) - 1;

/// A number with a sign: limbs of 62 bits, the last of which may be negative.
type Signed = [i64; WIDE];

/// What a batch of steps does to a pair of numbers, times `2^62`.
#[derive(Clone, Copy)]
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// The low bits of a product or sum.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cutting the low bits off is the purpose")]
fn low(sum: i128) -> u64 {
    sum as u64 & MASK
}

fn limb(bits: u64) -> i64 {
    i64::try_from(bits).expect("at most 62 bits")
}

fn top(carry: i128) -> i64 {
    i64::try_from(carry).expect("the numbers stay within a small multiple of the prime")
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// From limbs of 64 bits.
fn spread(limbs: &[u64; LIMBS]) -> Signed {
    let mut out = [0; WIDE];
    for (n, slot) in (0u32..).zip(&mut out) {
        let (at, shift) = ((n * STEPS / 64) as usize, n * STEPS % 64);
        let here = limbs.get(at).copied().unwrap_or(0);
        let next = limbs.get(at + 1).copied().unwrap_or(0);
        let bits = if shift == 0 { here } else { here >> shift | next << (64 - shift) };
        *slot = limb(bits & MASK);
    }
    out
}

/// Back again; the number is not negative and fits.
fn gather(limbs: &Signed) -> [u64; LIMBS] {
    let mut out = [0u64; LIMBS];
    for (n, bits) in (0u32..).zip(limbs) {
        let (at, shift) = ((n * STEPS / 64) as usize, n * STEPS % 64);
        let bits = bits.cast_unsigned();
        if let Some(slot) = out.get_mut(at) {
            *slot |= bits << shift;
        }
        if shift > 2
            && let Some(slot) = out.get_mut(at + 1)
        {
            *slot |= bits >> (64 - shift);
        }
    }
    out
}

/// The prime.
fn prime() -> Signed {
    let mut limbs = [u64::MAX; LIMBS];
    limbs[0] = GAP.wrapping_neg();
    spread(&limbs)
}

/// 62 steps on the low bits of an odd `f` and any `g`. `delta` says which of the two is the larger, roughly.
fn batch(delta: &mut i64, f: u64, g: u64) -> Matrix {
    let (mut f, mut g) = (f, g);
    let (mut u, mut v, mut q, mut r) = (1i64, 0i64, 0i64, 1i64);
    for _ in 0..STEPS {
        if g & 1 == 1 {
            if *delta > 0 {
                *delta = -*delta;
                (f, g) = (g, f.wrapping_neg());
                (u, v, q, r) = (q, r, -u, -v);
            }
            g = g.wrapping_add(f);
            (q, r) = (q + u, r + v);
        }
        *delta += 1;
        g >>= 1;
        (u, v) = (u << 1, v << 1);
    }
    Matrix { u, v, q, r }
}

/// Applies the matrix; the low 62 bits are zero by its making and fall off.
fn apply(m: Matrix, f: &mut Signed, g: &mut Signed) {
    let mut cf = (product(m.u, f[0]) + product(m.v, g[0])) >> STEPS;
    let mut cg = (product(m.q, f[0]) + product(m.r, g[0])) >> STEPS;
    for n in 1..WIDE {
        cf += product(m.u, f[n]) + product(m.v, g[n]);
        cg += product(m.q, f[n]) + product(m.r, g[n]);
        (f[n - 1], g[n - 1]) = (limb(low(cf)), limb(low(cg)));
        (cf, cg) = (cf >> STEPS, cg >> STEPS);
    }
    (f[WIDE - 1], g[WIDE - 1]) = (top(cf), top(cg));
}

/// The same modulo the prime: as much of it is added as makes the low 62 bits zero.
fn apply_modulo(m: Matrix, d: &mut Signed, e: &mut Signed, prime: &Signed, inverse: u64) {
    // Whoever is negative gets the prime once, so that both stay between minus twice the prime and the prime.
    let if_negative = |x: &Signed, factor: i64| if x[WIDE - 1] < 0 { factor } else { 0 };
    let mut md = if_negative(d, m.u) + if_negative(e, m.v);
    let mut me = if_negative(d, m.q) + if_negative(e, m.r);
    let mut cd = product(m.u, d[0]) + product(m.v, e[0]);
    let mut ce = product(m.q, d[0]) + product(m.r, e[0]);
    let missing =
        |sum: i128, times: i64| limb(inverse.wrapping_mul(low(sum)).wrapping_add(times.cast_unsigned()) & MASK);
    md -= missing(cd, md);
    me -= missing(ce, me);
    cd = (cd + product(prime[0], md)) >> STEPS;
    ce = (ce + product(prime[0], me)) >> STEPS;
    for n in 1..WIDE {
        cd += product(m.u, d[n]) + product(m.v, e[n]) + product(prime[n], md);
        ce += product(m.q, d[n]) + product(m.r, e[n]) + product(prime[n], me);
        (d[n - 1], e[n - 1]) = (limb(low(cd)), limb(low(ce)));
        (cd, ce) = (cd >> STEPS, ce >> STEPS);
    }
    (d[WIDE - 1], e[WIDE - 1]) = (top(cd), top(ce));
}

/// Adds `sign` times a number, limb by limb, and puts what flows over into the next limb.
fn add(to: &mut Signed, sign: i64, number: &Signed) {
    let mut carry = 0i128;
    for (slot, other) in to.iter_mut().zip(number) {
        carry += i128::from(*slot) + product(sign, *other);
        *slot = limb(low(carry));
        carry >>= STEPS;
    }
    // The last limb carries the sign.
    let last = i128::from(to[WIDE - 1]) + (carry << STEPS);
    to[WIDE - 1] = top(last);
}

/// The number whose product with `x` is one; zero has none and stays zero. `x` is below the prime.
pub(super) fn inverse(x: &Number) -> Number {
    let prime = prime();
    // Of an odd number each step of Newton's doubles the bits that are right; the first guess has three.
    let low_prime = prime[0].cast_unsigned();
    let inverse =
        (0..5).fold(low_prime, |guess, _| guess.wrapping_mul(2u64.wrapping_sub(low_prime.wrapping_mul(guess))));
    let (mut f, mut g) = (prime, spread(&x.0));
    let (mut d, mut e): (Signed, Signed) = ([0; WIDE], [0; WIDE]);
    e[0] = 1;
    let mut delta = 1;
    while g.iter().any(|limb| *limb != 0) {
        // Two's complement in the low limb: limbs but the last are never negative.
        let m = batch(&mut delta, f[0].cast_unsigned(), g[0].cast_unsigned());
        apply(m, &mut f, &mut g);
        apply_modulo(m, &mut d, &mut e, &prime, inverse);
    }
    // What is left of f is one or minus one, or the prime itself if x was zero.
    if f[WIDE - 1] < 0 {
        let negative = d;
        d = [0; WIDE];
        add(&mut d, -1, &negative);
    }
    while d[WIDE - 1] < 0 {
        add(&mut d, 1, &prime);
    }
    let mut reduced = d;
    add(&mut reduced, -1, &prime);
    if reduced[WIDE - 1] >= 0 {
        d = reduced;
    }
    Number(gather(&d))
}
