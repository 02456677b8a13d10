read_request() {
    local line
    line=$(steadily request_now) || die "$vendor cannot be asked for the $request_kind."
    request_id='' phase='' state='' reason='' to_tenant='' to_network=''
    IFS=$'\t' read -r request_id phase state reason to_tenant to_network <<<"$line" || true
    # Who says it is asked at once; what the inputs say stays where the vendor says nothing.
    remote_tenant_id=${to_tenant:-${remote_tenant_id:-}}
    remote_vnet_id=${to_network:-${remote_vnet_id:-}}
}

# Requests it, in place of one that failed. The vendor takes the new one once the old one is gone.
ensure_request() {
    local answer gone='' pause=1
    read_request
    while [[ $phase == failed || $phase == leaving ]]; do
        if out_of_time; then
            die "$vendor has not deleted the $request_kind that failed yet. Run this again later." 3
        fi
        if [[ $phase == failed && $gone != "$request_id" ]]; then
            say "The $request_kind failed; it is deleted and requested again. $vendor says: $(plain "$reason")"
            answer=$(delete_request "$request_id") || die "It cannot be deleted: $(plain "$answer")"
            gone=$request_id
        else
            pause_longer
        fi
        read_request
    done
    if [[ -z $phase ]]; then
        answer=$(request_peering) || die "$vendor refuses the $request_kind: $(plain "$answer")"
        read_request
    fi
}

# What a vendor quotes when a role that it was given has not arrived everywhere: then it is asked again.
renewals=2
mend_request() {
    if [[ $phase == failed ]]; then
        if ((renewals == 0)) || [[ ! $reason =~ AuthorizationFailed|AADSTS7000229|AADSTS700016 ]]; then
            die "$vendor could not create the peering: $(plain "$state"). It says: $(plain "$reason")"
        fi
        renewals=$((renewals - 1))
        ensure_request
    elif [[ -z $phase || $phase == leaving ]]; then
        die "The $request_kind was deleted while this script waited for it. Run it again to request it anew."
    fi
}
ensure_request
