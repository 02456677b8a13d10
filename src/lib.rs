//! peerctl sets up a cross-tenant Azure virtual network peering, from first prompt to both directions Connected.
//!
//! The life of one `peerctl azure setup`, in ten steps:
//!
//! 1. [`cli`] parses the command line; every flag is an input of [`input`]'s table.
//! 2. [`input`] takes what was given, by flag, environment or configuration file, and the vendor's profile from
//!    [`vendors`].
//! 3. It opens a session: a cloud, a sign-in and the one wire to the world, all of [`azure`].
//! 4. What is missing is asked, with suggestions from Azure and the vendor, which are read while a person reads the first
//!    question; or named, all at once, where nobody answers.
//! 5. The result is an intent ([`plan`]): everything that is wanted, and no secret.
//! 6. [`engine`] surveys: every one of the [`steps`] reads side by side, then decides, purely; [`doctor`] checks.
//! 7. The plan is shown, and one question asked.
//! 8. [`engine`] carries it out: each step writes what is missing, waits for replication and for the vendor, reads back.
//! 9. What happens is told as events; [`ui`] draws them, [`render`] folds them into the one JSON document and the record.
//! 10. [`errors`] turns the outcome into words and an exit code.
//!
//! [`sandbox`] is an embedded Azure for rehearsals and tests. Only the command that starts it knows of it: for
//! everything else it is one more cloud.

pub mod azure;
mod child;
pub mod cli;
pub mod doctor;
pub mod domain;
pub mod engine;
pub mod errors;
pub mod files;
pub mod input;
pub mod limits;
pub mod plan;
pub mod render;
pub mod sandbox;
pub mod steps;
pub mod ui;
pub mod vendors;
