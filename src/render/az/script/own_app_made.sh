# It is found by its unique name, and never by its display name.
own_app_path="/applications(uniqueName='$unique_name')"
fields='%24select=id,appId,displayName,signInAudience,passwordCredentials'
if ! own_app=$(graph get "$own_app_path?$fields" 2>/dev/null); then
    own_app=$(graph patch "$own_app_path" --headers Prefer=create-if-missing --body "$own_app_body") ||
        die "The application $own_app_name cannot be registered: that takes an Application Administrator or Developer."
    if [[ -z $own_app ]]; then
        own_app=$(patiently 'Not Found|ResourceNotFound' graph get "$own_app_path?$fields")
    fi
fi
