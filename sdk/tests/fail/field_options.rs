use stepwell::prelude::*;

#[config]
struct Find {
    workspace: String,
    #[field(options = [])]
    none: String,
    #[field(options = "a")]
    text: String,
    #[field(options = ["a", ("b", 1), 1.5, "a"])]
    wrong: String,
    #[field(options = [1, 2])]
    number_in_text: Option<String>,
    #[field(options = ["one"])]
    text_in_number: Vec<u8>,
    #[field(options = ["issue", "pull"], default = "isue")]
    default_elsewhere: String,
    #[field(options = ["a"], depends_on("workspace"))]
    list_that_depends: String,
}

fn main() {}
