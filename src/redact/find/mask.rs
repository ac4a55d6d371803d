//! Classes of bytes as bits: bit `i` of a mask stands for byte `i` of a block. What crosses the
//! border of two blocks is decided in the second.

use wide::{i8x16, u8x16};

pub(super) const BLOCK: usize = 64;

/// Where the bytes of a block are of which class.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    pub(super) digit: u64,
    /// From `-` on, as far as ASCII goes: letters, digits, and signs that may stand in a word or a path.
    word: u64,
    /// From `:` to `@`.
    pub(super) sign: u64,
    /// `-` and `.`.
    stroke: u64,
}

/// What all blocks of a text hold together.
pub(in crate::redact) struct Seen {
    /// Bytes that a disguise may be made of: `\`, `%`, and what is not ASCII.
    suspects: u8x16,
    brackets: u8x16,
}

impl Default for Seen {
    fn default() -> Seen {
        let none = u8x16::splat(0);
        Seen {
            suspects: none,
            brackets: none,
        }
    }
}

impl Seen {
    pub(in crate::redact) fn has_suspects(&self) -> bool {
        // The highest bit is that of bytes beyond ASCII.
        self.suspects.to_bitmask() != 0
    }

    /// Whether a `[` is in it, which a placeholder begins with.
    pub(in crate::redact) fn has_brackets(&self) -> bool {
        self.brackets.to_bitmask() != 0
    }
}

impl Masks {
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], seen: &mut Seen) -> Masks {
        let mut masks = Masks::default();
        // Digits and signs follow each other in ASCII. Blocks without them are the most.
        let mut figure = 0;
        for (quarter, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let bits = |lanes: u8x16| u64::from(lanes.to_bitmask()) << (16 * quarter);
            figure |= bits(within(bytes, b'0', 17));
            masks.stroke |= bits(within(bytes, b'-', 2));
            // Signed: what is not ASCII is below.
            let word = bytes.cast_signed().simd_gt(i8x16::splat(b',' as i8));
            masks.word |= u64::from(word.to_bitmask()) << (16 * quarter);
            seen.suspects |= bytes | is(b'\\') | is(b'%');
            seen.brackets |= is(b'[');
        }
        if figure != 0 {
            for (quarter, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
                let digit = within(u8x16::new(*bytes), b'0', 10);
                masks.digit |= u64::from(digit.to_bitmask()) << (16 * quarter);
            }
            masks.sign = figure & !masks.digit;
        }
        masks
    }

    /// Those of the bytes behind the first few, with blanks behind them.
    #[inline]
    pub(super) fn behind(&self, count: usize) -> Masks {
        Masks {
            digit: self.digit >> count,
            word: self.word >> count,
            sign: self.sign >> count,
            stroke: self.stroke >> count,
        }
    }

    /// What may be a letter.
    fn letter(&self) -> u64 {
        self.word & !self.digit
    }
}

/// Which bytes are among `count` from `first` on. Unsigned: what is below wraps to above.
#[inline]
fn within(bytes: u8x16, first: u8, count: u8) -> u8x16 {
    let offset = bytes - u8x16::splat(first);
    offset.simd_eq(offset.min(u8x16::splat(count - 1)))
}

/// What is known of the blocks before.
#[derive(Default)]
pub(super) struct Carry {
    before: Masks,
    /// How many characters of words the text has ended with so far.
    tail: usize,
}

impl Carry {
    /// Goes on to the next block.
    #[inline]
    pub(super) fn advance(&mut self, now: &Masks) {
        self.tail = match now.word {
            u64::MAX => self.tail + BLOCK,
            word => word.leading_ones() as usize,
        };
        self.before = *now;
    }

    /// How far before this block a run of characters of words begins that becomes 16 long in it.
    #[inline]
    pub(super) fn crossing_run(&self, now: &Masks) -> Option<usize> {
        let head = now.word.trailing_ones() as usize;
        ((1..16).contains(&self.tail) && self.tail + head >= 16).then_some(self.tail)
    }

    /// Where in this block runs of characters of words begin that are 16 long within it.
    #[inline]
    pub(super) fn long_runs(&self, now: &Masks) -> u64 {
        let word = now.word;
        let pairs = word & word >> 1;
        let fours = pairs & pairs >> 2;
        let eights = fours & fours >> 4;
        let sixteens = eights & eights >> 8;
        sixteens & !(word << 1 | u64::from(self.tail > 0))
    }

    /// The last of two letters and two digits.
    #[inline]
    pub(super) fn account_numbers(&self, now: &Masks) -> u64 {
        let (letter, before) = (now.letter(), self.before.letter());
        now.digit
            & (now.digit << 1 | self.before.digit >> 63)
            & (letter << 2 | before >> 62)
            & (letter << 3 | before >> 61)
    }

    /// The last of five strokes.
    #[inline]
    pub(super) fn five_strokes(&self, now: &Masks) -> u64 {
        let (stroke, before) = (now.stroke, self.before.stroke);
        let pairs = stroke & (stroke << 1 | before >> 63);
        if pairs == 0 {
            return 0;
        }
        pairs
            & (stroke << 2 | before >> 62)
            & (stroke << 3 | before >> 61)
            & (stroke << 4 | before >> 60)
    }

    /// The second of two strokes with four bytes between them.
    #[inline]
    pub(super) fn far_strokes(&self, now: &Masks) -> u64 {
        now.stroke & (now.stroke << 5 | self.before.stroke >> 59)
    }
}

/// The bits that are set, in order.
#[inline]
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        place
    })
}

/// The runs of bits that are set, in order: where each begins and how long it is.
#[inline]
pub(super) fn runs(mut bits: u64) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let start = bits.trailing_zeros();
        let length = (bits >> start).trailing_ones();
        bits &= u64::MAX.checked_shl(start + length).unwrap_or(0);
        Some((start as usize, length as usize))
    })
}
