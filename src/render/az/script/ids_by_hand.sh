# What the vendor answers, where this script was printed before that was known.
remote_tenant_id=${TO_TENANT_ID:-}
remote_vnet_id=${TO_NETWORK_ID:-}
if [[ -z $remote_tenant_id || -z $remote_vnet_id ]]; then
    say "$vendor tells where its network is once it knows yours. $returns"
    die "Or run this script again with TO_TENANT_ID and TO_NETWORK_ID in the environment." 3
fi
