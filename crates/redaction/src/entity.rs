use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// An enum of kinds of value, with the names that they have in placeholders.
macro_rules! kinds {
    ($(#[$meta:meta])* $Kind:ident { $($(#[$doc:meta])* $variant:ident $name:literal;)* }) => {
        $(#[$meta])*
        #[non_exhaustive]
        pub enum $Kind { $($(#[$doc])* $variant),* }

        impl $Kind {
            /// Every kind, in order.
            pub const ALL: &[$Kind] = &[$($Kind::$variant),*];

            /// The name, as it stands in a placeholder.
            pub fn as_str(self) -> &'static str {
                match self { $($Kind::$variant => $name),* }
            }

            /// The kind of this name, in any case.
            pub fn of(name: &str) -> Option<$Kind> {
                let same = |kind: &&$Kind| kind.as_str().eq_ignore_ascii_case(name);
                $Kind::ALL.iter().find(same).copied()
            }
        }

        impl<'de> Deserialize<'de> for $Kind {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$Kind, D::Error> {
                let name = String::deserialize(from)?;
                $Kind::of(&name).ok_or_else(|| {
                    let names: Vec<&str> = $Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                    D::Error::custom(format!("{name:?} is none of {}", names.join(", ")))
                })
            }
        }

        impl AsRef<str> for $Kind {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $Kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
#[cfg(feature = "regex")]
pub(super) use kinds;

kinds! {
    /// What a detected value is.
    ///
    /// The order is that of precedence: where two values overlap, both are replaced as one
    /// of the kind that comes first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    Entity {
        /// A PEM block of a private key, to its end or, where that is missing, to the end of the text.
        PrivateKey "PRIVATE_KEY";
        /// The password of a URL such as `postgres://user:password@host`.
        UrlCred "URL_CRED";
        /// A JSON web token.
        Jwt "JWT";
        /// A key or password: of a published format, or named as one in front of it.
        Secret "SECRET";
        /// An email address.
        Email "EMAIL";
        /// An international bank account number whose checksum holds.
        Iban "IBAN";
        /// An address of Bitcoin whose checksum holds, or of Ethereum: `0x` and 40 hex digits.
        Crypto "CRYPTO";
        /// A payment card number whose brand, length and checksum hold.
        CreditCard "CREDIT_CARD";
        /// A US social security number.
        UsSsn "US_SSN";
        /// A hardware address.
        Mac "MAC";
        /// An IPv4 or IPv6 address.
        Ip "IP";
        /// A phone number.
        Phone "PHONE";
    }
}
