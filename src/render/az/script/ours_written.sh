write_ours() { # GATEWAYS
    patiently "$not_arrived|AnotherOperationInProgress|RetryableError|TooManyRequests" \
        write_peering "$vnet_id" "$peering_name" "$remote_vnet_id" "$tenant_id" "$remote_tenant_id" "$our_settings" "$before" "$1" "$theirs" || {
        say "The peering $(plain "$peering_name") cannot be written. What the codes mean:"
        say "AADSTS700016, AADSTS7000229: the other tenant, $remote_tenant_id, does not know who signs in here."
        say "LinkedAuthorizationFailed: who signs in here may not peer (peer/action) with the other network."
        say "UseRemoteGateways: the other direction has to allow gateway transit first."
        die "AuthorizationFailed: who signs in here may not write peerings of $vnet_name."
    }
    read_peering
}
before=$peering
if [[ -z $peering_state || $peering_state == Disconnected || $access != true || $settled != true || $stale == true ||
    $provisioning == Failed ]]; then
    ready_to_write
    if [[ $peering_state == Disconnected ]]; then
        say "The peering $(plain "$peering_name") is Disconnected, so it is written again with its settings."
        make_way
    fi
    write_ours "$may_use_gateways"
fi
