use stepwell::config::FieldError;
use stepwell::prelude::*;

#[config]
struct Ask {
    #[field(check = fits(quorum))]
    people: Vec<String>,
    #[field(check = positive)]
    quorum: u32,
    #[field(check = missing)]
    least: u32,
}

fn fits(_: &u32, _: &[String]) -> Result<(), FieldError> {
    Ok(())
}

fn positive(_: &u32) -> bool {
    true
}

fn main() {}
