//! Which ids a record has.

/// The ids of a record, and the kind that the tag of each names.
pub(crate) const IDS: [(&str, &str); 10] = [
    ("event_id", "EVENT"),
    ("request_id", "REQUEST"),
    ("client_request_id", "REQUEST"),
    ("tenant_id", "TENANT"),
    ("user_id", "USER"),
    ("session_id", "SESSION"),
    ("user_ip", "IP"),
    ("agent_id", "AGENT"),
    ("conversation_id", "CONVERSATION"),
    ("turn_id", "TURN"),
];

/// The names of kinds in the tags of ids, but for that of an address.
pub(crate) fn id_kinds() -> impl Iterator<Item = &'static str> {
    let is_own = |id: &&(&str, &str)| !matches!(id.0, "client_request_id" | "user_ip");
    IDS.iter().filter(is_own).map(|(_, kind)| *kind)
}
