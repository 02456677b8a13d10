pause=1
while [[ $peering_state != Connected || $in_sync != true || $phase != ready ]]; do
    if out_of_time; then
        die "$vendor has not connected the networks yet. Run this again later." 3
    fi
    say "Waiting for $vendor."
    pause_longer
    look_again
done
if [[ $access != true ]]; then
    die "The peering $(plain "$peering_name") lets no traffic through: allowVirtualNetworkAccess is false."
fi
if [[ ${proven:-true} != true ]]; then
    say "The peering was recognized as $vendor's by its addresses or its time alone: its tenant could not be confirmed."
fi
printf 'Connected: %s\n' "$(plain "$peering_name")"
