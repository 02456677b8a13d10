//! Rules for the write of a peering, and the relation between its two sides.

use ipnet::IpNet;
use uuid::Uuid;

use super::context::ArmContext;
use super::errors::ArmRefusal;
use super::{access, operations};
use crate::sandbox::ids::derived;
use crate::sandbox::world::{PeeringRecord, PeeringSettingsRecord, PeeringStatus, SandboxWorld, VnetRecord};

const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";
const WRITE: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";

/// As Azure's documentation has it.
const MOST_PEERINGS: usize = 500;

/// The peering of that name.
pub(super) fn named<'a>(vnet: &'a VnetRecord, name: &str) -> Option<&'a PeeringRecord> {
    vnet.peerings.iter().find(|found| found.name.eq_ignore_ascii_case(name))
}

/// The peering on `remote` that refers to `local`.
fn reverse<'a>(world: &'a SandboxWorld, local: &str, remote: &str) -> Option<(&'a VnetRecord, &'a PeeringRecord)> {
    let vnet = world.vnet(remote)?;
    let found = vnet
        .peerings
        .iter()
        .find(|found| found.remote.eq_ignore_ascii_case(local))?;
    Some((vnet, found))
}

pub(super) fn reverse_mut<'a>(world: &'a mut SandboxWorld, local: &str, remote: &str) -> Option<&'a mut PeeringRecord> {
    let vnet = world.vnets.get_mut(&remote.to_ascii_lowercase())?;
    vnet.peerings
        .iter_mut()
        .find(|found| found.remote.eq_ignore_ascii_case(local))
}

/// The `resourceGuid` that both sides share.
pub(super) fn pair_guid(one: &str, other: &str) -> Uuid {
    let mut ids = [one.to_ascii_lowercase(), other.to_ascii_lowercase()];
    ids.sort();
    derived(&ids.join("\n"))
}

/// Returns the sync level of `peering`, in Azure's words: whether each side knows the other's present address space.
pub(super) fn sync_level(world: &SandboxWorld, vnet: &VnetRecord, peering: &PeeringRecord) -> &'static str {
    let local_stale = world
        .vnet(&peering.remote)
        .is_some_and(|remote| remote.prefixes != peering.known);
    let remote_stale = reverse(world, &vnet.id, &peering.remote).is_none_or(|(_, other)| other.known != vnet.prefixes);
    match (local_stale, remote_stale) {
        (false, false) => "FullyInSync",
        (false, true) => "RemoteNotInSync",
        (true, false) => "LocalNotInSync",
        (true, true) => "LocalAndRemoteNotInSync",
    }
}

/// ARM's linked access check: the caller must have `peer/action` on the remote network, by a token of its tenant.
///
/// # Errors
/// `LinkedAuthorizationFailed`, in each of its three wordings.
pub(super) fn linked_access(
    world: &SandboxWorld,
    context: &ArmContext<'_>,
    id: &str,
    remote: &str,
) -> Result<(), ArmRefusal> {
    let subscription = remote.split('/').nth(2).unwrap_or_default();
    let caller = &context.caller;
    let begins = format!("The client has permission to perform action '{PEER}' on scope '{id}', however");
    let found = Uuid::parse_str(subscription).ok().and_then(|id| world.subscription(id));
    let Some(found) = found else {
        let text = format!("{begins} the linked subscription '{subscription}' was not found. ");
        return Err(ArmRefusal::new(403, "LinkedAuthorizationFailed", text));
    };
    let Some(there) = context.caller_in(found.tenant) else {
        let text = format!(
            "{begins} the current tenant '{}' is not authorized to access linked subscription '{subscription}'.",
            caller.tenant
        );
        return Err(ArmRefusal::new(403, "LinkedAuthorizationFailed", text));
    };
    if access::allowed(world, there, PEER, remote) {
        return Ok(());
    }
    let text = format!(
        "The client '{}' with object id '{}' has permission to perform action '{WRITE}' on scope '{id}'; however, it \
         does not have permission to perform action(s) '{PEER}' on the linked scope(s) '{remote}' (respectively) or \
         the linked scope(s) are invalid.",
        caller.name, caller.oid
    );
    Err(ArmRefusal::new(403, "LinkedAuthorizationFailed", text))
}

/// The network provider's own rules for a write, in its order.
///
/// # Errors
/// The first rule that is broken.
pub(super) fn check(world: &SandboxWorld, vnet_id: &str, name: &str, remote: &str) -> Result<(), ArmRefusal> {
    let id = format!("{vnet_id}/virtualNetworkPeerings/{name}");
    if !well_named(name) {
        let text = format!(
            "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word \
             character, and it must end with a word character or with '_'. The name may contain word characters or \
             '.', '-', '_'."
        );
        return Err(ArmRefusal::new(400, "InvalidResourceName", text));
    }
    let (Some(local), Some(other)) = (world.vnet(vnet_id), world.vnet(remote)) else {
        let text = format!(
            "Resource {remote} referenced by resource {id} was not found. Please make sure that the referenced \
             resource exists."
        );
        return Err(ArmRefusal::new(400, "InvalidGlobalResourceReference", text));
    };
    reference(local, name, other, remote, &id)?;
    room(local, name, &id)?;
    disconnected(world, local, remote, &id)?;
    apart(world, local, other, &id)?;
    idle(world, local, other, &id)
}

/// Checks the settings of a write.
///
/// # Errors
///
/// The first rule that is broken.
pub(super) fn check_settings(
    world: &SandboxWorld,
    vnet_id: &str,
    name: &str,
    remote: &str,
    settings: PeeringSettingsRecord,
) -> Result<(), ArmRefusal> {
    let id = format!("{vnet_id}/virtualNetworkPeerings/{name}");
    let Some(local) = world.vnet(vnet_id) else {
        return Ok(());
    };
    let present = named(local, name);
    if present.is_some_and(|present| present.settings.complete != settings.complete) {
        let text = format!("Cannot change PeerCompleteVnets of peering {id}. Delete the peering and create it again.");
        // That its kind is fixed when it is made is public; the code is not known from a recording.
        return Err(ArmRefusal::new(400, "PeerCompleteVnetsCannotBeChanged", text));
    }
    match settings.use_gateways {
        true => remote_gateways(world, local, name, remote, &id),
        false => Ok(()),
    }
}

/// A network uses the gateways of one other network at most, and of one that allows it.
fn remote_gateways(
    world: &SandboxWorld,
    local: &VnetRecord,
    name: &str,
    remote: &str,
    id: &str,
) -> Result<(), ArmRefusal> {
    let begins = format!("Peering {id} cannot have UseRemoteGateways flag set to true, because");
    let mut others = local.peerings.iter();
    let other = others.find(|found| found.settings.use_gateways && !found.name.eq_ignore_ascii_case(name));
    if let Some(other) = other {
        let text = format!(
            "{begins} another peering {}/virtualNetworkPeerings/{} already has UseRemoteGateways flag set to true",
            local.id, other.name
        );
        return Err(ArmRefusal::new(400, "AnotherPeeringAlreadyUsesRemoteGateways", text));
    }
    if reverse(world, &local.id, remote).is_some_and(|(_, other)| other.settings.gateway_transit) {
        return Ok(());
    }
    let text = format!("{begins} corresponding remote peering has AllowGatewayTransit flag set to false.");
    // Both texts are public, their codes are not.
    Err(ArmRefusal::new(400, "RemotePeeringAllowGatewayTransitFalse", text))
}

/// The other network is another one, the peering goes on referring to it, and no second one does.
fn reference(local: &VnetRecord, name: &str, other: &VnetRecord, remote: &str, id: &str) -> Result<(), ArmRefusal> {
    if local.id.eq_ignore_ascii_case(&other.id) {
        let text = format!(
            "Cannot create or update peering {id}. Virtual network {} cannot be peered with itself.",
            local.id
        );
        return Err(ArmRefusal::new(400, "VnetCannotPeerWithItself", text));
    }
    if let Some(existing) = named(local, name).filter(|found| !found.remote.eq_ignore_ascii_case(remote)) {
        let text = format!(
            "Cannot change the remote virtual network of peering {id} from {} to {remote}.",
            existing.remote
        );
        // The code is told in public repositories; its message is not known from a recording.
        return Err(ArmRefusal::new(400, "ChangingRemoteVirtualNetworkNotAllowed", text));
    }
    let mut all = local.peerings.iter();
    let twin = all.find(|found| found.remote.eq_ignore_ascii_case(remote) && !found.name.eq_ignore_ascii_case(name));
    let Some(twin) = twin else { return Ok(()) };
    let first = format!("{}/virtualNetworkPeerings/{}", local.id, twin.name);
    let text = format!(
        "Peering {first} already references remote virtual network {remote}. Cannot add another peering {id} \
         referencing the same remote virtual network."
    );
    Err(ArmRefusal::new(400, "AnotherPeeringAlreadyReferencesRemoteVnet", text))
}

/// There is room for one peering more, where it is a new one.
fn room(local: &VnetRecord, name: &str, id: &str) -> Result<(), ArmRefusal> {
    if local.peerings.len() < MOST_PEERINGS || named(local, name).is_some() {
        return Ok(());
    }
    let text = format!(
        "Cannot create or update peering {id}. Virtual network {} cannot have more than {MOST_PEERINGS} peerings.",
        local.id
    );
    // The code is not known from a recording.
    Err(ArmRefusal::new(400, "VnetPeeringLimitReached", text))
}

/// A half that is Disconnected has to go, or be written anew, before the other half can be made again.
fn disconnected(world: &SandboxWorld, local: &VnetRecord, remote: &str, id: &str) -> Result<(), ArmRefusal> {
    let Some((other, peering)) = reverse(world, &local.id, remote) else {
        return Ok(());
    };
    if peering.state != PeeringStatus::Disconnected {
        return Ok(());
    }
    let remote_id = format!("{}/virtualNetworkPeerings/{}", other.id, peering.name);
    let text = format!(
        "Cannot create or update peering {id} because remote peering {remote_id} referencing parent virtual network {} \
         is in Disconnected state. Update or re-create the remote peering to get it back to Initiated state. Peering \
         gets Disconnected when remote vnet or remote peering is deleted and re-created.",
        local.id
    );
    Err(ArmRefusal::new(400, "RemotePeeringIsDisconnected", text))
}

/// The two networks share no addresses, nor does either with what is peered with the other already.
fn apart(world: &SandboxWorld, local: &VnetRecord, remote: &VnetRecord, id: &str) -> Result<(), ArmRefusal> {
    let shared = overlaps(&local.prefixes, &remote.prefixes);
    if !shared.is_empty() {
        let text = format!(
            "Cannot create or update peering {id}. Virtual networks {} and {} cannot be peered because their address \
             spaces overlap. Overlapping address prefixes: {shared}",
            local.id, remote.id
        );
        return Err(ArmRefusal::new(400, "VnetAddressSpacesOverlap", text));
    }
    for (first, second) in [(local, remote), (remote, local)] {
        for peering in &second.peerings {
            // What is left of a peering with a network that is gone counts all the same.
            let third = world.vnet(&peering.remote);
            let shared = overlaps(&first.prefixes, third.map_or(&peering.known, |third| &third.prefixes));
            if peering.remote.eq_ignore_ascii_case(&first.id) || shared.is_empty() {
                continue;
            }
            let text = format!(
                "Cannot create or update peering {id}. Virtual networks {} and {} cannot be peered because address \
                 space of the first virtual network overlaps with address space of virtual network {} already peered \
                 with the second virtual network. Overlapping address prefixes: {shared}. For more information please \
                 refer to https://aka.ms/VnetPeeringInfo",
                first.id, second.id, peering.remote
            );
            return Err(ArmRefusal::new(
                400,
                "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                text,
            ));
        }
    }
    Ok(())
}

/// Neither network is being changed at the moment.
fn idle(world: &SandboxWorld, local: &VnetRecord, remote: &VnetRecord, id: &str) -> Result<(), ArmRefusal> {
    if let Some((operation, found)) = operations::running(world, &local.id) {
        return Err(ArmRefusal::busy(
            found.kind,
            &operation.to_string(),
            &local.id,
            world.timing.retry_after.max(1),
        ));
    }
    let (state, operation) = match operations::running(world, &remote.id) {
        Some((_, found)) => ("Updating", found.kind),
        None if remote.failed => ("Failed", "PutSubnetOperation"),
        None => return Ok(()),
    };
    let text = format!(
        "Cannot proceed with operation because resource {} used by resource {id} is not in Succeeded state. Resource is \
         in {state} state and the last operation that updated/is updating the resource is {operation}.",
        remote.id
    );
    Err(ArmRefusal::new(400, "ReferencedResourceNotProvisioned", text))
}

/// The pairs of prefixes that share addresses, as Azure lists them.
fn overlaps(ours: &[IpNet], theirs: &[IpNet]) -> String {
    let pairs = ours.iter().flat_map(|one| theirs.iter().map(move |other| (one, other)));
    let shared = pairs.filter(|(one, other)| one.contains(*other) || other.contains(*one));
    shared
        .map(|(one, other)| format!("{one}, {other}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `^\w([\w.-]{0,78}\w)?$`
fn well_named(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=80).contains(&name.len())
        && name.chars().all(|c| word(c) || c == '.' || c == '-')
        && name.starts_with(word)
        && name.ends_with(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_azures_rule() {
        let long = "a".repeat(80);
        for good in ["a", "a-b", "a.b_", "_a", long.as_str()] {
            assert!(well_named(good), "{good}");
        }
        let too_long = "a".repeat(81);
        for bad in ["", "-a", "a-", ".a", "a.", "a b", "é", too_long.as_str()] {
            assert!(!well_named(bad), "{bad}");
        }
    }

    #[test]
    fn overlapping_prefixes_are_listed_in_pairs() {
        let nets = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.parse().expect("a prefix"))
                .collect::<Vec<IpNet>>()
        };
        let listed = overlaps(
            &nets(&["10.0.0.0/8", "fd00::/8"]),
            &nets(&["10.20.0.0/16", "192.168.0.0/24"]),
        );
        assert_eq!(listed, "10.0.0.0/8, 10.20.0.0/16");
        assert_eq!(overlaps(&nets(&["10.0.0.0/16"]), &nets(&["10.1.0.0/16"])), "");
    }

    #[test]
    fn both_sides_share_one_guid() {
        assert_eq!(pair_guid("/A", "/b"), pair_guid("/B", "/a"));
        assert_ne!(pair_guid("/a", "/b"), pair_guid("/a", "/c"));
    }
}
