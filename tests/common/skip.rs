/// Says why a test is skipped. Nothing may be missing under `STINGER_TEST_ALL=1`.
pub fn skip(why: &str) {
    let all = std::env::var_os("STINGER_TEST_ALL");
    assert!(
        all.is_none_or(|all| all != "1"),
        "STINGER_TEST_ALL=1: {why}"
    );
    println!("SKIPPED: {why}");
}
