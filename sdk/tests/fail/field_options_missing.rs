use stepwell::prelude::*;

#[config]
struct Find {
    #[field(options = campaigns)]
    campaign: String,
}

fn main() {}
