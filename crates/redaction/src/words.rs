//! Lists of words that are looked for together, in upper or lower case.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

pub(super) type Words = LazyLock<AhoCorasick>;

pub(super) fn words<W: AsRef<[u8]>>(list: impl IntoIterator<Item = W>) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(list)
        .expect("invariant: a list of words that fits in memory makes an automaton")
}
