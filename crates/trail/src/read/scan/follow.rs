//! Following a trail: where its files end now, and when a file may have come.

use std::time::{Duration, Instant};

use crate::format::TrailName;

/// What a scan that follows its trail knows of the directory.
pub(super) struct Follow {
    /// Files that begin with a lower `seq` hold nothing new, whatever they are called now.
    pub(super) from_seq: u64,
    /// The file that the trail's name led to when the directory was listed.
    leads_to: Option<(u64, u64)>,
    listed_at: Instant,
}

/// A follower lists the directory after so long although the trail's name leads to the same file: somebody may have put
/// something else in the link's place.
const LIST_AGAIN: Duration = Duration::from_secs(5);
/// The same if the trail's name leads nowhere.
const LIST_AGAIN_WITHOUT_LINK: Duration = Duration::from_secs(1);

impl Follow {
    /// It is to be made before the names are listed: a file that is begun meanwhile is found at the next look.
    pub(super) fn new(name: &TrailName) -> Follow {
        Follow {
            from_seq: 0,
            leads_to: leads_to(name),
            listed_at: Instant::now(),
        }
    }

    /// Whether the writer may have begun a file since the directory was listed last. It is to be listed now if so.
    pub(super) fn may_have_new_file(&mut self, name: &TrailName) -> bool {
        let leads_to = leads_to(name);
        let patience = match leads_to {
            Some(_) => LIST_AGAIN,
            None => LIST_AGAIN_WITHOUT_LINK,
        };
        let is_due = leads_to != self.leads_to || self.listed_at.elapsed() >= patience;
        if is_due {
            self.leads_to = leads_to;
            self.listed_at = Instant::now();
        }
        is_due
    }
}

/// The file that a trail's name leads to, by its device and inode. The writer points the link at each file that it
/// begins.
#[cfg(unix)]
fn leads_to(name: &TrailName) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = name.path().metadata().ok()?;
    Some((found.dev(), found.ino()))
}

/// Links need a privilege here, and the trail does without.
#[cfg(not(unix))]
fn leads_to(_name: &TrailName) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Query;
    use crate::read::scan::trail::Scan;

    #[test]
    fn a_follower_lists_the_directory_when_the_link_leads_to_another_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
        let write = |file: &str, seq: u64| {
            let line = format!(
                "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\"}}\n"
            );
            std::fs::write(dir.path().join(file), line).expect("written");
            crate::format::files::point_link(&name.path(), file).expect("a link");
        };
        write("audit.2026-11-24-08.log", 0);
        write("audit.2026-11-24-10.log", 1);
        let mut scan = Scan::from_end(&name, Query::new()).expect("readable");
        assert!(scan.next().is_none());
        assert!(
            !scan.may_have_new_file(),
            "nothing has happened: the directory is not listed"
        );
        // An older file that gets another name meanwhile holds nothing new.
        std::fs::rename(
            dir.path().join("audit.2026-11-24-08.log"),
            dir.path().join("audit.2026-11-24-09.log"),
        )
        .expect("renamed");
        write("audit.2026-11-24-11.log", 2);
        let next = scan.next().expect("a record").expect("readable");
        assert_eq!(next.seq, 2);
        assert!(scan.next().is_none() && !scan.may_have_new_file());
        // The same name, another file.
        std::fs::rename(
            dir.path().join("audit.2026-11-24-11.log"),
            dir.path().join("audit.2026-11-24-11-59-59.log"),
        )
        .expect("renamed");
        write("audit.2026-11-24-11.log", 3);
        let next = scan.next().expect("a record").expect("readable");
        assert_eq!(next.seq, 3);
        assert!(scan.next().is_none());
    }

    #[test]
    fn a_follower_without_a_link_lists_the_directory_once_a_second() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
        let mut follow = Follow {
            from_seq: 0,
            leads_to: None,
            listed_at: Instant::now(),
        };
        assert!(!follow.may_have_new_file(&name));
        follow.listed_at -= LIST_AGAIN_WITHOUT_LINK;
        assert!(follow.may_have_new_file(&name));
        assert!(!follow.may_have_new_file(&name));
    }
}
