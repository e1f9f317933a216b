import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Shell } from './reply.js';

/** The commands with their words, the main form among them. */
type CommandList = readonly CommandUnknownOpts[];

/**
 * What makes a shell complete vmrun: a function that hands the line over to `vmrun completion SHELL --answer`, so that
 * what it knows is always that of the vmrun that is typed. What goes wrong there is not told: nobody wants words in
 * the middle of the line that he types.
 */
export const completionScript = (shell: Shell, commands: CommandList): string =>
  ({ bash: () => bash, zsh: () => zsh, fish: () => fish, tcsh: () => tcsh(commands) })[shell]();

const head = (shell: Shell): string => `# Completion of vmrun for ${shell}, made by: vmrun completion ${shell}`;

const bash = `${head('bash')}
_vmrun() {
  local program=\${1/#\\~\\//"$HOME/"} answer
  mapfile -t answer < <("$program" completion bash --answer -- "$COMP_WORDBREAKS" \\
    "\${COMP_LINE:0:COMP_POINT}" "\${COMP_LINE:COMP_POINT}" 2>/dev/null </dev/null)
  case \${answer[0]} in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
    *nospace) compopt -o nospace ;;
  esac 2>/dev/null
  COMPREPLY=("\${answer[@]:1}")
}
complete -F _vmrun vmrun
`;

const zsh = `#compdef vmrun
${head('zsh')}
_vmrun() {
  local program=\${(Q)words[1]} kind kept line word
  local -a given answer candidates
  program=\${program/#\\~\\//$HOME/}
  given=("\${(@Q)words}")
  given[CURRENT]=\${(Q)PREFIX}
  answer=("\${(@f)$("$program" completion zsh --answer -- $((CURRENT - 1)) "\${(@)given}" 2>/dev/null </dev/null)}")
  kind=\${answer[1]% *}
  kept=\${answer[1]##* }
  [[ -n $kind ]] || return 1
  compset -p $kept
  case $kind in
    files) _files ;;
    folders) _files -/ ;;
    *)
      for line in "\${(@)answer[2,-1]}"; do
        word=\${\${line%%$'\\t'*}//\\\\/\\\\\\\\}
        word=\${word//:/\\\\:}
        [[ $line == *$'\\t'* ]] && word+=:\${line#*$'\\t'}
        candidates+=("$word")
      done
      local -a how
      [[ $kind == open ]] && how=(-S '')
      _describe -t vmrun vmrun candidates "\${(@)how}"
      ;;
  esac
}
if [[ \${funcstack[1]} == _vmrun ]]; then
  _vmrun "$@"
else
  compdef _vmrun vmrun
fi
`;

const fish = `${head('fish')}
function __vmrun_complete
  set -l before (commandline -opc)
  set -l line $before (commandline -ct | string collect --allow-empty)
  set -l answer ($before[1] completion fish --answer -- (count $before) $line 2>/dev/null </dev/null)
  switch "$answer[1]"
    case words
      string join -- \\n $answer[2..-1]
    case files
      for file in (__fish_complete_path "$answer[3]")
        printf '%s\\n' "$answer[2]$file"
      end
    case folders
      for folder in (__fish_complete_directories "$answer[3]" '')
        printf '%s\\n' "$answer[2]$folder"
      end
  end
end
complete -c vmrun -f -a '(__vmrun_complete)'
`;

/** tcsh completes files only by rules that name the word before, so these are written out. */
function tcsh(commands: CommandList): string {
  const options = commands.flatMap((command) => command.options);
  const valued = (placeholder: RegExp): readonly string[] => [
    ...new Set(
      options
        .filter(({ flags }) => placeholder.test(flags))
        .flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined)),
    ),
  ];
  const rules = (names: readonly string[], list: string): readonly string[] =>
    names.flatMap((name) => [`'n/${name}/${list}/'`, ...(name.startsWith('--') ? [`'c/${name}=/${list}/'`] : [])]);
  return [
    head('tcsh'),
    'complete vmrun \\',
    ...[...rules(valued(/[<[](file|path|spec)/), 'f'), ...rules(valued(/[<[](dir|folder|directory)/), 'd')].map(
      (rule) => `  ${rule} \\`,
    ),
    '  \'p@*@`vmrun completion tcsh --answer -- "$COMMAND_LINE"`@\'',
    '',
  ].join('\n');
}
