# ----------------------------------------------------------------------------------------------- service principals

# Graph answers for the tenant of az's default subscription.
default_tenant=$(az account show --query tenantId --output tsv)
if [[ $default_tenant != "$tenant_id" ]]; then
    die "az's default subscription is of another tenant. First: az account set --subscription $subscription_id"
fi

# Microsoft Graph, as the operator: METHOD PATH [more of az rest].
graph_url=$(jq --raw-output '.microsoftGraphResourceId | rtrimstr("/")' <<<"$cloud")
graph() {
    az rest --method "$1" --url "$graph_url/v1.0$2" --resource "$graph_url/" --only-show-errors --output json "${@:3}"
}

# The service principal of an application in the tenant, where there is one: CLIENT-ID.
principal_of() {
    graph get "/servicePrincipals?%24filter=appId%20eq%20%27$1%27&%24select=id,appId,appOwnerOrganizationId" |
        jq --compact-output '.value[0] // empty'
}

# The same, made where there is none: CLIENT-ID [PATTERN]. PATTERN is of refusals that pass in some minutes, because the
# application has not arrived everywhere.
ensure_principal() {
    local found timeout=$((timeout < SECONDS + 600 ? timeout : SECONDS + 600))
    found=$(principal_of "$1") || return
    if [[ -z $found ]]; then
        patiently "${2:-ServiceUnavailable}" \
            az ad sp create --id "$1" --only-show-errors --output none || return
        while [[ -z $found ]]; do
            found=$(principal_of "$1") || return
            if [[ -z $found ]]; then
                if out_of_time; then
                    return 1
                fi
                pause_longer
            fi
        done
    fi
    printf '%s\n' "$found"
}
