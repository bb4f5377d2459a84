//! The name of a domain.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::InvalidValue;
use super::text::{string_type, text_type};

/// A fully qualified domain name, such as `example.com`.
///
/// Follows RFC 1035 and, for names beyond ASCII, UTS 46 (IDNA): letters, digits and hyphens, at least two labels
/// of at most 63 bytes, 253 bytes in all. It is kept in lower case and in Punycode, without the dot of the root.
/// IP addresses, ports and URLs are refused. Whether the domain exists is not asked.
///
/// ```
/// use stepwell::types::Domain;
///
/// let domain: Domain = "Bücher.Example.".parse()?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// assert_eq!(domain.to_unicode(), "bücher.example");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

string_type!(Domain);
text_type!(Domain, { "format": "hostname", "x-stepwell-widget": "domain" });

impl Domain {
    /// The name as people read it, with its letters beyond ASCII.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// The labels from left to right: `www`, `example` and `com`.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = |sentence| Err(InvalidValue::new(sentence));
        if text.is_empty() {
            return invalid("The domain is empty; write one such as `example.com`");
        }
        if text.contains(['/', ':', '@', '?', '#']) {
            return invalid(
                "The domain has more than a name; leave only the part such as `example.com`, without `https://`, \
                 a port or a path",
            );
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        // Beyond the first and last character of a label hyphens are free: real names have them in third place.
        let ascii = Uts46::new().to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        );
        let Ok(ascii) = ascii else {
            return invalid(
                "The domain is not well-formed; use letters, digits and hyphens between the dots, at most 63 to \
                 a part and 253 in all",
            );
        };
        let Some((_, last)) = ascii.rsplit_once('.') else {
            return invalid("The domain has only one part; write it with its ending, such as `example.com`");
        };
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return invalid("The domain is an IP address; write a name such as `example.com`");
        }
        Ok(Self(ascii.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        let long = format!("{}.example", "a".repeat(63));
        for (text, normal) in [
            ("example.com", "example.com"),
            ("  Example.COM.\n", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("r3---sn-apo3qvuoxuxbt-j5pe.googlevideo.com", "r3---sn-apo3qvuoxuxbt-j5pe.googlevideo.com"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            (long.as_str(), long.as_str()),
        ] {
            assert_eq!(text.parse::<Domain>().unwrap().as_str(), normal);
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let malformed = "The domain is not well-formed; use letters, digits and hyphens between the dots, at most \
                         63 to a part and 253 in all";
        let more = "The domain has more than a name; leave only the part such as `example.com`, without \
                    `https://`, a port or a path";
        let long_label = format!("{}.example", "a".repeat(64));
        let long = format!("{}example", "label.".repeat(42));
        for (text, sentence) in [
            ("", "The domain is empty; write one such as `example.com`"),
            ("https://example.com", more),
            ("example.com:443", more),
            ("localhost", "The domain has only one part; write it with its ending, such as `example.com`"),
            ("192.0.2.1", "The domain is an IP address; write a name such as `example.com`"),
            ("my_host.example", malformed),
            ("-a.example", malformed),
            ("a..example", malformed),
            ("a example.com", malformed),
            (long_label.as_str(), malformed),
            (long.as_str(), malformed),
        ] {
            assert_eq!(text.parse::<Domain>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}
