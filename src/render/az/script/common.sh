# -------------------------------------------------------------------------------------------- what the steps share

die() { # MESSAGE [EXIT-CODE]
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

say() {
    printf '%s\n' "$*" >&2
}

# A text from outside without what a terminal would obey.
plain() {
    printf '%s' "${1//[[:cntrl:]]/ }"
}

for tool in az curl jq; do
    command -v "$tool" >/dev/null || die "This script needs $tool."
done
# curl trusts whom az trusts.
if [[ -n ${REQUESTS_CA_BUNDLE:-} ]]; then
    export CURL_CA_BUNDLE=$REQUESTS_CA_BUNDLE
fi

# Azure Resource Manager, as the operator: METHOD PATH [more of az rest].
arm() {
    az rest --method "$1" --url "$2" --only-show-errors --output json "${@:3}"
}

pause=1
out_of_time() {
    ((SECONDS >= timeout))
}
pause_longer() {
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 30))
}

# A command, again and again while it fails with a message that tells of what passes by waiting: PATTERN COMMAND...
patiently() {
    local pattern=$1 messages pause=1
    shift
    # The command's own output goes past the capture of its messages.
    while ! { messages=$("$@" 2>&1 >&3); } 3>&1; do
        if [[ ! $messages =~ $pattern ]] || out_of_time; then
            printf '%s\n' "$messages" >&2
            return 1
        fi
        pause_longer
    done
}

# A look, taken again where it fails: a network has its moments, and a wait is long.
steadily() {
    local answer try
    for try in 1 4 0; do
        if answer=$("$@"); then
            printf '%s\n' "$answer"
            return
        fi
        if ((try > 0)); then
            sleep "$try"
        fi
    done
    return 1
}

cloud=$(az cloud show --query endpoints --output json)
arm_url=$(jq --raw-output '.resourceManager | rtrimstr("/")' <<<"$cloud")
signed_in=$(az account show --subscription "$subscription_id" --query tenantId --output tsv) ||
    die "Sign in first: az login --tenant $tenant_id"
if [[ $signed_in != "$tenant_id" ]]; then
    die "Subscription $subscription_id is of tenant $signed_in, not of $tenant_id."
fi
network_api='api-version=2024-03-01'
vnet=$(arm get "$vnet_id?$network_api") || die "The virtual network $vnet_name cannot be read."
