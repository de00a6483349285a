# SPDX-License-Identifier: Apache-2.0
"""The completion of bash for `cordon`, from what --help says. Entry point: bash.

How a value is completed is read from its name in --help: FILE and DIR from the file system, POLICY
from the profiles and the file system; what has choices from those.
"""

from typing import List

from cli_help import Command, Option

HEAD = r"""# bash completion for cordon                                     -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0
# Made by tools/gen/completion.py from `cordon --help`.

# Adds what compgen finds: one a line, so that names with blanks stay whole.
_cordon_add() {
  local found
  while IFS= read -r found; do
    COMPREPLY+=("$found")
  done < <(compgen "$@")
}

# A folder is no end of a word.
_cordon_files() {
  compopt -o filenames 2>/dev/null
  _cordon_add -f -- "$1"
}

_cordon_words() {
  _cordon_add -W "$1" -- "$2"
}

_cordon_value() {
  case $1 in
    file) _cordon_files "$2" ;;
    folder) compopt -o filenames 2>/dev/null; _cordon_add -d -- "$2" ;;
    policy) _cordon_words "$_cordon_profiles" "$2"; _cordon_files "$2" ;;
    words:*) _cordon_words "${1#words:}" "$2" ;;
  esac
}
"""

TAIL = r"""
_cordon() {
  local IFS=$' \t\n'
  local cur=${COMP_WORDS[COMP_CWORD]} verb="" word i previous=${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # "--format=json" comes as three words.
  if [ "$cur" = "=" ]; then
    cur=""
  elif [ "$previous" = "=" ] && [ "$COMP_CWORD" -ge 2 ]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [ -z "$verb" ] && [[ $word != -* ]]; then
      verb=$word
    elif [ "$verb" = run ] && [ "$word" = "--" ]; then
      # The job's own command.
      if [ $((i + 1)) -eq "$COMP_CWORD" ]; then _cordon_add -c -- "$cur"; fi
      _cordon_files "$cur"
      return
    fi
  done
  local kind
  kind=$(_cordon_kind "$verb" "$previous")
  if [ -n "$kind" ]; then
    _cordon_value "$kind" "$cur"
  elif [[ $cur == -* ]]; then
    _cordon_words "$(_cordon_options "$verb" "")" "$cur"
  elif [ -z "$verb" ]; then
    _cordon_words "$_cordon_verbs" "$cur"
  else
    _cordon_value "$(_cordon_kind "$verb" "")" "$cur"
  fi
}
complete -F _cordon cordon
"""


def kind_of(option: Option) -> str:
    """How its value is completed; "" for a flag, "none" for what nobody can guess."""
    if option.choices:
        return "words:" + " ".join(option.choices)
    if not option.value:
        return ""
    return {"FILE": "file", "DIR": "folder", "POLICY": "policy"}.get(option.value, "none")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _function(name: str, arms: List[str]) -> List[str]:
    return [f"{name}() {{", "  case $1:$2 in", *(f"    {arm}" for arm in arms), "  esac", "}", ""]


def bash(command: Command, profiles: List[str]) -> str:
    kinds: List[str] = []
    lists: List[str] = []
    for verb in (command,) + command.verbs:
        names = [name for option in verb.options for name in option.names]
        lists.append(f"{verb.name}:) echo {_quoted(' '.join(names))} ;;")
        for option in verb.options:
            kind = kind_of(option)
            if kind:
                arms = "|".join(f"{verb.name}:{name}" for name in option.names)
                kinds.append(f"{arms}) echo {_quoted(kind)} ;;")
        for option in verb.positionals[:1]:
            kinds.append(f"{verb.name}:) echo {_quoted(kind_of(option))} ;;")
    return "\n".join([
        HEAD,
        "_cordon_verbs=" + _quoted(" ".join(verb.name for verb in command.verbs)),
        "_cordon_profiles=" + _quoted(" ".join(profiles)), "",
        *_function("_cordon_kind", kinds), *_function("_cordon_options", lists)]) + TAIL
