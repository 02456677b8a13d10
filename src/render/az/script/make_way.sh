# A vendor that does not let our application in any more begins again only once our direction is gone.
make_way() {
    if ! write_peering "$vnet_id" "$peering_name" "$remote_vnet_id" "$tenant_id" "$remote_tenant_id" "$our_settings" \
        "$before" "$may_use_gateways" "$theirs"; then
        # What no flag repeats would be gone where this is stopped between the two.
        local lost
        lost=$(jq --raw-output --argjson settings "$our_settings" '.properties // {}
            | [(["allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"] - $settings)[] as $name
                | select(.[$name] == true) | $name]
            + [select(.peerCompleteVnets == false) | "only some subnets"]
            + [select(.enableOnlyIPv6Peering == true) | "IPv6 only"] | join(", ")' <<<"$before")
        [[ -z $lost ]] || die "It cannot be written, and a new peering would not have all of its settings: $lost. To keep flags, pass them \
to the command that printed this script. Otherwise delete $(plain "$peering_name") and run this again."
        say "It cannot be written, so it is deleted and created again with its settings."
        az network vnet peering delete --subscription "$subscription_id" --resource-group "$resource_group" \
            --vnet-name "$vnet_name" --name "$peering_name" --only-show-errors
    fi
}
