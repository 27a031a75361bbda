# SPDX-License-Identifier: MIT
# What bash offers behind `gclab`. It knows no command and no option: it asks the program, whose option
# tables say what there is; so what a plugin brings is offered as well.

_gclab_options()
{
    "$1" help "$2" 2>/dev/null | grep -oE -- '^ +(-[a-zA-Z], )? *--[a-z-]+=?' | grep -oE -- '--[a-z-]+=?'
}

_gclab_names()
{
    "$1" list --names "$2" 2>/dev/null
}

_gclab()
{
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} words=
    local option=${COMP_WORDS[COMP_CWORD - 1]}
    if [ "$option" = = ]; then # --collector=..., which is three words
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [ "$current" = = ]; then
        option=${COMP_WORDS[COMP_CWORD - 1]} current=
    fi
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
    else
        case $command:$option in
            *:-c | *:--collector | compare:-b | compare:--baseline) words=$(_gclab_names "$program" collectors) ;;
            *:-w | *:--workload) words=$(_gclab_names "$program" workloads) ;;
            help:help) words=$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p') ;;
            list:list) words="collectors workloads protocols" ;;
            new:new) words="collector protocol workload paper" ;;
            info:info)
                words="$(_gclab_names "$program" collectors) $(_gclab_names "$program" workloads)"
                words="$words $(_gclab_names "$program" protocols)"
                ;;
        esac
        case $current in -*) words=$(_gclab_options "$program" "$command") ;; esac
    fi
    local word
    for word in $words; do
        case $word in "$current"*) COMPREPLY+=("$word") ;; esac
    done
    [ ${#COMPREPLY[@]} -gt 0 ] && case ${COMPREPLY[0]} in *=) compopt -o nospace 2>/dev/null ;; esac
    # what is left is a file's name
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null
    return 0
}

complete -F _gclab gclab gclab-checked
