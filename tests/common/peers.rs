/// Whether tests with the programs of others run, which `tests/peers.sh` installs. Then a missing one fails its test.
pub fn has_peers() -> bool {
    let has_peers = std::env::var_os("STINGER_TEST_PEERS").is_some_and(|peers| peers == "1");
    if !has_peers {
        println!("SKIPPED: set STINGER_TEST_PEERS=1 after tests/peers.sh");
    }
    has_peers
}
