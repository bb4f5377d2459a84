use stepwell::prelude::*;

#[config]
struct Find {
    #[field(variables = "nevr")]
    variables: String,
    #[field(widget = "ColorPicker")]
    widget: String,
    #[field(group = "", label = "")]
    empty: String,
    #[field(variable = "never", grup = "x")]
    unknown: String,
}

fn main() {}
