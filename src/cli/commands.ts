import type { Commands } from './subcommand.js';

/** The commands; each is loaded when it is called, so that a run need not pay for them. */
export const commands: Commands = {
  check: {
    summary: 'say whether this host, or a captured one, can run the VM',
    load: async () => (await import('./commands/check.js')).checkCommand,
  },
  graph: {
    summary: 'draw the boot sequence and the machine of a spec',
    load: async () => (await import('./commands/graph.js')).graphCommand,
  },
  plan: {
    summary: 'show devices, slots and command of each target, and why',
    load: async () => (await import('./commands/plan.js')).planCommand,
  },
  lock: {
    summary: 'keep slots, MACs, UUID and serial numbers as they are',
    load: async () => (await import('./commands/lock.js')).lockCommand,
  },
  ps: {
    summary: 'list the VMs that vmrun runs here',
    load: async () => (await import('./commands/ps.js')).psCommand,
  },
  stop: {
    summary: 'stop a VM that vmrun runs, and wait until it has ended',
    load: async () => (await import('./commands/stop.js')).stopCommand,
  },
  console: {
    summary: 'connect to the console of a VM that vmrun runs',
    load: async () => (await import('./commands/console.js')).consoleCommand,
  },
  serve: {
    summary: 'run the VMs of a folder, and serve an API',
    load: async () => (await import('./commands/serve.js')).serveCommand,
    commands: {
      user: {
        summary: 'users of a manager, and their passwords',
        load: async () => (await import('./serve/accounts.js')).userCommand,
      },
      token: {
        summary: 'tokens of a manager, for programs',
        load: async () => (await import('./serve/accounts.js')).tokenCommand,
      },
    },
  },
  ls: {
    summary: 'list the VMs of a manager',
    load: async () => (await import('./commands/ls.js')).lsCommand,
  },
  start: {
    summary: 'start a VM of a manager',
    load: async () => (await import('./commands/start.js')).startCommand,
  },
  restart: {
    summary: 'stop a VM of a manager, then start it',
    load: async () => (await import('./commands/restart.js')).restartCommand,
  },
  logs: {
    summary: 'print what bhyve and the hooks of a VM wrote',
    load: async () => (await import('./commands/logs.js')).logsCommand,
  },
  events: {
    summary: 'tell what happens to the VMs of a manager',
    load: async () => (await import('./commands/events.js')).eventsCommand,
  },
  apply: {
    summary: 'make a VM of a spec in a manager',
    load: async () => (await import('./commands/apply.js')).applyCommand,
  },
  remove: {
    summary: 'remove a VM that apply has made',
    load: async () => (await import('./commands/remove.js')).removeCommand,
  },
  reload: {
    summary: 'make a manager read its specs again',
    load: async () => (await import('./commands/reload.js')).reloadCommand,
  },
  import: {
    summary: 'write a spec for a VM that another tool runs',
    load: async () => (await import('./commands/import.js')).importCommand,
  },
  doctor: {
    summary: 'print what a bug report needs, without secrets',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  facts: {
    summary: 'print what vmrun sees of this host, as JSON',
    load: async () => (await import('./commands/facts.js')).factsCommand,
  },
  init: {
    summary: 'write a first spec, by questions or options',
    load: async () => (await import('./commands/init.js')).initCommand,
  },
  schema: {
    summary: 'print the JSON Schema of a spec, for editors',
    load: async () => (await import('./commands/schema.js')).schemaCommand,
  },
  completion: {
    summary: 'print what makes a shell complete vmrun',
    load: async () => (await import('./commands/completion.js')).completionCommand,
  },
  help: {
    summary: 'list the commands, or print the help of one',
    load: async () => (await import('./commands/help.js')).helpCommand,
  },
};
