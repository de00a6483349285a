# SPDX-License-Identifier: Apache-2.0
"""The completion of zsh for `cordon`, from what --help says. Entry point: zsh.

Values are completed by the kinds that the completion of bash has, too (completion.kind_of).
"""

from typing import List

from cli_help import Command, Option
from completion import kind_of

HEAD = r"""#compdef cordon
# SPDX-License-Identifier: Apache-2.0
# Made by tools/gen/zsh_completion.py from `cordon --help`.
"""

# The job's own command is behind "--" and completed as any other.
TAIL = r"""
_cordon() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C $_cordon_own '1: :_cordon_verb' '*:: :->verb' && return
  [[ $state == verb ]] || return 1
  local -i dashes=${words[(i)--]}
  if [[ $words[1] == run ]] && (( dashes < CURRENT )); then
    shift $dashes words
    (( CURRENT -= dashes ))
    _normal
    return
  fi
  _cordon_arguments $words[1]
}

_cordon "$@"
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str, special: str) -> str:
    return "".join("\\" + c if c in special + "\\" else c for c in text)


def _value(option: Option) -> str:
    """What stands behind the colon of a value: what it is, how it is completed."""
    kind = kind_of(option)
    action = {"file": "_files", "folder": "_files -/", "policy": "_cordon_policy"}.get(kind, " ")
    if kind.startswith("words:"):
        action = "(" + kind[len("words:"):] + ")"
    return ":" + _escaped(option.value or option.names[0], ":") + ":" + action


def _option_specs(option: Option) -> List[str]:
    flag = not kind_of(option)
    before = "*" if option.repeated else "(" + " ".join(option.names) + ")"
    specs = []
    for name in option.names:
        # Both "--name=VALUE" and "--name VALUE", "-nVALUE" and "-n VALUE".
        joint = "" if flag else ("=" if name.startswith("--") else "+")
        spec = f"{before}{name}{joint}[{_escaped(option.text, '[]')}]"
        specs.append(_quoted(spec + ("" if flag else _value(option))))
    return specs


def _specs(command: Command) -> List[str]:
    specs = [spec for option in command.options for spec in _option_specs(option)]
    for place, option in enumerate(command.positionals, 1):
        specs.append(_quoted(("*" if option.repeated else str(place)) + _value(option)))
    return specs


def zsh(command: Command, profiles: List[str]) -> str:
    described = [_quoted(f"{verb.name}:{verb.summary}") for verb in command.verbs]
    lines = [HEAD, "_cordon_policy() {",
             "  _alternative " + _quoted(f"profiles:profile:({' '.join(profiles)})")
             + " 'files:file:_files'", "}", "",
             "_cordon_verb() {", "  local -a verbs=("]
    lines += [f"    {each}" for each in described]
    lines += ["  )", "  _describe -t verbs verb verbs", "}", "", "_cordon_arguments() {",
              "  case $1 in"]
    for verb in command.verbs:
        lines.append(f"    {verb.name})")
        lines.append("      _arguments \\")
        lines += [f"        {spec} \\" for spec in _specs(verb)[:-1]]
        lines += [f"        {_specs(verb)[-1]}", "      ;;"]
    lines += ["    *) return 1 ;;", "  esac", "}", "", "typeset -ga _cordon_own=("]
    lines += [f"  {spec}" for spec in _specs(command)]
    lines += [")"]
    return "\n".join(lines) + TAIL
