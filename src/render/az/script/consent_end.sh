vendor_principal_id=$(jq --raw-output .id <<<"$principal")
vendor_tenant_id=$(jq --raw-output '.appOwnerOrganizationId // empty' <<<"$principal")
