//! A public block in a crate that denies what generated code easily trips over.

#![forbid(unsafe_code)]
#![deny(missing_docs, unused, unreachable_pub, clippy::pedantic)]

use stepwell::prelude::*;

/// Greeting
#[config]
pub struct Greeting {
    /// Name
    pub name: String,
    /// Style
    pub style: Style,
    /// Address
    pub address: Option<Address>,
}

/// How to greet
#[data]
pub enum Style {
    /// As a stranger
    Formal,
    /// As a friend
    Casual,
}

/// Where somebody lives
#[config]
pub struct Address {
    /// City
    #[field(default = "London")]
    pub city: String,
}

/// Greet somebody
#[step(outcomes(greeted { text: String }, r#match(String), v_1))]
pub async fn greet(config: Greeting, _cx: ExecuteContext) -> Result<GreetOutcome, StepError> {
    let text = match config.style {
        Style::Formal => format!("Good day, {}.", config.name),
        Style::Casual => format!("Hi {}!", config.name),
    };
    Ok(GreetOutcome::Greeted { text })
}

fn main() {}
