//! Classes of bytes as bits: bit `i` of a mask stands for byte `i` of a block. What crosses the
//! border of two blocks is decided in the second.

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
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK]) -> Masks {
        // Digits and signs follow each other in ASCII. Most blocks have neither.
        let figure = bits(block, |byte| byte.wrapping_sub(b'0') < 17);
        let digit = match figure {
            0 => 0,
            _ => bits(block, |byte| byte.wrapping_sub(b'0') < 10),
        };
        Masks {
            digit,
            word: bits(block, |byte| byte > b',' && byte < 0x80),
            sign: figure & !digit,
            stroke: bits(block, |byte| byte.wrapping_sub(b'-') < 2),
        }
    }
}

/// Which bytes of a block are of a class. Both steps are plain loops that the compiler vectorizes.
#[inline]
fn bits(block: &[u8; BLOCK], class: impl Fn(u8) -> bool) -> u64 {
    let mut lanes = [0; BLOCK];
    for (lane, byte) in lanes.iter_mut().zip(block) {
        *lane = u8::from(class(*byte));
    }
    let eights = lanes.as_chunks::<8>().0.iter().enumerate();
    eights.fold(0, |mask, (place, eight)| {
        // The product has the lowest bit of byte `i` as bit `56 + i`, and no two terms meet in a bit.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask | gathered << (8 * place)
    })
}

/// Whether a block has bytes that a disguise may be made of: `\`, `%`, and what is not ASCII.
#[inline]
pub(super) fn may_be_disguised(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(false, |any, byte| {
        any | (*byte == b'\\') | (*byte == b'%') | !byte.is_ascii()
    })
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
