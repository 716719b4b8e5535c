//! The stack of the interpreter.
//!
//! What a script pushes, and what a witness brings, stays where it is and is only pointed at. What opcodes compute is
//! a number or a hash, at most 32 bytes, and lies in the element itself. So an element is a small `Copy` value, and no
//! opcode allocates.

use crate::error::ScriptError;
use crate::num::NumBytes;

/// The longest value that an opcode computes.
const INLINE: usize = 32;

/// One element of the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Element<'s> {
    /// Bytes of the script or of the witness.
    Pushed(&'s [u8]),
    /// A computed value.
    Computed { len: u8, bytes: [u8; INLINE] },
}

impl Element<'_> {
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Pushed(bytes) => bytes,
            Self::Computed { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
        }
    }

    /// A computed value. Longer ones than 32 bytes do not exist; they would be cut.
    #[inline]
    pub(crate) fn computed(value: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        let size = value.len().min(INLINE);
        bytes[..size].copy_from_slice(&value[..size]);
        Self::Computed { len: u8::try_from(size).unwrap_or(32), bytes }
    }

    #[inline]
    pub(crate) fn number(number: i64) -> Self {
        match number {
            0 => Self::Pushed(&[]),
            1..=16 => Self::boolean_like(number),
            _ => Self::computed(NumBytes::new(number).as_slice()),
        }
    }

    #[inline]
    fn boolean_like(number: i64) -> Self {
        let [low, ..] = number.to_le_bytes();
        let mut bytes = [0; INLINE];
        bytes[0] = low;
        Self::Computed { len: 1, bytes }
    }

    #[inline]
    pub(crate) fn boolean(value: bool) -> Self {
        Self::Pushed(if value { &[1] } else { &[] })
    }
}

/// The stack, or the alternative stack.
#[derive(Debug, Default)]
pub(crate) struct Stack<'s> {
    elements: Vec<Element<'s>>,
}

impl<'s> Stack<'s> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { elements: Vec::with_capacity(capacity) }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    #[inline]
    pub(crate) fn push(&mut self, element: Element<'s>) {
        self.elements.push(element);
    }

    /// Fails unless `count` elements are there.
    #[inline]
    pub(crate) fn need(&self, count: usize) -> Result<(), ScriptError> {
        if self.elements.len() < count { Err(ScriptError::InvalidStackOperation) } else { Ok(()) }
    }

    /// The element `depth` below the top; 0 is the top itself.
    #[inline]
    pub(crate) fn peek(&self, depth: usize) -> Result<&Element<'s>, ScriptError> {
        self.index(depth).and_then(|index| self.elements.get(index)).ok_or(ScriptError::InvalidStackOperation)
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Result<Element<'s>, ScriptError> {
        self.elements.pop().ok_or(ScriptError::InvalidStackOperation)
    }

    /// Pops `count` elements that are known to be there.
    #[inline]
    pub(crate) fn discard(&mut self, count: usize) {
        self.elements.truncate(self.elements.len().saturating_sub(count));
    }

    /// Pushes a copy of the element `depth` below the top.
    #[inline]
    pub(crate) fn copy_up(&mut self, depth: usize) -> Result<(), ScriptError> {
        let element = *self.peek(depth)?;
        self.elements.push(element);
        Ok(())
    }

    /// Moves the element `depth` below the top to the top.
    #[inline]
    pub(crate) fn move_up(&mut self, depth: usize) -> Result<(), ScriptError> {
        let index = self.index(depth).ok_or(ScriptError::InvalidStackOperation)?;
        self.elements[index..].rotate_left(1);
        Ok(())
    }

    /// Puts a copy of the top below the element under it.
    #[inline]
    pub(crate) fn tuck(&mut self) -> Result<(), ScriptError> {
        self.need(2)?;
        let top = *self.peek(0)?;
        self.elements.insert(self.elements.len() - 2, top);
        Ok(())
    }

    /// Takes away the element under the top.
    #[inline]
    pub(crate) fn nip(&mut self) -> Result<(), ScriptError> {
        self.need(2)?;
        self.elements.remove(self.elements.len() - 2);
        Ok(())
    }

    /// Swaps the elements at two depths.
    #[inline]
    pub(crate) fn swap(&mut self, depth: usize, other: usize) -> Result<(), ScriptError> {
        let (Some(a), Some(b)) = (self.index(depth), self.index(other)) else {
            return Err(ScriptError::InvalidStackOperation);
        };
        self.elements.swap(a, b);
        Ok(())
    }

    #[inline]
    fn index(&self, depth: usize) -> Option<usize> {
        self.elements.len().checked_sub(depth.checked_add(1)?)
    }
}

/// The nesting of IF, kept as its height and the first branch that is not taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    height: usize,
    first_false: Option<usize>,
}

impl Conditions {
    #[inline]
    pub(crate) fn executing(self) -> bool {
        self.first_false.is_none()
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.height == 0
    }

    pub(crate) fn enter(&mut self, taken: bool) {
        if self.first_false.is_none() && !taken {
            self.first_false = Some(self.height);
        }
        self.height += 1;
    }

    /// ELSE: turns the innermost branch round.
    pub(crate) fn toggle(&mut self) -> Result<(), ScriptError> {
        let top = self.height.checked_sub(1).ok_or(ScriptError::UnbalancedConditional)?;
        self.first_false = match self.first_false {
            None => Some(top),
            Some(first) if first == top => None,
            // A branch further out is not taken, so this one cannot be seen.
            outer => outer,
        };
        Ok(())
    }

    /// ENDIF.
    pub(crate) fn leave(&mut self) -> Result<(), ScriptError> {
        self.height = self.height.checked_sub(1).ok_or(ScriptError::UnbalancedConditional)?;
        if self.first_false == Some(self.height) {
            self.first_false = None;
        }
        Ok(())
    }
}
