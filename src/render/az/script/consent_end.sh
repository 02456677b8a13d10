vendor_principal_id=$(jq --raw-output .id <<<"$principal")
