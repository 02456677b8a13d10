# Which of the vendor's networks is meant: reads an array of {id, name, ...}, prints the one: NAME-OR-ID. An id is exact;
# names need not be unique, so two of one name are not guessed between.
the_network() {
    local found
    found=$(jq --compact-output --arg wanted "$1" '
        map(select(.id | ascii_downcase == ($wanted | ascii_downcase))) as $exact
        | if $exact == [] then map(select(.name == $wanted)) else $exact end') || return
    case $(jq length <<<"$found") in
    1) jq --compact-output '.[0]' <<<"$found" ;;
    0)
        say "$vendor has no network $(plain "$1")."
        return 1
        ;;
    *)
        say "$vendor has several networks $(plain "$1"). Which one, by its id: $(jq --raw-output 'map(.id) | join(", ")' <<<"$found")"
        return 1
        ;;
    esac
}
