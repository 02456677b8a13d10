//! `locks`: a lock refuses writes to whoever it may be, Owners too.

use super::check::{CheckFinding, CheckNeed, DoctorCheck};
use crate::azure::ManagementLock;
use crate::plan::{CheckSeverity, PeeringIntent};
use crate::render::ShellWord;
use crate::steps::{ObservedState, PreflightPart, ReadResult};

pub static CHECK: DoctorCheck = DoctorCheck {
    id: "locks",
    severity: CheckSeverity::Error,
    meaning: "A ReadOnly lock blocks the peering and the role assignment for everyone (ScopeLocked).",
    needs: &[CheckNeed::Part(PreflightPart::Locks)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &PeeringIntent, facts: &ObservedState) -> Option<CheckFinding> {
    let vnet = &intent.vnet.name;
    let locks = match &facts.preflight.locks {
        ReadResult::Known(locks) => locks,
        ReadResult::Unreadable(why) => return Some(CheckFinding::unknown(format!("couldn't read locks: {why}"))),
        ReadResult::NotAsked => return None,
    };
    let is = |level: &'static str| move |lock: &&ManagementLock| lock.level.eq_ignore_ascii_case(level);
    let read_only: Vec<&ManagementLock> = locks.found.iter().filter(is("ReadOnly")).collect();
    let no_delete: Vec<&ManagementLock> = locks.found.iter().filter(is("CanNotDelete")).collect();
    if !read_only.is_empty() {
        return Some(
            CheckFinding::problem(describe(&read_only))
                .remedy("Check with the owner of the lock, then remove it for the duration of the setup:")
                .remedies(read_only.into_iter().map(|lock| delete(intent, lock))),
        );
    }
    if !no_delete.is_empty() {
        let what = "peerings there can't be deleted, neither by teardown nor for the vendor to replace them";
        return Some(CheckFinding::problem(format!("{}: {what}", describe(&no_delete))).warning());
    }
    Some(if locks.partly {
        CheckFinding::unknown(format!(
            "no visible lock affects {vnet}, but you don't have permission to read the locks of its subscription"
        ))
    } else {
        CheckFinding::ok(format!("no lock affects {vnet}"))
    })
}

fn describe(locks: &[&ManagementLock]) -> String {
    let one = |lock: &&ManagementLock| {
        let notes = lock
            .notes
            .as_ref()
            .map(|notes| format!(" (\"{notes}\")"))
            .unwrap_or_default();
        format!("{} lock {} at {}{notes}", lock.level, lock.name, lock.scope)
    };
    locks.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn delete(intent: &PeeringIntent, lock: &ManagementLock) -> String {
    let name = ShellWord(&lock.name);
    let vnet = &intent.vnet;
    let group = ShellWord(&vnet.resource_group);
    let subscription = vnet.subscription;
    match lock.scope.split('/').count() {
        // /subscriptions/ID
        ..=3 => format!("az lock delete --subscription {subscription} --name {name}"),
        // …/resourceGroups/NAME
        4..=5 => format!("az lock delete --subscription {subscription} --resource-group {group} --name {name}"),
        _ => format!(
            "az lock delete --subscription {subscription} --resource-group {group} --resource-type \
             Microsoft.Network/virtualNetworks --resource {} --name {name}",
            vnet.name
        ),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::plan::CheckVerdict;
    use crate::steps::preflight::LockRead;
    use crate::steps::samples;

    fn lock(scope: String, level: &str) -> ReadResult<LockRead> {
        let found = vec![ManagementLock {
            name: "freeze".into(),
            scope,
            level: level.into(),
            notes: Some("until the audit is over".into()),
        }];
        ReadResult::Known(LockRead { found, partly: false })
    }

    pub fn read_only(intent: &PeeringIntent) -> ReadResult<LockRead> {
        lock(intent.vnet.subscription_scope(), "ReadOnly")
    }

    #[test]
    fn read_only_lock_blocks_with_command() {
        let (intent, mut facts) = samples::kong_done();
        let group = format!("{}/resourceGroups/rg-network", intent.vnet.subscription_scope());
        let table = [
            (intent.vnet.subscription_scope(), "--name freeze", "--resource-group"),
            (group, "--resource-group rg-network --name freeze", "--resource-type"),
            (intent.vnet.to_string(), "--resource vnet-app --name freeze", "nothing"),
        ];
        for (scope, has, lacks) in table {
            facts.preflight.locks = lock(scope, "readonly");
            let found = CHECK.run(&intent, &facts).expect("asked");
            let command = &found.remedies[1];
            assert!(
                found.blocks() && command.contains(has) && !command.contains(lacks),
                "{found:?}"
            );
            assert!(found.detail.contains("until the audit"), "{found:?}");
        }
    }

    #[test]
    fn delete_lock_warns_unreadable_not_ok() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |locks: ReadResult<LockRead>| {
            facts.preflight.locks = locks;
            CHECK.run(&intent, &facts).expect("asked")
        };
        let check = found(lock(intent.vnet.to_string(), "CanNotDelete"));
        assert!(check.is_problem() && !check.blocks());
        assert_eq!(found(ReadResult::Known(LockRead::default())).verdict, CheckVerdict::Ok);
        let partly = LockRead {
            partly: true,
            ..LockRead::default()
        };
        assert_eq!(found(ReadResult::Known(partly)).verdict, CheckVerdict::Unknown);
        assert_eq!(
            found(ReadResult::Unreadable("no".into())).verdict,
            CheckVerdict::Unknown
        );
    }
}
