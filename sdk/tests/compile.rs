//! What compiles, and what a compile error says: one mistake per file in `fail/`.

#[test]
fn d9_misuse_does_not_compile_and_says_how_to_mend_it() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/pass/*.rs");
    cases.compile_fail("tests/fail/*.rs");
}
