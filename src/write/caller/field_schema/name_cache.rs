//! What a thread knows of names: of the keys of a record, of the fields of callsites, and of names that came before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use tracing::Metadata;
use tracing::callsite::Identifier;

use super::FieldPlan;
use crate::format::internal::Key;
use crate::redact::internal::RedactionPipeline;

/// What names mean under some redactors. It is taken from the thread while a record is made: one that is made inside
/// another finds none, and makes its own.
pub(crate) struct NameCache {
    /// The redactors' number: their rules are part of what a name means.
    redactors: u64,
    keys: [FieldPlan; Key::ALL.len()],
    callsites: HashMap<Identifier, Rc<[FieldPlan]>>,
    names: HashMap<Box<str>, FieldPlan>,
}

/// So many callsites and names are kept; a longer name is not.
const MOST: usize = 512;
const LONGEST_KEPT: usize = 64;

/// A thread has one for each of so many trails, or records inside others.
const CACHES_KEPT: usize = 32;

thread_local! {
    /// Those that were used last stand behind.
    #[expect(clippy::vec_box, reason = "they go into a record and back by their pointer")]
    static CACHES: RefCell<Vec<Box<NameCache>>> = const { RefCell::new(Vec::new()) };
}

impl NameCache {
    /// Takes what the thread knows.
    #[inline]
    pub(crate) fn take(redactors: &RedactionPipeline) -> Box<NameCache> {
        let number = redactors.number();
        // Nothing of the application's runs while they are borrowed.
        let found = CACHES.try_with(|caches| {
            let mut caches = caches.borrow_mut();
            let place = caches.iter().rposition(|cache| cache.redactors == number)?;
            Some(caches.remove(place))
        });
        found.ok().flatten().unwrap_or_else(|| {
            Box::new(NameCache {
                redactors: number,
                keys: std::array::from_fn(|key| FieldPlan::new(Key::ALL[key].name(), redactors)),
                callsites: HashMap::new(),
                names: HashMap::new(),
            })
        })
    }

    /// Gives it back.
    #[inline]
    pub(crate) fn give_back(self: Box<NameCache>) {
        let _ = CACHES.try_with(|caches| {
            let mut caches = caches.borrow_mut();
            if caches.len() == CACHES_KEPT {
                caches.remove(0);
            }
            caches.push(self);
        });
    }

    /// What the name of a key means.
    #[inline]
    pub(crate) fn key(&self, key: Key) -> FieldPlan {
        self.keys[key as usize]
    }

    /// What the fields of an event mean, in their order.
    #[inline]
    pub(crate) fn callsite(
        &mut self,
        metadata: &'static Metadata<'static>,
        redactors: &RedactionPipeline,
    ) -> Rc<[FieldPlan]> {
        let callsite = metadata.callsite();
        if let Some(known) = self.callsites.get(&callsite) {
            return known.clone();
        }
        let names = metadata.fields().iter().map(|field| field.name());
        let plans: Rc<[FieldPlan]> = names.map(|name| FieldPlan::new(name, redactors)).collect();
        keep(&mut self.callsites, callsite, plans.clone());
        plans
    }

    /// What a name means that stands in the program, or was redacted. The redactors are those they were taken for.
    #[inline]
    pub(crate) fn name(&mut self, name: &str, redactors: &RedactionPipeline) -> FieldPlan {
        debug_assert_eq!(self.redactors, redactors.number());
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let plan = FieldPlan::new(name, redactors);
        if name.len() <= LONGEST_KEPT {
            keep(&mut self.names, name.into(), plan);
        }
        plan
    }
}

/// Adds to what is known. Whoever knows too much begins anew.
#[cold]
fn keep<K: Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) {
    if known.len() == MOST {
        known.clear();
    }
    known.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Redactor, Rules};

    #[test]
    fn names_are_known_again_and_the_memory_for_them_is_bounded() {
        let redactors = RedactionPipeline::default();
        let mut cache = NameCache::take(&redactors);
        for count in 0..2_000 {
            let name = format!("a_field_of_number_{count}");
            cache.name(&name, &redactors);
            assert!(cache.names.contains_key(&*name));
            assert!(cache.names.len() <= MOST);
        }
        let long = "x".repeat(LONGEST_KEPT + 1);
        cache.name(&long, &redactors);
        assert!(!cache.names.contains_key(&*long));
    }

    #[test]
    fn of_many_trails_those_are_kept_that_were_used_last() {
        let redactor = || Some(Redactor::new(Rules::new(), None));
        let trails: Vec<RedactionPipeline> = (0..CACHES_KEPT + 8)
            .map(|_| RedactionPipeline::new(Vec::new(), redactor()))
            .collect();
        for trail in trails.iter().chain(&trails) {
            let mut cache = NameCache::take(trail);
            cache.name("tenant", trail);
            cache.give_back();
        }
        let is_known = |trail| !NameCache::take(trail).names.is_empty();
        let known: Vec<bool> = trails.iter().map(is_known).collect();
        assert!(known[..8].iter().all(|known| !known));
        assert!(known[8..].iter().all(|known| *known));
    }
}
