//! What the fields of a callsite mean, in their order.

use std::cell::RefCell;
use std::rc::Rc;

use tracing::Metadata;
use tracing::callsite::Identifier;

use super::Meaning;
use crate::redact::Chain;

/// What the fields of a callsite mean.
pub(in crate::write) struct Meanings {
    callsite: Identifier,
    /// The redactors' number: their rules are part of what a name means.
    redactors: u64,
    fields: Box<[Meaning]>,
}

/// A thread keeps those of so many callsites.
const KEPT: usize = 256;

thread_local! {
    /// Those that are asked for most stand in front.
    static KNOWN: RefCell<Vec<Rc<Meanings>>> = const { RefCell::new(Vec::new()) };
}

impl Meanings {
    /// Of the fields of an event.
    #[inline]
    pub(in crate::write) fn of(
        metadata: &'static Metadata<'static>,
        redactors: &Chain,
    ) -> Rc<Meanings> {
        let (callsite, number) = (metadata.callsite(), redactors.number());
        let found = KNOWN.try_with(|known| {
            // Nothing of the application's runs while they are borrowed.
            let mut known = known.borrow_mut();
            let mut all = known.iter();
            let place = all.position(|of| of.callsite == callsite && of.redactors == number)?;
            known.swap(place, place / 2);
            Some(known[place / 2].clone())
        });
        if let Ok(Some(found)) = found {
            return found;
        }
        let names = metadata.fields().iter().map(|field| field.name());
        let made = Rc::new(Meanings {
            callsite,
            redactors: number,
            fields: names.map(|name| Meaning::new(name, redactors)).collect(),
        });
        let _ = KNOWN.try_with(|known| {
            let mut known = known.borrow_mut();
            known.truncate(KEPT - 1);
            known.push(made.clone());
        });
        made
    }

    /// Of the field of a number.
    #[inline]
    pub(in crate::write) fn get(&self, number: usize) -> Meaning {
        self.fields[number]
    }
}
