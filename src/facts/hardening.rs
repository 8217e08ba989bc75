//! Package managers and tools that the hardening rules know (`data/hardening.toml`).

use serde::Deserialize;
use std::sync::LazyLock;

/// A package manager, as its manual describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manager {
    /// Its commands.
    pub names: Vec<String>,
    /// Words that renew its lists of packages.
    #[serde(default)]
    pub update: Vec<String>,
    /// Words that install or upgrade.
    pub install: Vec<String>,
    /// Whether renewing also upgrades what is installed.
    #[serde(default)]
    pub update_is_upgrade: bool,
    /// What stands between a name and a version.
    #[serde(default)]
    pub pin: Vec<String>,
    /// Whether a version follows a dash: `name-1.2`.
    #[serde(default)]
    pub pin_by_number: bool,
    /// Flags that pin whatever is installed.
    #[serde(default)]
    pub pin_flags: Vec<String>,
    /// Folders that it leaves full.
    #[serde(default)]
    pub cache: Vec<String>,
    /// Whether only renewing its lists fills them.
    #[serde(default)]
    pub cache_by_update: bool,
    /// Words that empty them.
    #[serde(default)]
    pub clean: Vec<String>,
    /// Flags that leave nothing there.
    #[serde(default)]
    pub no_cache: Vec<String>,
    /// A variable that does the same.
    pub no_cache_variable: Option<String>,
    /// Flags whose value is a list of packages in a file.
    #[serde(default)]
    pub files: Vec<String>,
    /// Flags with a value that is no package.
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Deserialize, Default)]
struct File {
    manager: Vec<Manager>,
    tools: Tools,
}

#[derive(Deserialize, Default)]
struct Tools {
    packages: Vec<String>,
}

static FILE: LazyLock<File> = LazyLock::new(|| toml::from_str(include_str!("../../data/hardening.toml")).unwrap_or_default());

/// The manager that a command is of.
#[must_use]
pub fn manager(command: &str) -> Option<&'static Manager> {
    FILE.manager.iter().find(|manager| manager.names.iter().any(|name| name == command))
}

/// Whether a package is a compiler, shell or tool that a running service does not need.
#[must_use]
pub fn is_tool(package: &str) -> bool {
    FILE.tools.packages.iter().any(|tool| tool == package)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_reads() {
        assert!(super::manager("apt-get").is_some_and(|manager| manager.pin == ["="]) && super::is_tool("gcc"));
    }
}
