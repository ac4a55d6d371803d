//! SHA-256 by the block, of one message or of two in step.
//!
//! The blocks of one message are the library's. Those of two are its too, one after the other, but where the
//! processor has instructions for SHA-256: each of them waits for the one before, and what it waits for is time for
//! another message. No library has that for messages of different lengths.

pub(crate) use sha2::block_api::compress256 as compress;

#[cfg(target_arch = "x86_64")]
mod interleaved;

pub(crate) const BLOCK: usize = 64;
pub(crate) type Block = [u8; BLOCK];

/// What is known of a message behind a block.
pub(crate) type State = [u32; 8];

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
pub(crate) const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Takes in blocks of two messages, as many of each.
#[inline]
pub(crate) fn compress_two(mut states: [&mut State; 2], blocks: [&[Block]; 2]) {
    #[cfg(target_arch = "x86_64")]
    if interleaved::compress_two(&mut states, blocks) {
        return;
    }
    in_turn(&mut states, blocks);
}

/// Block by block, so that the processor may begin with one message's while it waits for the other's.
fn in_turn(states: &mut [&mut State; 2], blocks: [&[Block]; 2]) {
    let [one, two] = states;
    for (of_one, of_two) in blocks[0].iter().zip(blocks[1]) {
        compress(one, std::slice::from_ref(of_one));
        compress(two, std::slice::from_ref(of_two));
    }
}

/// The bytes of a hash.
#[inline]
pub(crate) fn bytes_of(state: State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_step_are_each_what_it_is_alone() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 32) as u32
        };
        for count in (0..200).map(|round| round % 7) {
            let mut states: [State; 2] = std::array::from_fn(|_| std::array::from_fn(|_| next()));
            let blocks: [Vec<Block>; 2] = std::array::from_fn(|_| {
                (0..count)
                    .map(|_| std::array::from_fn(|_| next() as u8))
                    .collect()
            });
            let mut alone = states;
            compress(&mut alone[0], &blocks[0]);
            compress(&mut alone[1], &blocks[1]);
            let mut turned = states;
            let [one, two] = &mut turned;
            in_turn(&mut [one, two], [&blocks[0], &blocks[1]]);
            assert_eq!(turned, alone);
            let [one, two] = &mut states;
            compress_two([one, two], [&blocks[0], &blocks[1]]);
            assert_eq!(states, alone);
        }
    }
}
