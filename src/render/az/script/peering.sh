# The virtual network's peering with the other network: its name, state and so on.
read_peering() {
    vnet=$(steadily arm get "$vnet_id?$network_api")
    peering=$(jq --compact-output --arg remote "$remote_vnet_id" 'first(.properties.virtualNetworkPeerings[]?
        | select(.properties.remoteVirtualNetwork.id // "" | ascii_downcase == ($remote | ascii_downcase))) // {}' <<<"$vnet")
    peering_name=$(jq --raw-output --arg ours "$our_peering_name" '.name // $ours' <<<"$peering")
    peering_state=$(jq --raw-output '.properties.peeringState // empty' <<<"$peering")
    provisioning=$(jq --raw-output '.properties.provisioningState // empty' <<<"$peering")
    in_sync=$(jq '(.properties.peeringSyncLevel // "FullyInSync") == "FullyInSync"' <<<"$peering")
    stale=$(jq '.properties.peeringSyncLevel // "" | . == "LocalNotInSync" or . == "LocalAndRemoteNotInSync"' <<<"$peering")
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
        "${@:5}" "$arm_url$2?$network_api${sync_query-}") || return
    if ! jq --exit-status '.properties' <<<"$answer" >/dev/null 2>&1; then
        say "$(plain "$(jq --raw-output '.error | "\(.code): \(.message)"' <<<"$answer" 2>/dev/null || printf '%s' "$answer")")"
        return 1
    fi
    printf '%s\n' "$answer"
}

# Writes one direction: NETWORK NAME OTHER-NETWORK TENANT OTHER-TENANT SETTINGS PEERING GATEWAYS OPPOSITE. A write replaces
# the whole, so what is there is sent back, with what is asked for; and synced where its addresses are old. A new one links
# the subnets that the opposite one does.
write_peering() {
    local body path sync_query=''
    body=$(jq --compact-output --arg remote "$3" --argjson settings "$6" --argjson gateways "$8" --argjson opposite "$9" '
        ($opposite.properties // {}) as $opposite
        | (.properties // ($opposite | if .peerCompleteVnets == false then {peerCompleteVnets, localSubnetNames: .remoteSubnetNames,
            remoteSubnetNames: .localSubnetNames, enableOnlyIPv6Peering} else {} end)) as $present
        | (($present.peeringSyncLevel // "") | startswith("Local")) as $stale
        | {properties: ({remoteVirtualNetwork: {id: $remote}}
            + ($present | with_entries(select(.value != null))
                | del(.peeringState, .peeringSyncLevel, .provisioningState, .remoteGateways, .remoteVirtualNetworkEncryption,
                    .resourceGuid, .routeServiceVips)
                | if $stale or $present.peeringState == "Disconnected"
                    then del(.localVirtualNetworkAddressSpace, .remoteAddressSpace, .remoteVirtualNetworkAddressSpace)
                    else . end)
            + {allowVirtualNetworkAccess: true}
            + ([("allowForwardedTraffic", "allowGatewayTransit") as $name
                | {($name): ($present[$name] == true or ($settings | index($name)) != null)}] | add)
            + {useRemoteGateways: $gateways})}' <<<"$7")
    if jq --exit-status '(.properties.peeringSyncLevel // "") | startswith("Local")' <<<"$7" >/dev/null; then
        sync_query='&syncRemoteAddressSpace=true'
    fi
    path=$(path_of "$1/virtualNetworkPeerings/$2")
    arm_of_both PUT "$path" "$4" "$5" --data "$body" >/dev/null
}
