//! An email address.

use super::text::{string_type, text_type};
use super::{Domain, InvalidValue};

/// The email address of one mailbox, such as `ada@example.com`.
///
/// Follows RFC 5321: at most 254 bytes, of which 64 before the `@`. The domain is kept as a [`Domain`], in lower
/// case and in Punycode; the local part is kept as it is, since only its server knows what its case means.
///
/// Refused are display names (`Ada <ada@example.com>`), IP addresses in place of the domain, and local parts that
/// are quoted or go beyond ASCII (RFC 6531), since few services deliver to them. Whether the mailbox exists is not
/// asked.
///
/// ```
/// use stepwell::types::EmailAddress;
///
/// let address: EmailAddress = " Ada.Lovelace@Example.COM ".parse()?;
/// assert_eq!(address.as_str(), "Ada.Lovelace@example.com");
/// assert_eq!((address.local(), address.domain()), ("Ada.Lovelace", "example.com"));
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// RFC 5321, 4.5.3.1.3: a path has at most 256 bytes, and two of them are its angle brackets.
const LONGEST: usize = 254;

/// RFC 5321, 4.5.3.1.1.
const LONGEST_LOCAL_PART: usize = 64;

string_type!(EmailAddress);
text_type!(EmailAddress, { "format": "email", "x-stepwell-widget": "email" });

impl EmailAddress {
    /// What comes before the `@`.
    pub fn local(&self) -> &str {
        self.parts().0
    }

    /// What comes after the `@`, in lower case and in Punycode.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once('@').expect("parsing required an `@`")
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = |sentence| Err(InvalidValue::new(sentence));
        if text.is_empty() {
            return invalid("The email address is empty; write one like `name@example.com`");
        }
        if text.contains(['<', '>', ',', ';']) {
            return invalid(
                "The email address has a name or a second address beside it; leave only `name@example.com`",
            );
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return invalid("The email address has no `@`; write it like `name@example.com`");
        };
        if local.len() > LONGEST_LOCAL_PART {
            return invalid(
                "The email address is longer than 64 characters before the `@`; check it for a mistake",
            );
        }
        let is_plain = local.is_ascii() && !local.starts_with('"');
        if !is_plain || !email_address::EmailAddress::is_valid_local_part(local) {
            return invalid(
                "The email address has characters before the `@` that it cannot have; use letters, digits, single \
                 dots and the likes of `-`, `_` and `+`",
            );
        }
        let Ok(domain) = domain.parse::<Domain>() else {
            return invalid(
                "The email address has no valid domain after the `@`; write it like `name@example.com`",
            );
        };
        if local.len() + 1 + domain.as_str().len() > LONGEST {
            return invalid("The email address is longer than 254 characters; check it for a mistake");
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            ("ada@example.com", "ada@example.com"),
            (" Ada+news@EXAMPLE.com\n", "Ada+news@example.com"),
            ("o'brien@bücher.example", "o'brien@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), normal);
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let beside =
            "The email address has a name or a second address beside it; leave only `name@example.com`";
        let characters = "The email address has characters before the `@` that it cannot have; use letters, digits, \
                          single dots and the likes of `-`, `_` and `+`";
        let domain = "The email address has no valid domain after the `@`; write it like `name@example.com`";
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("{}@{}example.com", "a".repeat(64), "label.".repeat(30));
        for (text, sentence) in [
            (" ", "The email address is empty; write one like `name@example.com`"),
            ("ada.example.com", "The email address has no `@`; write it like `name@example.com`"),
            ("Ada <ada@example.com>", beside),
            ("ada@example.com, grace@example.com", beside),
            ("@example.com", characters),
            ("ada..l@example.com", characters),
            ("ada @example.com", characters),
            ("ada@grace@example.com", characters),
            (r#""ada"@example.com"#, characters),
            ("ädä@example.com", characters),
            ("ada@", domain),
            ("ada@localhost", domain),
            ("ada@[192.0.2.1]", domain),
            (
                &long_local,
                "The email address is longer than 64 characters before the `@`; check it for a mistake",
            ),
            (&long, "The email address is longer than 254 characters; check it for a mistake"),
        ] {
            assert_eq!(text.parse::<EmailAddress>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}
