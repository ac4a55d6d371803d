//! Memory for the fields of entries, which a thread uses for one entry after the other.

use std::cell::Cell;

use super::Field;

/// So many fields find room at once, and room for more than so many is not kept.
const USUAL: usize = 12;
const MOST: usize = 256;

thread_local! {
    /// Empty, also while an entry has it: another one that is made meanwhile gets its own.
    static ROOM: Cell<Vec<Field<'static>>> = const { Cell::new(Vec::new()) };
}

/// Takes it.
#[inline]
pub(super) fn take<'a>() -> Vec<Field<'a>> {
    let mut room: Vec<Field<'a>> = ROOM.try_with(Cell::take).unwrap_or_default();
    room.reserve(USUAL);
    room
}

/// Gives it back, without the fields.
#[inline]
pub(super) fn give_back(mut fields: Vec<Field<'_>>) {
    fields.clear();
    // To collect nothing in place leaves the memory, and none of the lifetimes.
    let fields = fields.into_iter();
    let room: Vec<Field<'static>> = fields
        .map(|_| unreachable!("invariant: it is empty"))
        .collect();
    if room.capacity() <= MOST {
        let _ = ROOM.try_with(|kept| kept.set(room));
    }
}
