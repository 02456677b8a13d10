//! The steps' names, what each needs, and the states that one can be in.

use std::fmt;

use serde::Serialize;

use super::did_you_mean;

/// One phase of the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepId {
    Consent,
    OwnApp,
    RoleDefinition,
    RoleAssignment,
    VendorRequest,
    Peering,
    Verification,
    CleanUp,
}

impl StepId {
    /// All steps, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Consent,
        Self::OwnApp,
        Self::RoleDefinition,
        Self::RoleAssignment,
        Self::VendorRequest,
        Self::Peering,
        Self::Verification,
        Self::CleanUp,
    ];

    /// The name in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::OwnApp => "own-app",
            Self::RoleDefinition => "role-definition",
            Self::RoleAssignment => "role-assignment",
            Self::VendorRequest => "vendor-request",
            Self::Peering => "peering",
            Self::Verification => "verification",
            Self::CleanUp => "clean-up",
        }
    }

    /// The steps whose writes have to be accepted before this one can begin, or read back where it [waits for confirmation](Self::waits_for_confirmation).
    /// What is not named here runs side by side.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Consent | Self::OwnApp | Self::RoleDefinition => &[],
            Self::RoleAssignment => &[Self::Consent, Self::OwnApp, Self::RoleDefinition],
            // The vendor could be asked earlier, but would fail for want of the role.
            Self::VendorRequest => &[Self::RoleAssignment],
            Self::Peering => &[Self::VendorRequest],
            Self::Verification | Self::CleanUp => &[Self::Peering],
        }
    }

    /// The steps whose undoing has to be over before this one's can begin: the vendor lets go before what lets it in is
    /// taken away.
    pub fn removed_after(self) -> &'static [Self] {
        match self {
            Self::VendorRequest | Self::Verification => &[],
            Self::Peering => &[Self::VendorRequest],
            Self::CleanUp | Self::RoleAssignment => &[Self::Peering],
            Self::OwnApp => &[Self::RoleAssignment, Self::CleanUp],
            Self::RoleDefinition | Self::Consent => &[Self::RoleAssignment],
        }
    }

    /// All steps, in the order in which they are undone.
    pub const REMOVAL_ORDER: [Self; 7] = [
        Self::VendorRequest,
        Self::Peering,
        Self::CleanUp,
        Self::RoleAssignment,
        Self::RoleDefinition,
        Self::OwnApp,
        Self::Consent,
    ];

    /// Returns whether this step checks the whole: it runs when its prerequisites are not only written but read back.
    pub fn waits_for_confirmation(self) -> bool {
        self == Self::Verification
    }

    /// Returns whether this step runs even if a step before it didn't succeed: no secret is left behind.
    pub fn always_runs(self) -> bool {
        self == Self::CleanUp
    }
}

impl std::str::FromStr for StepId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|id| id.name().eq_ignore_ascii_case(text));
        named.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            format!("it is one of {}.{}", names.join(", "), did_you_mean(text, names))
        })
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// State of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    InPlace,
    Missing,
    /// It exists, but not as it should be.
    Different,
    /// This operator may not do it.
    Blocked,
    /// Somebody else is at work, or has to be.
    Waiting,
    NotNeeded,
    /// This sign-in can't read it.
    Unknown,
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InPlace => "in place",
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::NotNeeded => "not needed",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_their_dependencies() {
        for step in StepId::ALL {
            assert!(step.needs().iter().all(|needed| *needed < step), "{step}");
            let place = |id: StepId| StepId::REMOVAL_ORDER.iter().position(|one| *one == id);
            let later = |needed: &StepId| place(*needed) < place(step);
            assert!(step.removed_after().iter().all(later), "{step}");
            assert_eq!(serde_json::to_value(step).expect("a name"), step.name());
        }
    }
}
