# The key goes to curl through a file descriptor: no process's arguments show it.
dragonfly() {
    curl --silent --show-error --fail-with-body --header @<(printf 'Authorization: Bearer %s\n' "$vendor_token") \
        --header 'Content-Type: application/json' "$@"
}
networks=$(dragonfly "$api/networks") || die "Dragonfly: $(plain "$networks")"
network_found=$(jq --compact-output 'map(select(.location.provider == "azure") | . + {id: .network_id})' <<<"$networks" |
    the_network "$network") || exit 1
# A connection does not say where Dragonfly's network is; the network does.
remote_vnet_id=$(jq --raw-output '.vpc | select(.) | "\(.account_id)/providers/Microsoft.Network/virtualNetworks/\(.resource_id)"' \
    <<<"$network_found")

# The request for this virtual network: its id, phase, state and reason, or nothing.
request_now() {
    dragonfly "$api/connections" |
        jq --raw-output --arg subscription "$subscription_id" --arg group "$resource_group" --arg vnet "$vnet_name" \
            --argjson network "$network_found" '
            [.[] | select(.status != "deleted") | select(.connection_config | .network_id == $network.id
                and (.peer.account_id // "" | ascii_downcase) == ($subscription | ascii_downcase)
                and (.peer.azure.resource_group // "" | ascii_downcase) == ($group | ascii_downcase)
                and (.peer.vpc_id // "" | ascii_downcase) == ($vnet | ascii_downcase))]
            | (map(select(.status != "failed" and .status != "irrecoverable" and .status != "deleting")) + .)[0] // empty
            | [.connection_id, ({active: "ready", inactive: "our-turn", failed: "failed", irrecoverable: "failed",
                deleting: "leaving"}[.status] // "pending"), .status, .status_detail // ""] | @tsv'
}
request_peering() {
    dragonfly --data "$(jq --argjson network "$network_found" --arg app "$own_app_id" --slurp '
        .[1] as $vnet | .[0] | .network_id = $network.id | .peer.region = $vnet.location | .peer.azure.app_object_id = $app
        | .peer.cidr_block = ([$vnet.properties.addressSpace.addressPrefixes[] | select(contains(":") | not)][0] // "")' <<<"$request_body $vnet")" "$api/connections"
}
delete_request() { # ID
    dragonfly --request DELETE "$api/connections/$(jq --null-input --raw-output --arg id "$1" '$id | @uri')"
}
