pause=1
principal=$(principal_of "$app_id")
if [[ -z $principal ]]; then
    say "An administrator has to accept $application here: $consent_url"
fi
while [[ -z $principal ]]; do
    if out_of_time; then
        die "Nobody has consented yet. Run this again later." 3
    fi
    pause_longer
    principal=$(steadily principal_of "$app_id")
done
