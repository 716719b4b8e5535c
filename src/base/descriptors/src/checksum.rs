//! Eight characters behind a descriptor that tell most mistakes in it (BIP380).

use crate::ChecksumError;

/// Characters that a descriptor may have. Their place is what the checksum counts.
const INPUT: &str = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
/// Characters of checksums.
const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What each of the five highest bits adds when it is shifted out.
const GENERATORS: [u64; 5] = [0xf5_dee5_1989, 0xa9_fdca_3312, 0x1b_ab10_e32d, 0x37_06b1_677a, 0x64_4d62_6ffd];

/// The checksum of a descriptor without one, or nothing if a character in it is not allowed.
pub fn compute(body: &str) -> Option<String> {
    let (mut state, mut classes, mut count) = (1_u64, 0_u64, 0_u8);
    for character in body.chars() {
        let place = u64::try_from(INPUT.find(character)?).ok()?;
        state = step(state, place & 31);
        classes = classes * 3 + (place >> 5);
        count += 1;
        if count == 3 {
            state = step(state, classes);
            (classes, count) = (0, 0);
        }
    }
    if count > 0 {
        state = step(state, classes);
    }
    state = (0..8).fold(state, |state, _| step(state, 0)) ^ 1;
    let symbol = |n: u32| {
        let group = usize::try_from(state >> (5 * (7 - n)) & 31).expect("five bits fit");
        char::from(OUTPUT[group])
    };
    Some((0..8).map(symbol).collect())
}

fn step(state: u64, value: u64) -> u64 {
    let top = state >> 35;
    let shifted = (state & 0x7_ffff_ffff) << 5 ^ value;
    let fold = |state, (bit, generator)| if top >> bit & 1 == 1 { state ^ generator } else { state };
    GENERATORS.iter().enumerate().fold(shifted, fold)
}

/// Puts a checksum behind a descriptor that has none. Its characters must be allowed ones.
pub fn add(body: &str) -> String {
    format!("{body}#{}", compute(body).unwrap_or_default())
}

/// Takes the checksum off a descriptor. Returns what is left, and the right checksum.
pub fn split(text: &str, required: bool) -> Result<(&str, String), ChecksumError> {
    let mut parts = text.split('#');
    let body = parts.next().unwrap_or_default();
    let provided = parts.next();
    if parts.next().is_some() {
        return Err(ChecksumError::Multiple);
    }
    match provided {
        None if required => return Err(ChecksumError::Missing),
        Some(provided) if provided.len() != 8 => return Err(ChecksumError::Length(provided.len())),
        _ => {}
    }
    let computed = compute(body).ok_or(ChecksumError::Characters)?;
    match provided {
        Some(provided) if provided != computed => {
            Err(ChecksumError::Mismatch { provided: provided.to_owned(), computed })
        }
        _ => Ok((body, computed)),
    }
}
