"""The Azure SDKs for Python read and write the sandbox that the environment points at.

Every check is an assertion; the last line says how many were made. Run by tests/other_clients.rs; with the argument
`networks` for what does not depend on replication.
"""

import os
import sys
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, EnvironmentCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization import models as roles
from azure.mgmt.core.policies import AuxiliaryAuthenticationPolicy
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.subscription import SubscriptionClient

ORIGIN = os.environ["AZURE_AUTHORITY_HOST"]
TENANT = os.environ["AZURE_TENANT_ID"]
SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
APP, SECRET = os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
FABRIKAM = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43"
KONG = "d90f1c7e-2f34-4c55-8a7b-6d3e9b0a5c21"
SCOPE = "https://management.core.windows.net//.default"
AT_SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION}"
GROUP = "rg-network"
VNET = f"{AT_SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app"
DATA = VNET.replace("vnet-app", "vnet-data")
PARTNER = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks/vnet-partner"
HERE = {"base_url": ORIGIN, "credential_scopes": [SCOPE]}

checks = 0


def same(found, expected):
    global checks
    checks += 1
    assert found == expected, f"{found!r} is not {expected!r}"


def true(found, what):
    global checks
    checks += 1
    assert found, what


def refused(kind, code, call):
    """The call fails with the SDK's own class of error, and with Azure's code in it."""
    global checks
    checks += 1
    try:
        call()
    except kind as error:
        found = getattr(error.error, "code", None) if getattr(error, "error", None) else str(error)
        assert code in found, f"{found!r} is not {code!r}"
        return error
    raise AssertionError(f"{code} was to be refused")


def credential(tenant=TENANT, secret=SECRET):
    return ClientSecretCredential(
        tenant, APP, secret, authority=ORIGIN, disable_instance_discovery=True, additionally_allowed_tenants=["*"]
    )


def filled(model, *fields):
    for field in fields:
        true(getattr(model, field) is not None, f"{field} of {type(model).__name__}")


def sign_in():
    own = credential()
    true(own.get_token(SCOPE).token.count(".") == 2, "a JWT")
    true(own.get_token(SCOPE, tenant_id=FABRIKAM).token != own.get_token(SCOPE).token, "a token of the other tenant")
    true(EnvironmentCredential(disable_instance_discovery=True).get_token(SCOPE).token, "by the environment alone")
    refused(ClientAuthenticationError, "AADSTS7000229", lambda: own.get_token(SCOPE, tenant_id=KONG))
    refused(ClientAuthenticationError, "AADSTS7000215", lambda: credential(secret="wrong").get_token(SCOPE))


def networks(client):
    names = [vnet.name for vnet in client.virtual_networks.list_all()]
    true({"vnet-app", "vnet-data", "vnet-legacy"} <= set(names), names)
    same([vnet.name for vnet in client.virtual_networks.list(GROUP)], ["vnet-app", "vnet-data"])
    vnet = client.virtual_networks.get(GROUP.upper(), "VNET-APP")
    same((vnet.id, vnet.location, vnet.provisioning_state), (VNET, "eastus2", "Succeeded"))
    filled(vnet, "etag", "resource_guid", "address_space", "subnets", "virtual_network_peerings", "enable_ddos_protection")
    subnet = client.subnets.get(GROUP, "vnet-app", "snet-web")
    filled(subnet, "id", "etag", "address_prefix", "network_security_group", "provisioning_state")
    same([one.name for one in client.subnets.list(GROUP, "vnet-app")], ["snet-web", "snet-api", "snet-private"])
    group = client.network_security_groups.get(GROUP, "nsg-api")
    same([rule.access for rule in group.security_rules], ["Allow", "Deny"])
    same(len(group.default_security_rules), 6)
    same(client.virtual_networks.get(GROUP, "vnet-data").dhcp_options.dns_servers, ["10.30.0.4", "10.30.0.5"])
    error = refused(ResourceNotFoundError, "ResourceNotFound", lambda: client.virtual_networks.get(GROUP, "none"))
    same(error.status_code, 404)
    true(error.response.headers["x-ms-request-id"], "a request id")


def written_networks(client):
    body = {"location": "eastus2", "properties": {"addressSpace": {"addressPrefixes": ["10.88.0.0/16"]}}}
    made = client.virtual_networks.begin_create_or_update(GROUP, "vnet-sdk", body).result()
    same(made.provisioning_state, "Succeeded")
    subnet = {"properties": {"addressPrefix": "10.88.1.0/24"}}
    same(client.subnets.begin_create_or_update(GROUP, "vnet-sdk", "one", subnet).result().address_prefix, "10.88.1.0/24")
    client.virtual_networks.begin_delete(GROUP, "vnet-sdk").result()
    refused(ResourceNotFoundError, "ResourceNotFound", lambda: client.virtual_networks.get(GROUP, "vnet-sdk"))


def peerings(client):
    def write(vnet, name, remote, **more):
        body = {"properties": {"remoteVirtualNetwork": {"id": remote}, "allowVirtualNetworkAccess": True}}
        return client.virtual_network_peerings.begin_create_or_update(GROUP, vnet, name, body, **more).result()

    first = write("vnet-app", "sdk", DATA)
    same((first.peering_state, first.peering_sync_level), ("Initiated", "RemoteNotInSync"))
    same(write("vnet-data", "sdk", VNET).peering_state, "Connected")
    seen = client.virtual_network_peerings.get(GROUP, "vnet-app", "sdk")
    same((seen.peering_state, seen.peering_sync_level), ("Connected", "FullyInSync"))
    same((seen.remote_virtual_network.id, seen.provisioning_state), (DATA, "Succeeded"))
    same(seen.remote_address_space.address_prefixes, ["10.30.0.0/16"])
    filled(seen, "etag", "type", "resource_guid", "remote_virtual_network_address_space", "allow_virtual_network_access")
    filled(seen, "allow_forwarded_traffic", "allow_gateway_transit", "use_remote_gateways", "peer_complete_vnets")
    filled(seen, "do_not_verify_remote_gateways")
    same([one.name for one in client.virtual_network_peerings.list(GROUP, "vnet-app")], ["sdk"])
    same(write("vnet-app", "sdk", DATA, sync_remote_address_space="true").peering_sync_level, "FullyInSync")
    refused(HttpResponseError, "AnotherPeeringAlreadyReferencesRemoteVnet", lambda: write("vnet-app", "sdk-2", DATA))
    client.virtual_network_peerings.begin_delete(GROUP, "vnet-app", "sdk").result()
    same(client.virtual_network_peerings.get(GROUP, "vnet-data", "sdk").peering_state, "Disconnected")
    refused(HttpResponseError, "RemotePeeringIsDisconnected", lambda: write("vnet-app", "sdk", DATA))
    client.virtual_network_peerings.begin_delete(GROUP, "vnet-data", "sdk").result()
    same(list(client.virtual_network_peerings.list(GROUP, "vnet-data")), [])


def across_tenants(client):
    body = {"properties": {"remoteVirtualNetwork": {"id": PARTNER}}}
    begin = client.virtual_network_peerings.begin_create_or_update
    error = refused(HttpResponseError, "LinkedAuthorizationFailed", lambda: begin(GROUP, "vnet-app", "x", body).result())
    true("current tenant" in error.message, error.message)
    policy = AuxiliaryAuthenticationPolicy([credential(FABRIKAM)], SCOPE)
    both = NetworkManagementClient(credential(), SUBSCRIPTION, per_call_policies=[policy], **HERE)
    made = both.virtual_network_peerings.begin_create_or_update(GROUP, "vnet-app", "x", body).result()
    same((made.peering_state, made.remote_virtual_network.id), ("Initiated", PARTNER))
    both.virtual_network_peerings.begin_delete(GROUP, "vnet-app", "x").result()
    theirs = NetworkManagementClient(credential(), PARTNER.split("/")[2], **HERE)
    refused(ClientAuthenticationError, "InvalidAuthenticationTokenTenant", lambda: list(theirs.virtual_networks.list_all()))


def access(client):
    guid, assignment = str(uuid.uuid4()), str(uuid.uuid4())
    names = [role.role_name for role in client.role_definitions.list(VNET)]
    true({"Owner", "Reader", "Network Contributor"} <= set(names), names)
    wanted = roles.RoleDefinition(
        role_name="sdk role",
        description="By the SDK.",
        role_type="CustomRole",
        permissions=[roles.Permission(actions=["Microsoft.Network/virtualNetworks/read"])],
        assignable_scopes=[AT_SUBSCRIPTION],
    )
    role = client.role_definitions.create_or_update(AT_SUBSCRIPTION, guid, wanted)
    filled(role, "id", "name", "type", "created_on", "updated_on", "updated_by", "description", "permissions")
    same(client.role_definitions.get(AT_SUBSCRIPTION, guid).role_type, "CustomRole")
    same(client.role_definitions.get_by_id(role.id).role_name, "sdk role")
    found = client.role_definitions.list(AT_SUBSCRIPTION, filter="type eq 'CustomRole'")
    same([one.name for one in found], [guid])
    twin = lambda: client.role_definitions.create_or_update(AT_SUBSCRIPTION, str(uuid.uuid4()), wanted)
    refused(ResourceExistsError, "RoleDefinitionWithSameNameExists", twin)

    limited = "9f7e6d5c-4b3a-4921-87d6-e5f4a3b2c113"
    wish = roles.RoleAssignmentCreateParameters(
        role_definition_id=role.id, principal_id=limited, principal_type="ServicePrincipal"
    )
    made = client.role_assignments.create(VNET, assignment, wish)
    same((made.scope, made.principal_id, made.role_definition_id), (VNET, limited, role.id))
    filled(made, "id", "type", "name", "principal_type", "created_on", "updated_on", "updated_by")
    again = lambda: client.role_assignments.create(VNET, str(uuid.uuid4()), wish)
    refused(ResourceExistsError, "RoleAssignmentExists", again)
    same(client.role_assignments.get_by_id(made.id).name, assignment)
    at_scope = [one.name for one in client.role_assignments.list_for_scope(VNET, filter="atScope()")]
    true(assignment in at_scope, at_scope)
    for found in (
        client.role_assignments.list_for_subscription(),
        client.role_assignments.list_for_resource_group(GROUP),
        client.role_assignments.list_for_resource(GROUP, "Microsoft.Network", "virtualNetworks", "vnet-app"),
    ):
        true(assignment in [one.name for one in found], "in every list")
    mine = client.permissions.list_for_resource(GROUP, "Microsoft.Network", "", "virtualNetworks", "vnet-app")
    same([entry.actions for entry in mine], [["*"]])
    refused(HttpResponseError, "RoleDefinitionHasAssignments", lambda: client.role_definitions.delete(AT_SUBSCRIPTION, guid))
    same(client.role_assignments.delete(VNET, assignment).name, assignment)
    same(client.role_assignments.delete(VNET, assignment), None)
    same(client.role_definitions.delete(AT_SUBSCRIPTION, guid).role_name, "sdk role")
    refused(ResourceNotFoundError, "RoleDefinitionDoesNotExist", lambda: client.role_definitions.get(AT_SUBSCRIPTION, guid))
    same(list(client.deny_assignments.list_for_scope(VNET)), [])


def subscriptions():
    client = SubscriptionClient(credential(), **HERE)
    found = {one.display_name: one for one in client.subscriptions.list()}
    same(sorted(found), ["Contoso Production", "Contoso Sandbox", "Contoso Staging"])
    filled(found["Contoso Production"], "id", "subscription_id", "state", "subscription_policies", "authorization_source")
    same([one.tenant_id for one in client.tenants.list()], [TENANT])
    true("eastus2" in [one.name for one in client.subscriptions.list_locations(SUBSCRIPTION)], "a location")


def resources():
    client = ResourceManagementClient(credential(), SUBSCRIPTION, **HERE)
    true(GROUP in [group.name for group in client.resource_groups.list()], "the group")
    same(client.resource_groups.check_existence(GROUP), True)
    same(client.resource_groups.check_existence("none"), False)
    same(client.resource_groups.create_or_update("rg-sdk", {"location": "eastus2"}).properties.provisioning_state, "Succeeded")
    client.resource_groups.begin_delete("rg-sdk").result()
    same(client.providers.get("Microsoft.Network").registration_state, "Registered")
    kind = "resourceType eq 'Microsoft.Network/virtualNetworks'"
    true("vnet-app" in [one.name for one in client.resources.list(filter=kind)], "the network")


def main():
    sign_in()
    network = NetworkManagementClient(credential(), SUBSCRIPTION, **HERE)
    networks(network)
    written_networks(network)
    peerings(network)
    across_tenants(network)
    if sys.argv[1:] == ["networks"]:
        return
    access(AuthorizationManagementClient(credential(), SUBSCRIPTION, **HERE))
    subscriptions()
    resources()


main()
print(f"{checks} checks")
