//! How a signature is written in a header.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

impl Encoding {
    /// The bytes that the text stands for.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => decode_hex(text.as_bytes()),
            Self::Base64 => BASE64.decode(text).ok(),
        }
    }

    /// What a text that cannot be decoded is not.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hex => "hexadecimal",
            Self::Base64 => "base64",
        }
    }
}

/// The standard alphabet; providers differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that lower or upper case hexadecimal digits stand for.
fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_pairs_of_digits_in_either_case() {
        assert_eq!(Encoding::Hex.decode("00fFA1"), Some(vec![0x00, 0xff, 0xa1]));
        for malformed in ["0", "0g", "+1", "é"] {
            assert_eq!(Encoding::Hex.decode(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn base64_may_be_padded() {
        assert_eq!(Encoding::Base64.decode("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(Encoding::Base64.decode("+/8"), Some(vec![0xfb, 0xff]));
        for malformed in ["-_8=", "a", "+/8= "] {
            assert_eq!(Encoding::Base64.decode(malformed), None, "{malformed}");
        }
    }
}
