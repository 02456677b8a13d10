# It is our turn once the vendor has said with which network.
pause=1
until [[ $phase == our-turn || $phase == ready ]] && [[ -n $remote_vnet_id && -n $remote_tenant_id ]]; do
    if out_of_time; then
        die "$vendor is not ready for our direction yet. Run this again later." 3
    fi
    say "Waiting for $vendor."
    pause_longer
    read_request
    mend_request
done
