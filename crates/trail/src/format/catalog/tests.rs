use super::*;

/// A trail in a directory of its own.
struct Trail {
    dir: tempfile::TempDir,
    name: TrailName,
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

impl Trail {
    fn new() -> Trail {
        let dir = tempfile::tempdir().expect("a directory");
        let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
        Trail { dir, name }
    }

    fn write(&self, file: &str, seq: u64, times: &[DateTime<Utc>]) {
        let lines = times.iter().zip(seq..).map(|(time, seq)| {
            let time = time.to_rfc3339();
            format!("{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"e\"}}\n")
        });
        let lines: String = lines.collect();
        std::fs::write(self.dir.path().join(file), lines).expect("written");
    }

    /// So many hourly files of one record each, from 2026-01-01 on; the first has `seq` 0. Returns their names.
    fn hourly(&self, count: usize) -> Vec<String> {
        let begin = time("2026-01-01T00:00:00Z");
        let hours = (0..count).map(|hour| {
            let now = begin + TimeDelta::hours(hour as i64);
            let file = now.format("audit.%Y-%m-%d-%H.log").to_string();
            self.write(&file, hour as u64, &[now]);
            file
        });
        hours.collect()
    }

    fn link(&self, file: &str) {
        std::os::unix::fs::symlink(file, self.name.path()).expect("a link");
    }

    fn verified(&self) -> Catalog {
        let mut catalog = Catalog::list(&self.name).expect("readable");
        catalog.verify_order();
        catalog
    }

    /// What a selection leaves of the trail's files, by name.
    fn selected(&self, since: Option<&str>, until: Option<&str>) -> Vec<String> {
        let select = |mut catalog: Catalog| {
            catalog.select(since.map(time), until.map(time));
            let mut left: Vec<_> = catalog.entries().map(|entry| entry.file.clone()).collect();
            left.sort();
            left
        };
        let by_name = select(Catalog::list(&self.name).expect("readable"));
        let mut by_heads = Catalog::list(&self.name).expect("readable");
        by_heads.order_by_heads();
        assert_eq!(by_name, select(by_heads), "{since:?} {until:?}");
        by_name
    }
}

fn heads_read(catalog: &Catalog) -> usize {
    let entries = catalog.entries();
    entries.filter(|entry| entry.head.is_some()).count()
}

fn newest_first(mut catalog: Catalog) -> Vec<String> {
    let all = (0..).map_while(|index| catalog.newest(index).map(file_of));
    all.collect()
}

fn oldest_first(mut catalog: Catalog) -> Vec<String> {
    let all = std::iter::from_fn(|| catalog.pop_oldest().map(|path| file_of(&path)));
    all.collect()
}

fn file_of(path: &Path) -> String {
    let file = path.file_name().and_then(|file| file.to_str());
    file.expect("a name").to_owned()
}

#[test]
fn names_that_are_in_order_are_believed_by_a_few_heads() {
    let trail = Trail::new();
    let mut files = trail.hourly(600);
    trail.link(&files[599]);
    let mut catalog = trail.verified();
    assert!(heads_read(&catalog) < 32, "{}", heads_read(&catalog));
    assert_eq!(catalog.disorder(), None);
    assert_eq!(
        catalog.live().as_deref().map(file_of).as_ref(),
        files.last()
    );
    assert_eq!(oldest_first(catalog.clone()), files);
    files.reverse();
    assert_eq!(newest_first(catalog), files);
}

#[test]
fn a_file_that_is_dated_in_the_future_has_all_heads_read_and_is_told() {
    let trail = Trail::new();
    let mut files = trail.hourly(100);
    let misdated = "audit.2030-06-01-12.log";
    std::fs::rename(
        trail.dir.path().join(&files[50]),
        trail.dir.path().join(misdated),
    )
    .expect("renamed");
    files[50] = misdated.to_owned();
    trail.link(&files[99]);
    let mut catalog = trail.verified();
    assert_eq!(
        catalog.live().as_deref().map(file_of).as_ref(),
        files.last()
    );
    let told = catalog.disorder().expect("disorder").to_string();
    assert!(
        told.starts_with(
            "audit.2030-06-01-12.log begins with record 50, but audit.2026-01-05-03.log, which is dated before it, \
             with record 99"
        ),
        "{told}"
    );
    assert_eq!(oldest_first(catalog), files);
}

#[test]
fn a_file_that_is_dated_before_all_others_is_told_though_the_newest_is_known() {
    let trail = Trail::new();
    let mut files = trail.hourly(100);
    let misdated = "audit.1970-01-01-00.log";
    std::fs::rename(
        trail.dir.path().join(&files[50]),
        trail.dir.path().join(misdated),
    )
    .expect("renamed");
    files[50] = misdated.to_owned();
    trail.link(&files[99]);
    let catalog = trail.verified();
    let told = catalog.disorder().expect("disorder").to_string();
    assert!(told.contains(misdated), "{told}");
    assert_eq!(oldest_first(catalog), files);
}

#[test]
fn the_newest_file_is_found_by_the_link_wherever_it_is_dated() {
    // Among files whose heads nobody reads otherwise.
    let trail = Trail::new();
    let files = trail.hourly(600);
    for newest in ["audit.2026-01-13-13-30.log", "audit.2026-01-13-13.log"] {
        trail.write(newest, 600, &[time("2026-01-13T13:30:00Z")]);
        trail.link(newest);
        let mut catalog = trail.verified();
        assert_eq!(catalog.live().as_deref().map(file_of), Some(newest.into()));
        assert_eq!(
            newest_first(catalog)[..2],
            [newest.to_owned(), files[599].clone()]
        );
        std::fs::remove_file(trail.dir.path().join(newest)).expect("removed");
        std::fs::remove_file(trail.name.path()).expect("removed");
    }
    // Without a link too.
    trail.write(
        "audit.2026-01-13-13.log",
        600,
        &[time("2026-01-13T13:30:00Z")],
    );
    let catalog = trail.verified();
    assert_eq!(newest_first(catalog)[0], "audit.2026-01-13-13.log");
}

#[test]
fn an_empty_file_is_live_only_if_the_link_leads_to_it() {
    let trail = Trail::new();
    let files = trail.hourly(40);
    trail.write("audit.2026-01-02-20.log", 0, &[]);
    trail.link(&files[39]);
    assert_eq!(
        trail.verified().live().as_deref().map(file_of).as_ref(),
        files.last()
    );
    std::fs::remove_file(trail.name.path()).expect("removed");
    trail.link("audit.2026-01-02-20.log");
    let mut catalog = trail.verified();
    assert_eq!(
        catalog.live().as_deref().map(file_of).as_deref(),
        Some("audit.2026-01-02-20.log")
    );
    assert!(heads_read(&catalog) < 35);
}

#[test]
fn files_of_several_rotations_are_merged_by_their_records() {
    let trail = Trail::new();
    let day = |day: u32| format!("audit.2026-01-{day:02}.log");
    let (mut seq, mut expected) = (0, Vec::new());
    let mut begin = |file: String| {
        trail.write(&file, seq, &[time("2026-01-01T00:00:00Z")]);
        seq += 1;
        expected.push(file);
    };
    (1..12).for_each(|date| begin(day(date)));
    // On the same day hours come after the day, and the next day again after hours.
    (7..20).for_each(|hour| begin(format!("audit.2026-01-11-{hour:02}.log")));
    begin("audit.2026-01-11-19-45-59.log".into());
    (12..30).for_each(|date| begin(day(date)));
    begin("audit.2026-01-29-03-04.log".into());
    // The rotation became none.
    begin("audit.log".into());
    let mut catalog = trail.verified();
    assert_eq!(
        catalog.live().as_deref().map(file_of).as_deref(),
        Some("audit.log")
    );
    assert!(heads_read(&catalog) < expected.len());
    assert_eq!(oldest_first(catalog.clone()), expected);
    expected.reverse();
    assert_eq!(newest_first(catalog), expected);
}

#[test]
fn disorder_that_shows_on_the_way_changes_what_is_left() {
    let trail = Trail::new();
    let files = trail.hourly(600);
    // Two files in the middle change places.
    trail.write(&files[301], 302, &[time("2026-01-13T13:00:00Z")]);
    trail.write(&files[302], 301, &[time("2026-01-13T14:00:00Z")]);
    trail.link(&files[599]);
    let catalog = trail.verified();
    assert_eq!(catalog.disorder(), None, "it lies between the heads");
    let mut expected = files.clone();
    expected.swap(301, 302);
    let mut oldest = catalog.clone();
    let found: Vec<_> = std::iter::from_fn(|| oldest.pop_oldest()).collect();
    assert!(oldest.disorder().is_some());
    assert_eq!(
        found.iter().map(|path| file_of(path)).collect::<Vec<_>>(),
        expected
    );
    expected.reverse();
    assert_eq!(newest_first(catalog), expected);
}

#[test]
fn times_select_files_by_name_and_by_head() {
    let trail = Trail::new();
    let files = trail.hourly(600);
    // Since: the file of that hour, or of the one before, in which its last record may have been written.
    assert_eq!(
        trail.selected(Some("2026-01-25T20:30:00Z"), None),
        files[596..]
    );
    assert_eq!(
        trail.selected(Some("2026-01-25T21:00:30Z"), None),
        files[596..]
    );
    assert_eq!(
        trail.selected(Some("2026-01-25T21:01:30Z"), None),
        files[597..]
    );
    // Until: a day more, for what was written late.
    assert_eq!(
        trail.selected(None, Some("2026-01-02T00:00:00Z")),
        files[..48]
    );
    assert_eq!(
        trail.selected(Some("2026-01-02T12:30:00Z"), Some("2026-01-02T13:00:00Z")),
        files[36..61]
    );
    // What waited in the journal of a process that was killed begins the file of the next one, days later. A file
    // without records is passed over.
    for file in &files[37..200] {
        std::fs::remove_file(trail.dir.path().join(file)).expect("removed");
    }
    let waited = time("2026-01-02T12:45:00Z");
    trail.write(&files[200], 200, &[waited, time("2026-01-09T08:01:00Z")]);
    trail.write(&files[400], 400, &[]);
    let selected = trail.selected(Some("2026-01-02T12:30:00Z"), Some("2026-01-02T13:00:00Z"));
    let selected: Vec<_> = selected
        .iter()
        .filter(|file| **file != files[400])
        .collect();
    assert_eq!(selected, [&files[36], &files[200]]);
}

#[test]
fn wrong_clocks_hide_no_record_from_a_span_of_time() {
    let trail = Trail::new();
    let files = trail.hourly(100);
    // The clock was ahead, and set back while the file was live.
    let ahead = "audit.2030-06-01-12.log";
    let times = ["2030-06-01T12:10:00Z", "2026-01-03T02:30:00Z"].map(time);
    trail.write(ahead, 50, &times);
    // A week's file, a file that was set aside, and the plain one.
    let week = "audit.2026-01-04.log";
    trail.write(
        week,
        200,
        &["2026-01-05T12:00:00Z", "2026-01-10T12:00:00Z"].map(time),
    );
    let aside = "audit.2026-01-02-03-04-05.log";
    trail.write(
        aside,
        300,
        &["2026-01-02T03:00:00Z", "2031-01-01T00:00:00Z"].map(time),
    );
    let selected = trail.selected(Some("2030-06-01T12:00:00Z"), None);
    assert_eq!(selected, [aside, ahead]);
    let selected = trail.selected(Some("2026-01-10T11:00:00Z"), None);
    assert_eq!(selected, [aside, week, ahead]);
    let selected = trail.selected(Some("2032-01-01T00:00:00Z"), None);
    assert!(selected.is_empty(), "{selected:?}");
    trail.write("audit.log", 400, &[time("2026-01-02T03:04:05Z")]);
    let selected = trail.selected(Some("2032-01-01T00:00:00Z"), None);
    assert_eq!(selected, ["audit.log"]);
    let selected = trail.selected(Some("2026-01-03T02:00:00Z"), Some("2026-01-03T03:00:00Z"));
    assert!(selected.contains(&files[50]), "{selected:?}");
}
