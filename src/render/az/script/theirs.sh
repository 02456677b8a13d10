# The other direction, where this sign-in may write it; else the commands for who may.
hand_over() {
    say "$1"
    say "The other direction is for the operator of the other network to write:"
    printf '    %s\n' "${other_side[@]}" >&2
    exit 3
}
read_theirs() {
    theirs_known=true
    theirs=$(arm_of_both GET "$(path_of "$remote_vnet_id")" "$remote_tenant_id" "$tenant_id" 2>/dev/null) || {
        theirs='{}'
        theirs_known=false
    }
    theirs=$(jq --compact-output --arg vnet "$vnet_id" 'first(.properties.virtualNetworkPeerings[]?
        | select(.properties.remoteVirtualNetwork.id // "" | ascii_downcase == ($vnet | ascii_downcase))) // {}' <<<"$theirs")
    their_state=$(jq --raw-output '.properties.peeringState // empty' <<<"$theirs")
    their_transit=$(jq '.properties.allowGatewayTransit == true' <<<"$theirs")
    their_gateways=$(jq '.properties.useRemoteGateways == true' <<<"$theirs")
    theirs_work=$(jq '(.properties.peeringState // "Disconnected") != "Disconnected" and .properties.allowVirtualNetworkAccess == true
        and ((.properties.peeringSyncLevel // "") | startswith("Local") | not)' <<<"$theirs")
    if [[ $uses_gateways == true && $their_transit != true ]]; then
        theirs_work=false
    fi
}
write_theirs() {
    local name settings='[]'
    if [[ $theirs_known != true ]]; then
        hand_over "The other direction cannot be read from here."
    fi
    if [[ $uses_gateways == true ]]; then
        settings='["allowGatewayTransit"]'
    fi
    name=$(jq --raw-output --arg name "$their_peering_name" '.name // $name' <<<"$theirs")
    patiently 'AnotherOperationInProgress|RetryableError|TooManyRequests' \
        write_peering "$remote_vnet_id" "$name" "$vnet_id" "$remote_tenant_id" "$tenant_id" "$settings" "$theirs" "$their_gateways" "$peering" ||
        hand_over "The other direction cannot be written from here."
    read_theirs
    read_peering
}
make_way() {
    true
}
unfinished=
if [[ $peering_state != Connected || $settled != true || $access != true || $in_sync != true || $provisioning == Failed ]]; then
    unfinished=true
    ready_to_write
    read_theirs
    # Azure takes no direction beside a Disconnected one, and none that uses gateways that the other one does not offer.
    if [[ $their_state == Disconnected || ($theirs_known == true && $uses_gateways == true && $their_transit != true &&
        ($peering_state != Disconnected || -n $their_state)) ]]; then
        write_theirs
    fi
    if [[ $theirs_known == true && $their_transit != true ]]; then
        may_use_gateways=false
    fi
fi
