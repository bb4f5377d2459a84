use stepwell::prelude::*;

#[config]
struct Find {
    #[field(place_holder = "Ada")]
    name: String,
}

fn main() {}
