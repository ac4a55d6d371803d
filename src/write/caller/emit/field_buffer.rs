//! Memory for the fields of entries, which a thread uses for one entry after the other.

use std::cell::Cell;

use super::Field;

/// A buffer has space for so many fields at once. One that grew past `MOST` is not kept.
const USUAL: usize = 12;
const MOST: usize = 256;

thread_local! {
    /// Empty, also while an entry has it: another one that is made meanwhile gets its own.
    static SPARE: Cell<Vec<Field<'static>>> = const { Cell::new(Vec::new()) };
}

/// Takes the buffer of the thread.
#[inline]
pub(super) fn take<'a>() -> Vec<Field<'a>> {
    let mut buffer: Vec<Field<'a>> = SPARE.try_with(Cell::take).unwrap_or_default();
    buffer.reserve(USUAL);
    buffer
}

/// Gives the buffer back, without the fields.
#[inline]
pub(super) fn give_back(mut fields: Vec<Field<'_>>) {
    fields.clear();
    // To collect nothing in place leaves the memory, and none of the lifetimes.
    let fields = fields.into_iter();
    let buffer: Vec<Field<'static>> = fields
        .map(|_| unreachable!("invariant: it is empty"))
        .collect();
    if buffer.capacity() <= MOST {
        let _ = SPARE.try_with(|kept| kept.set(buffer));
    }
}
