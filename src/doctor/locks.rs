//! `locks`: a lock refuses writes to whoever it may be, Owners too.

use super::probe::{Finding, Need, Probe};
use crate::azure::Lock;
use crate::plan::{Intent, Severity};
use crate::render::ShellWord;
use crate::steps::{Facts, Part, Seen};

pub static PROBE: Probe = Probe {
    id: "locks",
    severity: Severity::Error,
    meaning: "Under a ReadOnly lock Azure refuses the peering and the role assignment with ScopeLocked, whoever writes.",
    needs: &[Need::Part(Part::Locks)],
    at_setup: true,
    of_writes: true,
    examine,
};

fn examine(intent: &Intent, facts: &Facts) -> Option<Finding> {
    let vnet = &intent.vnet.name;
    let locks = match &facts.preflight.locks {
        Seen::Known(locks) => locks,
        Seen::Unreadable(why) => return Some(Finding::unknown(format!("the locks: {why}"))),
        Seen::NotAsked => return None,
    };
    let is = |level: &'static str| move |lock: &&Lock| lock.level.eq_ignore_ascii_case(level);
    let read_only: Vec<&Lock> = locks.found.iter().filter(is("ReadOnly")).collect();
    let no_delete: Vec<&Lock> = locks.found.iter().filter(is("CanNotDelete")).collect();
    if !read_only.is_empty() {
        return Some(
            Finding::problem(told(&read_only))
                .remedy("Ask who set it; then, for the time of the set-up:")
                .remedies(read_only.into_iter().map(|lock| delete(intent, lock))),
        );
    }
    if !no_delete.is_empty() {
        let what = "nothing can be deleted there: no peering can be torn down, and none that the vendor has to replace";
        return Some(Finding::problem(format!("{}: {what}", told(&no_delete))).warning());
    }
    Some(if locks.partly {
        Finding::unknown(format!(
            "no lock that may be read reaches {vnet}; those of its subscription may not be"
        ))
    } else {
        Finding::ok(format!("no lock reaches {vnet}"))
    })
}

fn told(locks: &[&Lock]) -> String {
    let one = |lock: &&Lock| {
        let notes = lock
            .notes
            .as_ref()
            .map(|notes| format!(" (\"{notes}\")"))
            .unwrap_or_default();
        format!("{} lock {} at {}{notes}", lock.level, lock.name, lock.scope)
    };
    locks.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn delete(intent: &Intent, lock: &Lock) -> String {
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
    use crate::steps::preflight::Locks;
    use crate::steps::samples;

    fn lock(scope: String, level: &str) -> Seen<Locks> {
        let found = vec![Lock {
            name: "freeze".into(),
            scope,
            level: level.into(),
            notes: Some("until the audit is over".into()),
        }];
        Seen::Known(Locks { found, partly: false })
    }

    pub fn read_only(intent: &Intent) -> Seen<Locks> {
        lock(intent.vnet.subscription_scope(), "ReadOnly")
    }

    #[test]
    fn a_read_only_lock_blocks_and_the_command_that_removes_it_fits_its_scope() {
        let (intent, mut facts) = samples::kong_done();
        let group = format!("{}/resourceGroups/rg-network", intent.vnet.subscription_scope());
        let table = [
            (intent.vnet.subscription_scope(), "--name freeze", "--resource-group"),
            (group, "--resource-group rg-network --name freeze", "--resource-type"),
            (intent.vnet.to_string(), "--resource vnet-app --name freeze", "nothing"),
        ];
        for (scope, has, lacks) in table {
            facts.preflight.locks = lock(scope, "readonly");
            let found = PROBE.run(&intent, &facts).expect("asked");
            let command = &found.remedies[1];
            assert!(
                found.blocks() && command.contains(has) && !command.contains(lacks),
                "{found:?}"
            );
            assert!(found.detail.contains("until the audit"), "{found:?}");
        }
    }

    #[test]
    fn what_only_forbids_deleting_warns_and_what_cannot_be_read_is_not_ok() {
        let (intent, mut facts) = samples::kong_done();
        let mut found = |locks: Seen<Locks>| {
            facts.preflight.locks = locks;
            PROBE.run(&intent, &facts).expect("asked")
        };
        let check = found(lock(intent.vnet.to_string(), "CanNotDelete"));
        assert!(check.is_problem() && !check.blocks());
        assert_eq!(found(Seen::Known(Locks::default())).verdict, CheckVerdict::Ok);
        let partly = Locks {
            partly: true,
            ..Locks::default()
        };
        assert_eq!(found(Seen::Known(partly)).verdict, CheckVerdict::Unknown);
        assert_eq!(found(Seen::Unreadable("no".into())).verdict, CheckVerdict::Unknown);
    }
}
