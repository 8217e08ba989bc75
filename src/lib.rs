//! scacheck tells which of the packages you ship may be shipped.
//!
//! A straight corridor of rooms, *acquire, identify, matching, decide, report*, each a function from one
//! value to the next, and one wing, *sync*, which alone fills the *mirror* that the corridor reads:
//!
//! ```text
//! acquire ─Inventory─▶ identify ─Identities─▶ matching ─Findings─▶ decide ─Verdicts─▶ report     sync ─▶ network
//!                          ▲                     ▲                                                │
//!                          └── mirror::reader ◀──┴── CURRENT ◀── generation ◀── mirror::writer ◀──┘
//! ```
pub mod acquire;
pub mod amend;
pub mod assemble;
pub mod assess;
pub mod authority;
pub mod cli;
pub mod commands;
pub mod decide;
pub mod diag;
pub mod facts;
pub mod harden;
pub mod identify;
pub mod matching;
pub mod mirror;
pub mod model;
pub mod pipeline;
pub mod policy_files;
pub mod remedy;
pub mod report;
pub mod sync;
pub mod version;
pub mod whitelist;
