# The other direction, where this sign-in may write it; else the commands for who may.
hand_over() {
    say "$1"
    say "Our direction is there. The other one is for the operator of the other network to write:"
    printf '    %s\n' "${other_side[@]}" >&2
    exit 3
}
if [[ $peering_state != Connected ]]; then
    ready_to_write
    theirs=$(arm_of_both GET "$(path_of "$remote_vnet_id")" "$remote_tenant_id" "$tenant_id" 2>/dev/null) || theirs='{}'
    theirs=$(jq --compact-output --arg vnet "$vnet_id" 'first(.properties.virtualNetworkPeerings[]?
        | select(.properties.remoteVirtualNetwork.id // "" | ascii_downcase == ($vnet | ascii_downcase))) // {}' <<<"$theirs")
    if [[ $(jq --raw-output '.properties.peeringState // "Disconnected"' <<<"$theirs") == Disconnected ]]; then
        their_name=$(jq --raw-output --arg name "$their_peering_name" '.name // $name' <<<"$theirs")
        patiently 'AnotherOperationInProgress|RetryableError|TooManyRequests' \
            write_peering "$remote_vnet_id" "$their_name" "$vnet_id" "$remote_tenant_id" "$tenant_id" '[]' "$theirs" ||
            hand_over "The other direction cannot be written from here."
    fi
    read_peering
fi
