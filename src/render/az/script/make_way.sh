# A vendor that does not let our application in any more begins again only once our direction is gone.
make_way() {
    if ! write_peering "$vnet_id" "$peering_name" "$remote_vnet_id" "$tenant_id" "$remote_tenant_id" "$our_settings" \
        "$before" "$may_use_gateways" "$theirs"; then
        say "It cannot be written, so it is deleted and created again with its settings."
        az network vnet peering delete --subscription "$subscription_id" --resource-group "$resource_group" \
            --vnet-name "$vnet_name" --name "$peering_name" --only-show-errors
    fi
}
