# Whether our direction is to use the other network's gateways, and whether the other side lets it.
uses_gateways=$(jq --argjson settings "$our_settings" \
    '.properties.useRemoteGateways == true or ($settings | index("useRemoteGateways")) != null' <<<"$peering")
may_use_gateways=$uses_gateways
theirs='{}'
