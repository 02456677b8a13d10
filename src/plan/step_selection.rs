//! Split duty: which of the steps this operator takes.

use super::StepId;

/// Steps that this operator carries out; others carry out the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepSelection {
    /// Only these; empty: all.
    pub only: Vec<StepId>,
    /// All but these.
    pub skip: Vec<StepId>,
}

impl StepSelection {
    /// Returns whether the step is this operator's. A secret that a run created is always removed by that run.
    pub fn includes(&self, step: StepId) -> bool {
        let named = self.only.is_empty() || self.only.contains(&step);
        step.always_runs() || (named && !self.skip.contains(&step))
    }

    /// Returns whether only steps are selected that don't involve the vendor's network.
    pub fn is_preparation(&self) -> bool {
        let mut only = self.only.iter();
        !self.only.is_empty() && only.all(|step| *step <= StepId::RoleAssignment)
    }
}

#[cfg(test)]
mod tests {
    use StepId::*;

    use super::*;
    use crate::plan::{OwnApp, PeeringIntent};
    use crate::steps::samples;
    use crate::vendors::profile;

    fn only(steps: &[StepId]) -> StepSelection {
        StepSelection {
            only: steps.to_vec(),
            skip: Vec::new(),
        }
    }

    fn skip(steps: &[StepId]) -> StepSelection {
        StepSelection {
            only: Vec::new(),
            skip: steps.to_vec(),
        }
    }

    #[test]
    fn who_takes_what() {
        let all = StepId::ALL;
        let table: [(StepSelection, &[StepId]); 5] = [
            (StepSelection::default(), &all),
            (only(&[Consent]), &[Consent, CleanUp]),
            (only(&[Peering, OwnApp]), &[OwnApp, Peering, CleanUp]),
            (
                skip(&[Consent, RoleAssignment]),
                &[OwnApp, RoleDefinition, VendorRequest, Peering, Verification, CleanUp],
            ),
            // A secret that a run made is the run's to remove.
            (skip(&[CleanUp]), &all),
        ];
        for (share, expected) in table {
            let taken: Vec<StepId> = all.into_iter().filter(|step| share.includes(*step)).collect();
            assert_eq!(taken, expected, "{share:?}");
        }
    }

    #[test]
    fn selection_recognizes_preparation_steps() {
        assert!(only(&[Consent, OwnApp, RoleDefinition, RoleAssignment]).is_preparation());
        for share in [
            StepSelection::default(),
            only(&[Consent, VendorRequest]),
            skip(&[Peering, VendorRequest]),
        ] {
            assert!(!share.is_preparation(), "{share:?}");
        }
    }

    fn intent(vendor: &str, own_app: bool, share: StepSelection) -> PeeringIntent {
        let (mut intent, _) = samples::kong_done();
        intent.vendor = profile(vendor).expect("built in");
        intent.vendor_app = intent.vendor_app.filter(|_| vendor != "generic");
        intent.own_app = own_app.then(|| OwnApp::Given(uuid::Uuid::from_u128(0xa1)));
        intent.share = share;
        intent
    }

    #[test]
    fn selection_includes_required_steps() {
        // (vendor, with an own application, share, the run's steps)
        type Row = (&'static str, bool, StepSelection, &'static [StepId]);
        let table: [Row; 9] = [
            ("kong", false, only(&[Consent]), &[Consent]),
            (
                "kong",
                false,
                only(&[RoleAssignment]),
                &[Consent, RoleDefinition, RoleAssignment],
            ),
            (
                "kong",
                false,
                only(&[VendorRequest]),
                &[Consent, RoleDefinition, RoleAssignment, VendorRequest],
            ),
            ("aiven", true, only(&[OwnApp]), &[OwnApp]),
            // Who writes the peering may have made a credential.
            (
                "aiven",
                true,
                only(&[Peering]),
                &[
                    Consent,
                    OwnApp,
                    RoleDefinition,
                    RoleAssignment,
                    VendorRequest,
                    Peering,
                    CleanUp,
                ],
            ),
            (
                "aiven",
                true,
                only(&[Verification]),
                &[
                    Consent,
                    OwnApp,
                    RoleDefinition,
                    RoleAssignment,
                    VendorRequest,
                    Peering,
                    Verification,
                    CleanUp,
                ],
            ),
            ("generic", false, only(&[Peering]), &[Peering]),
            (
                "generic",
                true,
                only(&[RoleAssignment]),
                &[OwnApp, RoleDefinition, RoleAssignment],
            ),
            // What is left to somebody else is looked at all the same.
            (
                "kong",
                false,
                skip(&[Consent]),
                &[
                    Consent,
                    RoleDefinition,
                    RoleAssignment,
                    VendorRequest,
                    Peering,
                    Verification,
                ],
            ),
        ];
        for (vendor, own_app, share, expected) in table {
            let intent = intent(vendor, own_app, share);
            assert_eq!(intent.steps(), expected, "{vendor} {:?}", intent.share);
        }
    }

    #[test]
    fn selection_skipped_step_passes_requirements() {
        let generic = intent("generic", true, StepSelection::default());
        assert_eq!(generic.needs(Peering), [RoleAssignment]);
        assert_eq!(intent("generic", false, StepSelection::default()).needs(Peering), []);
        assert_eq!(
            intent("kong", false, StepSelection::default()).needs(Peering),
            [VendorRequest]
        );
        assert_eq!(
            intent("kong", false, StepSelection::default()).needs(RoleAssignment),
            [Consent, RoleDefinition]
        );
    }
}
