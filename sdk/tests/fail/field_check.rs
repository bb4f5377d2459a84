use stepwell::config::FieldError;
use stepwell::prelude::*;

#[config]
struct Ask {
    #[field(check = 7)]
    people: Vec<String>,
    #[field(check = fits(peopel))]
    quorum: u32,
    #[field(check = fits(limit))]
    limit: u32,
    #[field(check = fits(people, people))]
    most: u32,
    #[field(check)]
    least: u32,
}

fn fits(_: &u32, _: &[String]) -> Result<(), FieldError> {
    Ok(())
}

fn main() {}
