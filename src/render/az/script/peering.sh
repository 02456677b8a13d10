# The virtual network's peering with the other network: its name, state and so on.
read_peering() {
    vnet=$(steadily arm get "$vnet_id?$network_api")
    peering=$(jq --compact-output --arg remote "$remote_vnet_id" 'first(.properties.virtualNetworkPeerings[]?
        | select(.properties.remoteVirtualNetwork.id // "" | ascii_downcase == ($remote | ascii_downcase))) // {}' <<<"$vnet")
    peering_name=$(jq --raw-output --arg ours "$our_peering_name" '.name // $ours' <<<"$peering")
    peering_state=$(jq --raw-output '.properties.peeringState // empty' <<<"$peering")
    provisioning=$(jq --raw-output '.properties.provisioningState // empty' <<<"$peering")
    in_sync=$(jq '(.properties.peeringSyncLevel // "FullyInSync") == "FullyInSync"' <<<"$peering")
    access=$(jq '.properties.allowVirtualNetworkAccess // false' <<<"$peering")
    settled=$(jq --argjson settings "$our_settings" '[.properties[$settings[]]] | all(. == true)' <<<"$peering")
}

# An id as the path of a URL: ID.
path_of() {
    jq --null-input --raw-output --arg id "$1" '$id | split("/") | map(@uri) | join("/")'
}

# Azure Resource Manager with tokens of both tenants: METHOD PATH TENANT OTHER-TENANT [more of curl]. By curl, because
# az takes headers as arguments only, where every process can see them.
arm_of_both() {
    local token other answer
    token=$(token_of "$3") || return
    other=$(token_of "$4") || return
    answer=$(curl --silent --show-error --request "$1" --header 'Content-Type: application/json' \
        --header @<(printf 'Authorization: Bearer %s\nx-ms-authorization-auxiliary: Bearer %s\n' "$token" "$other") \
        "${@:5}" "$arm_url$2?$network_api") || return
    if ! jq --exit-status '.properties' <<<"$answer" >/dev/null 2>&1; then
        say "$(plain "$(jq --raw-output '.error | "\(.code): \(.message)"' <<<"$answer" 2>/dev/null || printf '%s' "$answer")")"
        return 1
    fi
    printf '%s\n' "$answer"
}

# Writes one direction: NETWORK NAME OTHER-NETWORK TENANT OTHER-TENANT SETTINGS PEERING. What one that is
# there allows already stays allowed.
write_peering() {
    local body path
    body=$(jq --compact-output --arg remote "$3" --argjson settings "$6" '.properties as $present
        | {properties: ({remoteVirtualNetwork: {id: $remote}, allowVirtualNetworkAccess: true}
            + ([("allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways") as $name
                | {($name): ($present[$name] == true or ($settings | index($name)) != null)}] | add))}' <<<"$7")
    path=$(path_of "$1/virtualNetworkPeerings/$2")
    arm_of_both PUT "$path" "$4" "$5" --data "$body" >/dev/null
}
