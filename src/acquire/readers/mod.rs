//! One file per format, and what the formats of one ecosystem share.

pub mod apk_installed;
pub mod auditable;
pub mod bun_lock;
pub mod cargo_lock;
pub mod cargo_manifest;
pub mod cyclonedx;
pub mod distro;
pub mod distro_list;
pub mod dockerfile;
pub mod dpkg_status;
pub mod npm;
pub mod npm_installed;
pub mod npm_lock;
pub mod npm_lock_v1;
pub mod pdm_lock;
pub mod pip_list;
pub mod pipfile_lock;
pub mod pnpm_key;
pub mod pnpm_lock;
pub mod poetry_lock;
pub mod purl_list;
pub mod pylock;
pub mod pypi;
pub mod python_installed;
pub mod requirement_line;
pub mod requirements;
pub mod spdx;
#[cfg(test)]
pub mod testing;
pub mod uv_lock;
pub mod yarn_berry;
pub mod yarn_lock;
