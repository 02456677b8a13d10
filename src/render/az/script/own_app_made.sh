# It is found by its unique name, and never by its display name.
own_app_path="/applications(uniqueName='$unique_name')"
fields='%24select=id,appId,displayName,signInAudience,passwordCredentials,keyCredentials'
if ! own_app=$(graph get "$own_app_path?$fields" 2>/dev/null); then
    # Microsoft Entra keeps a deleted application, and its unique name, for 30 days.
    deleted_items=/directory/deletedItems
    deleted=$(graph get "$deleted_items/microsoft.graph.application?%24select=id,uniqueName" 2>/dev/null |
        jq --raw-output --arg name "$unique_name" '.value[]? | select(.uniqueName == $name) | .id') || deleted=
    if [[ -n $deleted ]]; then
        graph post "$deleted_items/$deleted/restore" --body '{}' >/dev/null ||
            die "The deleted application $own_app_name cannot be restored: that requires an Application Administrator."
        own_app=
    else
        own_app=$(graph patch "$own_app_path" --headers Prefer=create-if-missing --body "$own_app_body") ||
            die "The application $own_app_name cannot be registered: that requires an Application Administrator or Developer."
    fi
    if [[ -z $own_app ]]; then
        own_app=$(patiently 'Not Found|ResourceNotFound' graph get "$own_app_path?$fields")
    fi
fi
# Anybody can work out the unique name: an application with credentials of others is not trusted for it.
others=$(jq --raw-output '[.passwordCredentials[]?, .keyCredentials[]?] |
    map(select((.displayName // "") | startswith("peerctl setup") | not) | .displayName // .keyId) | join(", ")' <<<"$own_app")
if [[ -n $others ]]; then
    say "$own_app_name has credentials that setup did not create: $(plain "$others")"
    die "If it is yours, print this script again with --own-app $(jq --raw-output .appId <<<"$own_app")."
fi
