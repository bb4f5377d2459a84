use stepwell::prelude::*;

#[config]
struct Find {
    #[field(default = "three")]
    attempts: u8,
}

fn main() {}
