//! `tokens`: a plan that reaches into two tenants takes a token of each.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::errors::RunError;
use crate::plan::{CheckSeverity, PeeringIntent};
use crate::steps::preflight::TokenTry;
use crate::steps::{ObservedState, PreflightPart, create_sp_command};
use crate::vendors::CreatedBy;

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "tokens",
    severity: CheckSeverity::Error,
    meaning: "Creating a cross-tenant peering requires a token for each tenant. Without one, Azure returns LinkedAuthorizationFailed.",
    needs: &[
        CheckNeed::Part(PreflightPart::Tokens),
        CheckNeed::Part(PreflightPart::AppTokens),
    ],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let tries = &facts.preflight.tokens;
    // A tenant that is not the other network's has a check of its own: no sign-in there is wanted.
    let remote = facts.known_remote(intent);
    let wrong = remote.filter(|remote| {
        let right = facts.remote_tenants.get(&remote.vnet.subscription);
        right.is_some_and(|right| *right != remote.tenant)
    });
    let wrong = wrong.map(|remote| remote.tenant);
    let missing = tries.iter().filter(|one| Some(one.tenant) != wrong);
    let missing = missing.filter_map(|one| Some((one, one.trouble.as_ref()?)));
    let (awaited, missing): (Vec<_>, Vec<_>) = missing.partition(|(one, trouble)| is_awaited(intent, one, trouble));
    let label = |one: &TokenTry| format!("{} in tenant {}", one.service, one.tenant);
    let told = |(one, trouble): &(&TokenTry, &RunError)| format!("no token for {}: {}", label(one), trouble.why);
    if !missing.is_empty() {
        let remedies = missing.iter().flat_map(|(one, trouble)| remedies(one, trouble));
        let detail: Vec<String> = missing.iter().map(told).collect();
        return Some(CheckFinding::problem(detail.join("; ")).remedies(remedies));
    }
    if let Some((one, _)) = awaited.first() {
        let vendor = &intent.vendor.short_name;
        return Some(CheckFinding::unknown(format!(
            "your application doesn't exist in tenant {} yet: {vendor} adds it after receiving the request",
            one.tenant
        )));
    }
    let own = format!("Azure Resource Manager in tenant {}", intent.tenant);
    let all: Vec<String> = std::iter::once(own)
        .chain(tries.iter().filter(|one| one.trouble.is_none()).map(label))
        .collect();
    Some(CheckFinding::ok(format!("signed in to {}", all.join(", "))))
}

/// A vendor makes the service principal of our application in its tenant once it has been told of it.
fn is_awaited(intent: &PeeringIntent, one: &TokenTry, trouble: &RunError) -> bool {
    let unknown = matches!(trouble.code.as_deref(), Some("AADSTS7000229" | "AADSTS700016"));
    unknown && one.tenant != intent.tenant && intent.vendor.peering.created_by == CreatedBy::EachSide
}

fn remedies(one: &TokenTry, trouble: &RunError) -> Vec<String> {
    match (one.app, trouble.code.as_deref()) {
        (Some(app), Some("AADSTS7000229" | "AADSTS700016")) => vec![create_sp_command(one.tenant, app)],
        _ => trouble.remedies.clone(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::errors::RunErrorKind;
    use crate::plan::CheckVerdict;
    use crate::steps::samples;
    use crate::vendors::profile;

    const LOGIN: &str = "az login --tenant 00000000-0000-0000-0000-00000000beef";

    fn one(tenant: u128, app: Option<u128>, code: Option<&str>) -> TokenTry {
        let trouble = code.map(|code| {
            let mut problem = RunError::new(
                RunErrorKind::SignIn,
                "Asking for a token.",
                "multifactor authentication is wanted.",
            );
            problem.code = Some(code.to_owned());
            problem.remedy(LOGIN)
        });
        TokenTry {
            tenant: Uuid::from_u128(tenant),
            service: "Azure Resource Manager",
            app: app.map(Uuid::from_u128),
            trouble,
        }
    }

    #[test]
    fn tokens_missing_tenant_shows_sign_in() {
        let (intent, mut facts) = samples::kong_done();
        facts.preflight.tokens = vec![one(0x7e, None, None)];
        assert!(CHECK.run(&intent, &facts).expect("always").ok);
        facts.preflight.tokens.push(one(0xbeef, None, Some("AADSTS50076")));
        let found = CHECK.run(&intent, &facts).expect("always");
        assert!(found.blocks() && found.detail.contains("multifactor"), "{found:?}");
        assert_eq!(found.remedies, [LOGIN]);
    }

    #[test]
    fn tokens_pending_vendor_is_no_finding() {
        let (mut intent, mut facts) = samples::kong_done();
        intent.vendor = profile("aiven").expect("built in");
        facts.preflight.tokens = vec![one(0xbeef, Some(0xa1), Some("AADSTS7000229"))];
        assert_eq!(
            CHECK.run(&intent, &facts).expect("always").verdict,
            CheckVerdict::Unknown
        );
        intent.vendor = profile("generic").expect("built in");
        let found = CHECK.run(&intent, &facts).expect("always");
        assert!(
            found.blocks() && found.remedies[0].contains("az ad sp create --id"),
            "{found:?}"
        );
    }
}
