# A token of the operator's for Azure: TENANT.
token_of() {
    az account get-access-token --tenant "$1" --query accessToken --output tsv --only-show-errors
}
ready_to_write() {
    true
}
done_writing() {
    true
}
# An operator's own sign-in is not minutes old: what it may not, waiting does not mend.
not_arrived=AnotherOperationInProgress
