//! Writing wire bytes into a vector. Writing cannot fail.

/// Appends a compact integer in its shortest form.
pub fn put_compact_u64(out: &mut Vec<u8>, value: u64) {
    if let Ok(small) = u8::try_from(value)
        && small < 253
    {
        out.push(small);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(253);
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(254);
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        out.push(255);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends a count.
pub fn put_compact_size(out: &mut Vec<u8>, count: usize) {
    put_compact_u64(out, wide(count));
}

/// Appends a count of bytes and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_compact_size(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// How many bytes a compact integer takes.
pub fn compact_len(value: usize) -> usize {
    match wide(value) {
        0..=252 => 1,
        253..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Appends a variable-length integer in base 128, most significant group first. Each value has exactly one form.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut groups = [0; 10];
    let mut at = groups.len() - 1;
    let mut rest = value;
    groups[at] = low_group(rest);
    while rest > 0x7f {
        rest = (rest >> 7) - 1;
        at -= 1;
        groups[at] = low_group(rest) | 0x80;
    }
    out.extend_from_slice(&groups[at..]);
}

fn low_group(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// A length as 64 bits.
pub(crate) fn wide(len: usize) -> u64 {
    u64::try_from(len).expect("no platform has lengths beyond 64 bits")
}
