# -------------------------------------------------------------------------------------------------------------- roles

authorization='api-version=2022-04-01'
# Every item of a list, as one array: PATH.
arm_list() {
    local next=$1 page all='[]'
    while [[ -n $next ]]; do
        page=$(arm get "$next") || return
        all=$(jq --slurp --compact-output '.[0] + .[1].value' <<<"$all $page") || return
        next=$(jq --raw-output '.nextLink // empty' <<<"$page")
    done
    printf '%s\n' "$all"
}
role_definitions=providers/Microsoft.Authorization/roleDefinitions
# What is listed at the network can be assigned there, whichever scope makes it so.
roles=$(arm_list "$vnet_id/$role_definitions?$authorization&%24filter=type%20eq%20%27CustomRole%27")
assignments=$(arm_list "$vnet_id/providers/Microsoft.Authorization/roleAssignments?$authorization&%24filter=atScope%28%29")
# Owner, Contributor, Network Contributor: each holds every action of a peering.
wide_roles='["8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "4d97b98b-1d4f-4787-a291-c67834d212e7"]'
role_words=$(
    cat <<'JQ'
def matches($action):
  ascii_downcase | split("*") | map(gsub("(?<c>[^a-z0-9/])"; "\\\(.c)")) | join(".*") as $pattern
  | $action | ascii_downcase | test("^\($pattern)$");
def allows($action):
  any(.properties.permissions[]; any(.actions[]?; matches($action)) and (any(.notActions[]?; matches($action)) | not));
def missing: . as $role | [$grant.actions[] | . as $action | select($role | allows($action) | not)];
def is_named: (.properties.roleName | ascii_downcase) as $name
  | .name == $grant.guid or any($grant.names[]; ascii_downcase == $name);
def has_the_same: .properties.permissions as $entries
  | all($entries[]; [.notActions, .dataActions, .notDataActions | .[]?] == [])
    and ([$entries[].actions[]? | ascii_downcase] | sort) == ($grant.actions | map(ascii_downcase) | sort);
def best: min_by([(missing | length), (is_named | not)]);
def covers($network): ascii_downcase | rtrimstr("/") as $scope
  | ($network | ascii_downcase) as $network | $network == $scope or ($network | startswith($scope + "/"));
JQ
)

# The custom role for a grant, as JSON: GRANT. One that exists is used, and what it lacks is added: an action, or this
# subscription (a role's name is unique in the tenant, so one made for another subscription is in the way of a new one).
role_for() {
    local grant=$1 role wanted scope other others here="/subscriptions/$subscription_id"
    role=$(jq --compact-output --argjson grant "$grant" "$role_words"'
        map(select(is_named or has_the_same)) | best // empty | . + {here: true}' <<<"$roles") || return
    if [[ -z $role ]]; then
        others=$(az account list --query "[?tenantId=='$tenant_id' && id!='$subscription_id'].id" --output tsv) || return
        for other in $others; do
            role=$(arm_list "/subscriptions/$other/$role_definitions?$authorization&%24filter=type%20eq%20%27CustomRole%27" |
                jq --compact-output --argjson grant "$grant" "$role_words"'map(select(is_named)) | best // empty')
            if [[ -n $role ]]; then
                break
            fi
        done
    fi
    if [[ -z $role ]]; then
        role=$(jq --null-input --compact-output --argjson grant "$grant" --arg here "$here" '{name: $grant.guid,
            properties: {roleName: $grant.names[0], description: $grant.description, type: "CustomRole",
                permissions: [{actions: $grant.actions, notActions: []}], assignableScopes: [$here]}}') || return
        wanted=$role
    else
        wanted=$(jq --compact-output --argjson grant "$grant" --arg here "$here" --arg vnet "$vnet_id" "$role_words"'
            missing as $missing
            | ([.properties.permissions[] | (.notActions // []) == []] | index(true)) as $entry
            | if $missing == [] and .here then empty
              else .properties |= ({roleName, description, type: "CustomRole", permissions, assignableScopes}
                | if $missing == [] then .
                  elif $entry == null then .permissions += [{actions: $missing}]
                  else .permissions[$entry].actions += $missing end
                | if any(.assignableScopes[]; covers($vnet)) then . else .assignableScopes += [$here] end) end
            ' <<<"$role") || return
    fi
    if [[ -n $wanted ]]; then
        scope=$(jq --raw-output '.properties.assignableScopes[0]' <<<"$wanted")
        arm put "$scope/$role_definitions/$(jq --raw-output .name <<<"$wanted")?$authorization" \
            --body "$(jq --compact-output '{properties}' <<<"$wanted")" >/dev/null || return
        role=$wanted
    fi
    printf '%s\n' "$role"
}

# Gives a grant's role at this one virtual network: GRANT PRINCIPAL-ID APPLICATION.
give() {
    local grant=$1 principal=$2 role role_guid enough
    # The lists may be longer than a command line can be.
    enough=$(jq --null-input --argjson grant "$grant" --argjson wide "$wide_roles" --arg principal "$principal" \
        --slurpfile roles <(printf '%s' "$roles") --slurpfile assignments <(printf '%s' "$assignments") "$role_words"'
        $wide + [$roles[0][] | select($grant.actions != [] and missing == []) | .name] | map(ascii_downcase) as $enough
        | any($assignments[0][].properties; (.principalId | ascii_downcase) == ($principal | ascii_downcase)
            and (.roleDefinitionId | ascii_downcase | split("/") | last | IN($enough[])))') ||
        die "The roles of $3 cannot be judged."
    if [[ $enough == true ]]; then
        return
    fi
    role_guid=$(jq --raw-output '.builtIn // empty' <<<"$grant")
    if [[ -z $role_guid ]]; then
        role=$(role_for "$grant") ||
            die "The role for $3 cannot be written: that takes an Owner or User Access Administrator of the subscription."
        role_guid=$(jq --raw-output .name <<<"$role")
    fi
    # Both the principal and the role may take a minute to arrive everywhere.
    patiently 'PrincipalNotFound|RoleDefinitionDoesNotExist|does not exist in the directory' \
        az role assignment create --subscription "$subscription_id" --assignee-object-id "$principal" \
        --assignee-principal-type ServicePrincipal --scope "$vnet_id" --only-show-errors --output none \
        --role "/subscriptions/$subscription_id/$role_definitions/$role_guid" ||
        die "The role cannot be assigned to $3: that takes an Owner or User Access Administrator of the network."
}
