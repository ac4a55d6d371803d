use super::object::words;

words! {
    /// Where a turn stands: the word of the key `conversation_state`, if the application gives none of its own.
    #[derive(Default)]
    TurnState {
        /// No prompt of it was seen.
        #[default]
        Open "open",
        /// A prompt is waiting for its answer.
        Prompted "prompted",
        /// The model answered.
        Answered "answered",
        /// A guardrail or the application stopped the turn.
        Blocked "blocked",
        /// An error ended the turn.
        Failed "failed",
        /// The client went away in the middle of the answer.
        Cut "cut",
        /// The turn was dropped without an end.
        Abandoned "abandoned",
        /// The answer was recorded and not released.
        Withheld "withheld",
    }
}

words! {
    /// How a turn ended. The key `outcome` has `released`, `modified`, `stopped`, `cut` or `failed`.
    Outcome {
        /// The response was let go.
        Released "released",
        /// Another response was let go in its place.
        Modified "modified",
        /// Nothing was answered, by decision.
        Blocked "blocked",
        /// Nothing was answered, by an error.
        Failed "failed",
        /// A guardrail stopped the answer while it was being sent.
        Stopped "stopped",
        /// The client went away while the answer was being sent.
        Cut "cut",
        /// The turn was dropped without an end.
        Abandoned "abandoned",
        /// Under fail-safe: a response was recorded, but not let go, because the trail could not be
        /// confirmed at that moment, or because nobody waited for it any more.
        Withheld "withheld",
    }
}

impl Outcome {
    /// How a turn ended that a record of this type ends without an answer.
    #[doc(hidden)]
    pub fn of_event(event_type: impl AsRef<[u8]>) -> Option<Outcome> {
        match event_type.as_ref() {
            b"turn_blocked" => Some(Outcome::Blocked),
            b"turn_failed" => Some(Outcome::Failed),
            b"turn_abandoned" => Some(Outcome::Abandoned),
            b"turn_withheld" => Some(Outcome::Withheld),
            _ => None,
        }
    }

    /// Where the turn stands then.
    pub fn state(self) -> TurnState {
        match self {
            Outcome::Released | Outcome::Modified => TurnState::Answered,
            Outcome::Blocked | Outcome::Stopped => TurnState::Blocked,
            Outcome::Failed => TurnState::Failed,
            Outcome::Cut => TurnState::Cut,
            Outcome::Abandoned => TurnState::Abandoned,
            Outcome::Withheld => TurnState::Withheld,
        }
    }
}
