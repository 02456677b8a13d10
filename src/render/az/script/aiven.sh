# The token goes to curl through a file descriptor: no process's arguments show it.
aiven() {
    curl --silent --show-error --fail-with-body --header @<(printf 'Authorization: aivenv1 %s\n' "$vendor_token") \
        --header 'Content-Type: application/json' "$@"
}
networks=$(aiven "$api") || die "Aiven: $(plain "$networks")"
network_found=$(jq --compact-output '.vpcs | map({id: .project_vpc_id, name: .project_vpc_id})' <<<"$networks" |
    the_network "$network") || exit 1
network_url=$api/$(jq --raw-output '.id | @uri' <<<"$network_found")

# The request for this virtual network: its id, phase, state, reason, and where Aiven's network is; or nothing.
request_now() {
    aiven "$network_url" |
        jq --raw-output --arg subscription "$subscription_id" --arg group "$resource_group" --arg vnet "$vnet_name" '
            [.peering_connections[]? | select(.state != "DELETED")
                | select((.peer_cloud_account | ascii_downcase) == ($subscription | ascii_downcase)
                    and (.peer_resource_group // "" | ascii_downcase) == ($group | ascii_downcase)
                    and (.peer_vpc | ascii_downcase) == ($vnet | ascii_downcase))][0] // empty
            | ["peer-accounts/\(.peer_cloud_account | @uri)/peer-resource-groups/\(.peer_resource_group | @uri)/peer-vpcs/\(.peer_vpc | @uri)",
                ({ACTIVE: "ready", PENDING_PEER: "our-turn", INVALID_SPECIFICATION: "failed", REJECTED_BY_PEER: "failed",
                    ERROR: "failed", DELETED_BY_PEER: "failed", DELETING: "leaving"}[.state] // "pending"),
                .state, .state_info.message // "-", .state_info["to-tenant-id"] // "",
                .state_info["to-network-id"] // ""] | @tsv'
}
request_peering() {
    aiven --data "$(jq --arg app "$own_app_id" '.peer_azure_app_id = $app' <<<"$request_body")" \
        "$network_url/peering-connections"
}
delete_request() { # ID
    aiven --request DELETE "$network_url/peering-connections/$1"
}
