//! Each mistake has a message that says what to write.

#[test]
fn each_mistake_is_told_with_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
