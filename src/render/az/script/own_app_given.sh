fields='%24select=id,appId,displayName,signInAudience,passwordCredentials'
own_app=$(graph get "/applications(appId='$own_app_id')?$fields") ||
    die "The tenant has no application $own_app_id, or this sign-in cannot see it."
