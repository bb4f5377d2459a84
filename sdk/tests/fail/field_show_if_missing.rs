use stepwell::prelude::*;

#[config]
struct Find {
    company: Option<String>,
    #[field(show_if = "compnay")]
    campaign: Option<String>,
}

fn main() {}
