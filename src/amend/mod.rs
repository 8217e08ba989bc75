//! Changes to a policy file: its text and a wish in, its new text out. Comments and order stay (toml_edit). Never reads or writes a file.

pub mod diff;
pub mod edit;
pub mod import;
pub mod init;
