use stepwell::config::FieldError;
use stepwell::prelude::*;

#[data]
struct Account {
    #[field(check = filled)]
    name: String,
}

#[data]
enum Sign {
    In {
        #[field(check = filled)]
        name: String,
    },
    Out,
}

fn filled(name: &String) -> Result<(), FieldError> {
    if name.is_empty() { Err("it is empty".into()) } else { Ok(()) }
}

fn main() {}
