# The token goes to curl through a file descriptor: no process's arguments show it.
konnect() {
    curl --silent --show-error --fail-with-body --header @<(printf 'Authorization: Bearer %s\n' "$vendor_token") \
        --header 'Content-Type: application/json' "$@"
}
# Every item of a list, as one array: URL.
konnect_list() {
    local number=0 page all='[]'
    while ((number < 100)); do
        number=$((number + 1))
        page=$(konnect "$1?page%5Bsize%5D=100&page%5Bnumber%5D=$number") || {
            say "$(plain "$page")"
            return 1
        }
        all=$(jq --slurp --compact-output '.[0] + .[1].data' <<<"$all $page") || return
        if [[ $(jq --slurp '.[1].data == [] or (.[0] | length) >= (.[1].meta.page.total // 0)' <<<"$all $page") == true ]]; then
            break
        fi
    done
    printf '%s\n' "$all"
}
networks=$(konnect_list "$api/networks")
network_found=$(the_network "$network" <<<"$networks") || exit 1
network_cidr=$(jq --raw-output .cidr_block <<<"$network_found")
requests_url=$api/networks/$(jq --raw-output '.id | @uri' <<<"$network_found")/transit-gateways

# The request for this virtual network: its id, phase, state and reason, or nothing.
request_now() {
    konnect_list "$requests_url" |
        jq --raw-output --arg subscription "$subscription_id" --arg group "$resource_group" --arg vnet "$vnet_name" '
            [.[] | select(.state != "terminated") | select(.transit_gateway_attachment_config
                | .kind == "azure-vnet-peering-attachment"
                    and (.subscription_id | ascii_downcase) == ($subscription | ascii_downcase)
                    and (.resource_group_name | ascii_downcase) == ($group | ascii_downcase)
                    and (.vnet_name | ascii_downcase) == ($vnet | ascii_downcase))]
            | (map(select(.state != "error" and .state != "terminating")) + .)[0] // empty
            | [.id, ({ready: "ready", error: "failed", terminating: "leaving"}[.state] // "pending"), .state,
                .state_metadata.reason // ""] | @tsv'
}
request_peering() {
    konnect --data "$request_body" "$requests_url"
}
delete_request() { # ID
    konnect --request DELETE "$requests_url/$1"
}
