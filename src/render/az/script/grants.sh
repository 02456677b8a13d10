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
def extra: [.properties.permissions[] | (.actions[]? | select(ascii_downcase as $action
  | any($grant.actions[]; ascii_downcase == $action) | not)), .dataActions[]?];
def is_named: (.properties.roleName | ascii_downcase) as $name | (.name | ascii_downcase) as $guid
  | any($grant.names[]; ascii_downcase == $name) or any($grant.own[]; .guid == $guid or (.name | ascii_downcase) == $name);
def is_foreign: (.properties.roleName | ascii_downcase) as $name
  | any($grant.foreign.names[]; . == $name) or any($grant.foreign.prefixes[]; . as $prefix | $name | startswith($prefix));
def has_the_same: .properties.permissions as $entries
  | all($entries[]; [.notActions, .dataActions, .notDataActions | .[]?] == [])
    and ([$entries[].actions[]? | ascii_downcase] | sort) == ($grant.actions | map(ascii_downcase) | sort);
def usable: (is_named or (has_the_same and (is_foreign | not))) and extra == [];
JQ
)

# Whether nobody holds a role but the principal at this network: ROLE PRINCIPAL. What cannot be read counts as held.
held_by_nobody_else() {
    local role=$1 principal=$2 scopes scope found others
    scopes=$(jq --raw-output --arg here "/subscriptions/$subscription_id" \
        '[.properties.assignableScopes[], $here] | map(ascii_downcase) | unique[]' <<<"$role") || return
    while IFS= read -r scope; do
        if [[ ! $scope =~ ^(/subscriptions/[^/]+) ]]; then
            return 1
        fi
        found=$(arm_list "${BASH_REMATCH[1]}/providers/Microsoft.Authorization/roleAssignments?$authorization" \
            2>/dev/null) || return
        others=$(jq --argjson role "$role" --arg principal "$principal" --arg vnet "$vnet_id" '
            [.[].properties | select((.roleDefinitionId | ascii_downcase | split("/") | last) == ($role.name | ascii_downcase))
                | select((.principalId | ascii_downcase) != ($principal | ascii_downcase)
                    or (.scope | ascii_downcase) != ($vnet | ascii_downcase))] | length' <<<"$found") || return
        if [[ $others != 0 ]]; then
            return 1
        fi
    done <<<"$scopes"
}

# Writes a role: ROLE. It gives 1 where the name is taken or the role cannot be changed any more, so that another does.
put_role() {
    local role=$1 scope messages
    scope=$(jq --raw-output '.properties.assignableScopes[0]' <<<"$role") || return 2
    if ! messages=$(arm put "$scope/$role_definitions/$(jq --raw-output .name <<<"$role")?$authorization" \
        --body "$(jq --compact-output '{properties}' <<<"$role")" 2>&1 >/dev/null); then
        if [[ $messages =~ RoleDefinitionWithSameNameExists|"linked subscription"|SubscriptionNotFound ]]; then
            return 1
        fi
        printf '%s\n' "$messages" >&2
        return 2
    fi
}

# The custom role for a grant, as JSON: GRANT PRINCIPAL-ID. One with exactly the actions is used; one that lacks some gets
# them where nobody else holds it. One that grants more, or belongs to other subscriptions, stays as it is: a role is
# created beside it, under the first free name (a role's name is unique in the tenant).
role_for() {
    local grant=$1 principal=$2 role present lacking own here="/subscriptions/$subscription_id" status
    role=$(jq --compact-output --argjson grant "$grant" "$role_words"'
        map(select(usable and missing == [])) | min_by([(is_named | not), .name]) // empty' <<<"$roles") || return
    if [[ -n $role ]]; then
        printf '%s\n' "$role"
        return
    fi
    lacking=$(jq --compact-output --argjson grant "$grant" "$role_words"'
        map(select(is_named and usable)) | sort_by(.name)[] | missing as $missing
        | ([.properties.permissions[] | (.notActions // []) == []] | index(true)) as $entry
        | .properties |= ({roleName, description, type: "CustomRole", permissions, assignableScopes}
            | if $entry == null then .permissions += [{actions: $missing}]
              else .permissions[$entry].actions += $missing end)' <<<"$roles") || return
    while IFS= read -r role; do
        if [[ -n $role ]] && held_by_nobody_else "$role" "$principal"; then
            status=0
            put_role "$role" || status=$?
            if ((status != 1)); then
                printf '%s\n' "$role"
                return "$status"
            fi
        fi
    done <<<"$lacking"
    own=$(jq --compact-output --argjson grant "$grant" --arg here "$here" '
        map([.name, .properties.roleName] | map(ascii_downcase)) as $known | $grant.own[]
        | (.name | ascii_downcase) as $name | .guid as $guid | select(any($known[]; .[0] == $guid or .[1] == $name) | not)
        | {name: .guid, properties: {roleName: .name, description: $grant.description, type: "CustomRole",
            permissions: [{actions: $grant.actions, notActions: []}], assignableScopes: [$here]}}' <<<"$roles") || return
    while IFS= read -r role; do
        # A list may lag behind: what is there under this id is used, or it stays as it is.
        if present=$(arm get "$here/$role_definitions/$(jq --raw-output .name <<<"$role")?$authorization" 2>/dev/null); then
            if jq --exit-status --argjson grant "$grant" "$role_words"'usable and missing == []' <<<"$present" >/dev/null; then
                printf '%s\n' "$present"
                return
            fi
            continue
        fi
        status=0
        put_role "$role" || status=$?
        if ((status != 1)); then
            printf '%s\n' "$role"
            return "$status"
        fi
    done <<<"$own"
    return 1
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
        role=$(role_for "$grant" "$principal") ||
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
