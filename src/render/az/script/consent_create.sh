principal=$(ensure_principal "$app_id") || {
    say "The service principal of $application cannot be created. An administrator can accept it here:"
    die "$consent_url" 3
}
