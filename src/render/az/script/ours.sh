read_peering
before=$peering
if [[ $peering_state == Disconnected ]]; then
    say "The peering $(plain "$peering_name") is Disconnected, so it is deleted and created again."
    az network vnet peering delete --subscription "$subscription_id" --resource-group "$resource_group" \
        --vnet-name "$vnet_name" --name "$peering_name" --only-show-errors
    read_peering
fi
if [[ -z $peering_state || $access != true || $settled != true || $provisioning == Failed ]]; then
    ready_to_write
    patiently "$not_arrived|AnotherOperationInProgress|RetryableError|TooManyRequests" \
        write_peering "$vnet_id" "$peering_name" "$remote_vnet_id" "$tenant_id" "$remote_tenant_id" "$our_settings" "$before" || {
        say "The peering $(plain "$peering_name") cannot be written. What the codes mean:"
        say "AADSTS700016, AADSTS7000229: the other tenant, $remote_tenant_id, does not know who signs in here."
        say "LinkedAuthorizationFailed: who signs in here may not peer (peer/action) with the other network."
        die "AuthorizationFailed: who signs in here may not write peerings of $vnet_name."
    }
    read_peering
fi
