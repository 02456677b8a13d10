# The tenant of a subscription, whoever may see it: Azure names it when it turns a request without a token away.
tenant_of() { # SUBSCRIPTION
    curl --silent --output /dev/null --dump-header - "$arm_url/subscriptions/$1?api-version=2022-12-01" |
        sed -n 's/.*authorization_uri="[^"]*\/\([0-9a-fA-F-]*\)\/\{0,1\}".*/\1/p' || true
}
vendor_tenant_id=$(jq --raw-output '.appOwnerOrganizationId // empty' <<<"${principal:-null}")
own_subscriptions=$(az account list --query "[?tenantId=='$tenant_id'].id" --output json)
peerings_before=$(jq --compact-output '[.properties.virtualNetworkPeerings[]?.name]' <<<"$vnet")

# The virtual network's peering with the vendor's network, as "name state access in-sync proven", or nothing. Proven is
# one that was named, or whose network Azure says to lie in the vendor's tenant: other networks can have its addresses.
vendors_peering() {
    local network lines='' row tenant proven
    network=$(steadily arm get "$vnet_id?$network_api") || return
    while IFS= read -r row; do
        proven=true
        if [[ -z $wanted_name ]]; then
            tenant=$(tenant_of "$(jq --raw-output .subscription <<<"$row")")
            if [[ ${tenant,,} == "${tenant_id,,}" ]]; then
                continue
            fi
            if [[ -z $tenant || -z $vendor_tenant_id ]]; then
                # One that was there before is not taken for the vendor's, unless its addresses tell.
                if [[ -z $network_cidr && $(jq .before <<<"$row") == true ]]; then
                    continue
                fi
                proven=false
            elif [[ ${tenant,,} != "${vendor_tenant_id,,}" ]]; then
                continue
            fi
        fi
        lines+=$(jq --raw-output --arg proven "$proven" '[.name, .state, .access, .sync, $proven] | @tsv' <<<"$row")$'\n'
    done < <(jq --compact-output --slurpfile own <(printf '%s' "$own_subscriptions") --argjson before "$peerings_before" \
        --arg name "$wanted_name" --arg cidr "$network_cidr" '.properties.virtualNetworkPeerings[]?
        | (.properties.remoteVirtualNetwork.id // "" | split("/")[2] // "") as $subscription
        | select(if $name != "" then (.name | ascii_downcase) == ($name | ascii_downcase)
            else ($own[0] | map(ascii_downcase) | index($subscription | ascii_downcase)) == null
                and ($cidr == "" or ([.properties.remoteAddressSpace.addressPrefixes[]?] | index($cidr)) != null) end)
        | {name, subscription: $subscription, state: (.properties.peeringState // "unknown"), before: ([.name] - $before == []),
            access: (.properties.allowVirtualNetworkAccess // false),
            sync: ((.properties.peeringSyncLevel // "FullyInSync") == "FullyInSync")}' <<<"$network")
    printf '%s' "$lines"
}
read_peering() {
    local lines
    lines=$(vendors_peering)
    if [[ $lines == *$'\n'* ]]; then
        say "$(plain "$(cut -f 1 <<<"$lines" | paste -s -d ' ')") could each be $vendor's."
        die "Print this script again with --peering-name and the name of the right one."
    fi
    IFS=$'\t' read -r peering_name peering_state access in_sync proven <<<"$lines" || true
    if [[ $peering_state == Disconnected && $proven != true ]]; then
        say "The peering $(plain "$peering_name") is Disconnected. It could be $vendor's, but its tenant could not be confirmed."
        die "If it is $vendor's, print this script again with --peering-name $(plain "$peering_name")."
    fi
    if [[ $peering_state == Disconnected ]]; then
        say "The peering $peering_name is Disconnected: $vendor's direction was deleted. Ours has to go too:"
        say "az network vnet peering delete --subscription $subscription_id --resource-group '$resource_group' --vnet-name $vnet_name --name '$peering_name'"
        die "Then run this again."
    fi
}
read_peering
