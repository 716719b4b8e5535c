//! Demurrage: what is left of a value after some blocks.
//!
//! Each block takes 2^-20 of a value. The factor of a distance is the product of the factors of the powers of two that
//! the distance is the sum of, each rounded down to 64 bits behind the point, and products are rounded in a way of their
//! own. Every node must round alike, so the steps are part of the rule.

use crate::uint256::U256;

/// 2^64 times the factor of 1, 2, 4 … 2^25 blocks, rounded down.
const DECAY: [u64; 26] = [
    0xffff_f000_0000_0000,
    0xffff_e000_0100_0000,
    0xffff_c000_05ff_ffc0,
    0xffff_8000_1bff_fc80,
    0xffff_0000_77ff_dd00,
    0xfffe_0001_effe_ca00,
    0xfffc_0007_dff5_d409,
    0xfff8_001f_bfac_a8a2,
    0xfff0_007f_7d5d_5a6a,
    0xffe0_01fe_eacb_48a8,
    0xffc0_07fd_55df_da2a,
    0xff80_1ff6_ad54_99cd,
    0xff00_7fcd_67f9_8aad,
    0xfe01_fe9b_74f0_943e,
    0xfc07_f540_767d_2a82,
    0xf81f_ab16_3dc1_5990,
    0xf07d_5f65_f960_4ac9,
    0xe1eb_5045_80b6_ebf7,
    0xc75f_7b66_a507_5def,
    0x9b45_9576_663b_bb3e,
    0x5e2d_55e7_48e2_7ab4,
    0x22a5_531d_29a9_5916,
    0x04b0_54d7_fda4_9c4d,
    0x0015_fc1b_8508_5be9,
    0x0000_01e3_54ca_043c,
    0x0000_0000_0003_9089,
];

/// 2^64 divided by these factors, rounded down: what a value was before.
const GROWTH: [u128; 26] = [
    0x0001_0000_1000_0100_0010,
    0x0001_0000_2000_0300_0040,
    0x0001_0000_4000_0a00_0140,
    0x0001_0000_8000_2400_0780,
    0x0001_0001_0000_8800_3300,
    0x0001_0002_0002_1001_7600,
    0x0001_0004_0008_200b_2c0b,
    0x0001_0008_0020_4057_58b2,
    0x0001_0010_0080_82b2_baeb,
    0x0001_0020_0201_1576_0cb0,
    0x0001_0040_0802_ab35_7b3b,
    0x0001_0080_2009_5800_bbef,
    0x0001_0100_8032_bd5b_cef3,
    0x0001_0202_0166_2065_1cee,
    0x0001_0408_0ad5_dee6_44e3,
    0x0001_0820_5643_1a97_126a,
    0x0001_1082_b600_14af_6333,
    0x0001_2216_057d_856d_d258,
    0x0001_48b5_e655_53fd_e431,
    0x0001_a612_9f7a_2b20_cd20,
    0x0002_b7e1_6721_96b7_30c5,
    0x0007_6399_a46e_d2ed_a481,
    0x0036_9927_2f73_3639_1a9f,
    0x0ba4_f827_e152_14cd_8421,
    0x0087_97a2_5103_09b9_c64e_0d7e,
    0x47d1_4702_53b0_78e3_8992_1498_3b4b,
];

/// After so many blocks nothing is left of all the money there can be.
const END: u32 = 1 << 26;

/// What `value` is worth `blocks` later. The sign stays.
pub fn decayed(value: i64, blocks: u32) -> i64 {
    if blocks == 0 {
        return value;
    }
    if blocks >= END {
        return 0;
    }
    let factor = powers(blocks).map(|power| DECAY[power]).reduce(multiply).unwrap_or(0);
    let left = (u128::from(value.unsigned_abs()) * u128::from(factor)) >> 64;
    // A factor is below one, so this is no larger than what it came from.
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    if value < 0 { -left } else { left }
}

/// What `value` was worth `blocks` before, at most `max`.
pub fn undecayed(value: i64, blocks: u32, max: i64) -> i64 {
    if blocks == 0 || value == 0 {
        return value;
    }
    let most = if value < 0 { -max } else { max };
    if blocks >= END {
        return most;
    }
    let factor = powers(blocks).map(|power| GROWTH[power]).try_fold(1u128 << 64, grow);
    let Some(factor) = factor else { return most };
    // The integer part alone may be more than there is money.
    let (whole, rest) = (factor >> 64, factor & u128::from(u64::MAX));
    let magnitude = u128::from(value.unsigned_abs());
    let grown = magnitude.checked_mul(whole).and_then(|grown| grown.checked_add((magnitude * rest) >> 64));
    match grown.and_then(|grown| i64::try_from(grown).ok()) {
        Some(grown) if grown <= max => {
            if value < 0 {
                -grown
            } else {
                grown
            }
        }
        _ => most,
    }
}

/// The powers of two that a distance is the sum of.
fn powers(blocks: u32) -> impl Iterator<Item = usize> {
    (0..DECAY.len()).filter(move |power| blocks >> power & 1 == 1)
}

/// Two factors multiplied, as halves of 32 bits each. What the two low halves would add is left out.
fn multiply(a: u64, b: u64) -> u64 {
    const LOW: u64 = 0xffff_ffff;
    let (a_high, a_low, b_high, b_low) = (a >> 32, a & LOW, b >> 32, b & LOW);
    let middle = u128::from(a_high * b_low) + u128::from(a_low * b_high);
    // Both are below one, so the product is below 2^64.
    (a_high * b_high).wrapping_add(u64::try_from(middle >> 32).unwrap_or(u64::MAX))
}

/// Two factors above one multiplied; `None` if the product needs more than 64 bits before the point. What the lowest
/// halves would add is left out.
fn grow(a: u128, b: u128) -> Option<u128> {
    const LOW: u128 = 0xffff_ffff;
    let wide = |n: u128| {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&n.to_le_bytes());
        U256::from_le_bytes(bytes)
    };
    let product = wide(a).wrapping_mul(wide(b)).wrapping_sub(wide((a & LOW) * (b & LOW))) >> 64;
    let bytes = product.to_le_bytes();
    let (low, high) = bytes.split_first_chunk::<16>()?;
    high.iter().all(|byte| *byte == 0).then(|| u128::from_le_bytes(*low))
}

#[cfg(test)]
mod tests {
    use coin::Subsidy;
    use proptest::prelude::*;

    use super::*;

    const MAX: i64 = (1 << 53) - 1;

    #[test]
    fn vectors_of_the_profile() {
        let coin = coin::by_id("freicoin").unwrap();
        let Subsidy::Freicoin(data) = &coin.consensus.subsidy else { panic!("another schedule") };
        assert!(data.demurrage_vectors.len() >= 11);
        for vector in data.demurrage_vectors {
            let value = i64::try_from(vector.value).unwrap();
            assert_eq!(decayed(value, vector.distance).cast_unsigned(), vector.result, "{vector:?}");
            assert_eq!(decayed(-value, vector.distance), -decayed(value, vector.distance));
        }
    }

    /// The sum over the first subsidies, each decayed until the excess is used up, that the reference states.
    #[test]
    fn the_published_sum() {
        let coin = coin::by_id("freicoin").unwrap();
        let Subsidy::Freicoin(data) = &coin.consensus.subsidy else { panic!("another schedule") };
        let schedule = crate::SubsidySchedule::new(coin, coin.chain(coin::ChainKind::Main).unwrap()).unwrap();
        let end = data.equilibrium_height;
        let sum: i64 = (0..end).map(|height| decayed(schedule.at(height), end - height)).sum();
        assert_eq!(sum.cast_unsigned(), data.subsidy_limit_sum);
    }

    /// 20,000 pairs against the power in floating point: no further from it than the rounding of both can take them.
    #[test]
    fn near_the_exact_power() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..20_000 {
            let value = i64::try_from(next() >> 11).unwrap();
            let blocks = u32::try_from(next() >> 40).unwrap();
            #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "compared with a margin")]
            let (exact, got) = {
                let exact = value as f64 * (f64::from(blocks) * (-1.0 / 1_048_576.0f64).ln_1p()).exp();
                (exact, decayed(value, blocks) as f64)
            };
            assert!((got - exact).abs() <= 2.0 + exact * 1e-11, "{value} {blocks}: {got} {exact}");
        }
    }

    proptest! {
        #[test]
        fn nothing_ever_grows_with_time(value in 0..=MAX, blocks in 0u32..1 << 27, more in 0u32..1 << 27) {
            let once = decayed(value, blocks);
            prop_assert!((0..=value).contains(&once));
            prop_assert!(decayed(value, blocks.saturating_add(more)) <= once);
        }

        #[test]
        fn going_back_and_forth_loses_little(value in 0i64..1 << 40, blocks in 0u32..1 << 20) {
            let before = undecayed(value, blocks, MAX);
            let again = decayed(before, blocks);
            prop_assert!(again <= value && value - again <= 8 + (value >> 40), "{} {}", value, again);
        }

        #[test]
        fn before_time_is_bounded(value in 1..=MAX, blocks in any::<u32>()) {
            prop_assert!((value..=MAX).contains(&undecayed(value, blocks, MAX)));
        }
    }
}
