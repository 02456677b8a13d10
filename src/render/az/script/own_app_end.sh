own_app_id=$(jq --raw-output .appId <<<"$own_app")
own_app_object=$(jq --raw-output .id <<<"$own_app")
audience_of_app=$(jq --raw-output .signInAudience <<<"$own_app")
case $audience_of_app in
AzureADMultipleOrgs | AzureADandPersonalMicrosoftAccount) ;;
*)
    say "$own_app_name is not multi-tenant ($(plain "$audience_of_app")), so it cannot sign in to the other tenant. First:"
    die "az ad app update --id $own_app_id --sign-in-audience AzureADMultipleOrgs"
    ;;
esac
# An application of a moment ago is refused as if it were another tenant's.
just_made='does not reference a valid application|backing application|NoBackingApplicationObject|Insufficient privileges'
principal=$(ensure_principal "$own_app_id" "$just_made") || die "The service principal of $own_app_name cannot be created."
own_principal_id=$(jq --raw-output .id <<<"$principal")

# The credential lives in this process's memory, for an hour at most, and is removed once the peering is written, or
# when this script ends, however it ends. One that an earlier run left behind is removed too.
secret=${PEERCTL_OWN_APP_SECRET:-}
made_key=
credential_name='peerctl setup'
remove_credentials() {
    local keys key
    keys=$(graph get "/applications/$own_app_object?$fields" | jq --raw-output --arg name "$credential_name" \
        '.passwordCredentials[] | select(.displayName == $name) | .keyId') || return
    # A credential of a moment ago may not be in the list yet.
    for key in $(printf '%s\n' "$keys" "$made_key" | sort -u); do
        patiently 'Not Found|ResourceNotFound' \
            graph post "/applications/$own_app_object/removePassword" --body "{\"keyId\": \"$key\"}" || return
    done
    made_key=
}
at_the_end() {
    local code=$?
    set +e
    if [[ -n $made_key ]] && ! remove_credentials; then
        say "A credential of $own_app_name could not be removed; it ends by itself within the hour."
    fi
    exit "$code"
}
trap at_the_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if [[ -n $(jq --arg name "$credential_name" '.passwordCredentials[] | select(.displayName == $name)' <<<"$own_app") ]]; then
    remove_credentials
fi

ready_to_write() {
    local body answer
    if [[ -n $secret ]]; then
        return
    fi
    body=$(jq --null-input --compact-output --arg name "$credential_name" \
        '{passwordCredential: {displayName: $name, endDateTime: (now + 3600 | floor | todate)}}')
    answer=$(patiently 'Not Found|ResourceNotFound' \
        graph post "/applications/$own_app_object/addPassword" --body "$body") ||
        die "No credential can be made for $own_app_name."
    made_key=$(jq --raw-output .keyId <<<"$answer")
    secret=$(jq --raw-output .secretText <<<"$answer")
}

done_writing() {
    if [[ -n $made_key ]]; then
        remove_credentials || die "A credential of $own_app_name could not be removed. Run this again to remove it."
        secret=
    fi
}

# A token of the own application's for Azure: TENANT. Not by `az login`: that would keep the secret in a file, and a
# refusal ("not known here yet") for a minute. The secret reaches curl through a file descriptor.
login_url=$(jq --raw-output '.activeDirectory | rtrimstr("/")' <<<"$cloud")
scope=$(jq --raw-output '.activeDirectoryResourceId + "/.default"' <<<"$cloud")
token_of() {
    local answer token
    answer=$(curl --silent --show-error --data grant_type=client_credentials --data-urlencode "client_id=$own_app_id" \
        --data-urlencode "scope=$scope" --data-urlencode client_secret@<(printf %s "$secret") \
        "$login_url/$1/oauth2/v2.0/token") || return
    token=$(jq --raw-output '.access_token // empty' <<<"$answer" 2>/dev/null)
    if [[ -z $token ]]; then
        say "$(plain "$(jq --raw-output '.error_description // .error // empty' <<<"$answer" 2>/dev/null)")"
        return 1
    fi
    printf '%s\n' "$token"
}
not_arrived='AADSTS7000215|AADSTS7000229|AADSTS700016|AADSTS7000222|AuthorizationFailed'
