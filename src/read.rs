//! Reading a trail: its records, in order, while it is being written.
//!
//! ```no_run
//! use stinger_audit::read::{Query, Trail};
//!
//! # fn main() -> Result<(), stinger_audit::Error> {
//! let trail = Trail::open("./logs/audit.log")?;
//! for record in trail.query(Query::new().user_id("u-7").decision("block").last_hour()) {
//!     match record {
//!         Ok(record) => println!("{} {}", record.timestamp, record.event_type),
//!         Err(unreadable) => eprintln!("{unreadable}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! A reader opens files read-only and changes nothing. What cannot be read is told, with
//! file, line and byte, and the rest is still returned.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::trail::{Pattern, TrailName};

mod conversation;
mod dry_run;
mod export;
mod query;
mod scan;

pub use conversation::{Completeness, Conversation, Missing, Outcome, Turn};
pub use dry_run::{Changes, RecordChange};
pub use export::Exported;
pub use query::Query;
pub use scan::Records;

/// A trail, opened for reading by the name that it is written under.
#[derive(Clone, Debug)]
pub struct Trail {
    names: Vec<TrailName>,
}

impl Trail {
    /// Opens the trail `./logs/audit.log` with all its files, or a single file of one; or
    /// the trails of several processes by their pattern, such as `./logs/audit.{pid}.log`.
    ///
    /// # Errors
    ///
    /// The name is none, the directory cannot be read, or there is no file of that trail.
    pub fn open(path: impl AsRef<Path>) -> Result<Trail> {
        let path = path.as_ref();
        let pattern = Pattern::parse(path)?;
        // The name also says what is wrong with a path that is none.
        let name = TrailName::new(path)?;
        let directory = name.directory();
        let names = match &pattern {
            Some(pattern) => pattern.names(),
            None => name.files().map(|files| match files.is_empty() {
                true => Vec::new(),
                false => vec![name.clone()],
            }),
        };
        let why = match names {
            Ok(names) if !names.is_empty() => return Ok(Trail { names }),
            Ok(_) => format!(
                "no file in {} has that name, or that name with a date in it",
                directory.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                format!("the directory {} does not exist", directory.display())
            }
            Err(error) => return Err(Error::io("read the directory", directory, error)),
        };
        Err(Error::from(ErrorKind::NoTrail {
            trail: path.to_owned(),
            why: format!("{why}; give the destination that the service writes to"),
        }))
    }

    /// The trail's name; several where it was opened by a pattern.
    pub fn names(&self) -> &[TrailName] {
        &self.names
    }

    /// All records, in the order in which they were written, which in a sound trail is that of
    /// `seq`, and what could not be read, where it stands.
    /// Several trails are merged by time.
    pub fn records(&self) -> Records {
        self.query(Query::new())
    }

    /// The records that a query selects, and whatever could not be read: it might have
    /// been one of them.
    pub fn query(&self, query: Query) -> Records {
        Records::new(&self.names, query)
    }
}
