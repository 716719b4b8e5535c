//! Reading a script: one opcode after the other, with the bytes it pushes.

use crate::opcode::Opcode;

/// One opcode of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction<'s> {
    /// The opcode.
    pub opcode: Opcode,
    /// What it pushes; empty for everything that carries no data.
    pub data: &'s [u8],
}

/// A cursor over the bytes of a script.
///
/// After the end, or a push that reaches beyond it, [`Cursor::next_op`] answers `None`; [`Cursor::at_end`] tells
/// which. A broken push leaves the cursor behind its opcode and length, which the signature hash of old depends on.
#[derive(Clone, Debug)]
pub struct Cursor<'s> {
    script: &'s [u8],
    position: usize,
}

impl<'s> Cursor<'s> {
    /// A cursor at the start of the script.
    pub const fn new(script: &'s [u8]) -> Self {
        Self { script, position: 0 }
    }

    /// The offset of the next byte to read.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Whether everything has been read.
    pub const fn at_end(&self) -> bool {
        self.position >= self.script.len()
    }

    /// Moves over `count` bytes unread.
    pub(crate) fn jump(&mut self, count: usize) {
        self.position = self.script.len().min(self.position + count);
    }

    /// The next opcode.
    #[inline]
    pub fn next_op(&mut self) -> Option<Instruction<'s>> {
        let opcode = Opcode(*self.script.get(self.position)?);
        self.position += 1;
        if !opcode.is_data_push() {
            return Some(Instruction { opcode, data: &[] });
        }
        let size = match opcode {
            Opcode::PUSHDATA1 => usize::from(self.take::<1>()?[0]),
            Opcode::PUSHDATA2 => usize::from(u16::from_le_bytes(self.take()?)),
            Opcode::PUSHDATA4 => usize::try_from(u32::from_le_bytes(self.take()?)).ok()?,
            direct => usize::from(direct.0),
        };
        let data = self.script.get(self.position..)?.get(..size)?;
        self.position += size;
        Some(Instruction { opcode, data })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.script.get(self.position..)?.first_chunk::<N>()?;
        self.position += N;
        Some(bytes)
    }
}

impl<'s> Iterator for Cursor<'s> {
    type Item = Instruction<'s>;

    fn next(&mut self) -> Option<Instruction<'s>> {
        self.next_op()
    }
}

/// Whether this data could not be pushed by a shorter or simpler opcode than this one.
pub fn is_minimal_push(opcode: Opcode, data: &[u8]) -> bool {
    match data {
        [] => opcode == Opcode::ZERO,
        [1..=16 | 0x81] => false,
        _ => match data.len() {
            0..=75 => usize::from(opcode.0) == data.len(),
            76..=255 => opcode == Opcode::PUSHDATA1,
            256..=65_535 => opcode == Opcode::PUSHDATA2,
            _ => true,
        },
    }
}

/// The bytes that go before data of this length when it is pushed by length alone, and how many of them count.
pub(crate) fn push_head(len: usize) -> ([u8; 5], usize) {
    let short = len.to_le_bytes();
    match len {
        0..=75 => ([short[0], 0, 0, 0, 0], 1),
        76..=255 => ([Opcode::PUSHDATA1.0, short[0], 0, 0, 0], 2),
        256..=65_535 => ([Opcode::PUSHDATA2.0, short[0], short[1], 0, 0], 3),
        _ => ([Opcode::PUSHDATA4.0, short[0], short[1], short[2], short[3]], 5),
    }
}

/// Appends data to a script as Core's `CScript << bytes` does: by length alone, never as `OP_1` or `OP_1NEGATE`.
pub fn push_data(script: &mut Vec<u8>, data: &[u8]) {
    let (head, len) = push_head(data.len());
    script.extend_from_slice(&head[..len]);
    script.extend_from_slice(data);
}

/// Appends a number to a script in the shortest way.
pub fn push_num(script: &mut Vec<u8>, number: i64) {
    match u8::try_from(number).ok().and_then(Opcode::of_small_number) {
        Some(opcode) => script.push(opcode.0),
        None if number == -1 => script.push(Opcode::NEGATE1.0),
        None => push_data(script, crate::num::NumBytes::new(number).as_slice()),
    }
}
