//! Classes of bytes as bits: bit `i` of a mask stands for byte `i` of a block. What crosses the
//! border of two blocks is decided in the second.

use wide::{i8x16, u8x16};

pub(super) const BLOCK: usize = 64;

/// Where the bytes of a block are of which class.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    digit: u64,
    /// From `-` on, as far as ASCII goes: letters, digits, and signs that may stand in a word or a path.
    word: u64,
    /// From `:` to `@`.
    pub(super) sign: u64,
    /// `-` and `.`.
    stroke: u64,
}

impl Masks {
    /// Adds the bytes to `suspects` that a disguise may be made of, as bytes with the highest bit: `\`, `%`,
    /// and what is not ASCII.
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], suspects: &mut u8x16) -> Masks {
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
            *suspects |= bytes | is(b'\\') | is(b'%');
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

    /// The first of each run of digits.
    #[inline]
    pub(super) fn numbers(&self, now: &Masks) -> u64 {
        now.digit & !(now.digit << 1 | self.before.digit >> 63)
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

    /// Strokes that begin a run of characters of words.
    #[inline]
    pub(super) fn leading_strokes(&self, now: &Masks) -> u64 {
        now.stroke & !(now.word << 1 | u64::from(self.tail > 0))
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
