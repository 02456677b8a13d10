if [[ -n $unfinished ]]; then
    if [[ $theirs_work != true ]]; then
        write_theirs
    fi
    if [[ $uses_gateways != "$may_use_gateways" ]]; then
        before=$peering
        write_ours true
    fi
fi
